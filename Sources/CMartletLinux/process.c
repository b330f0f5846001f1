#define _GNU_SOURCE
#include "martlet_process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t start_ns;

static uint64_t now_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

__attribute__((constructor)) static void note_start(void) {
  start_ns = now_ns(CLOCK_MONOTONIC) - now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t martlet_process_start_ns(void) { return start_ns; }

/// getrusage's maximum survives exec, so that it may be that of the program that started us; VmHWM is our own.
uint64_t martlet_peak_resident_bytes(void) {
  char text[4096];
  int descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  ssize_t count = read(descriptor, text, sizeof text - 1);
  close(descriptor);
  if (count <= 0) return 0;
  text[count] = '\0';
  const char *line = strstr(text, "VmHWM:");
  return line == NULL ? 0 : strtoull(line + 6, NULL, 10) * 1024;
}

int martlet_is_terminal(int descriptor) { return isatty(descriptor); }

void martlet_exit(int32_t code) { _exit(code); }

#define _GNU_SOURCE
#include "martlet_process.h"

#include <fcntl.h>
#include <signal.h>
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

void martlet_streams_open(void) {
  // The other way round, so that what is read or written there fails.
  for (int descriptor = 0; descriptor < 3; descriptor++) {
    if (fcntl(descriptor, F_GETFD) < 0) (void)!open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

bool martlet_is_writable(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

bool martlet_is_terminal(int descriptor) { return isatty(descriptor); }

uint32_t martlet_open_descriptors(void) {
  uint32_t count = 0;
  // By asking each: opening the folder would take memory from the heap.
  for (int descriptor = 0; descriptor < 256; descriptor++) count += fcntl(descriptor, F_GETFD) >= 0;
  return count;
}

void martlet_exit(int32_t code) { _exit(code); }

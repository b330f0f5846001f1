#define _GNU_SOURCE
#include "martlet_service.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Reads a small file of the kernel's; whether there is one.
static bool read_text(const char *path, char *text, size_t capacity) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  ssize_t count = read(descriptor, text, capacity - 1);
  close(descriptor);
  if (count <= 0) return false;
  text[count] = 0;
  return true;
}

int32_t martlet_temperature(void) {
  int32_t highest = INT32_MIN;
  for (int zone = 0; zone < 32; zone++) {
    char path[64], text[32];
    snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/temp", zone);
    if (access(path, F_OK) != 0) break;
    if (!read_text(path, text, sizeof text)) continue;
    int32_t value = (int32_t)strtol(text, NULL, 10);
    if (value > highest) highest = value;
  }
  return highest;
}

static uint64_t kilobytes_after(const char *text, const char *key) {
  const char *line = strstr(text, key);
  return line != NULL ? strtoull(line + strlen(key), NULL, 10) * 1024u : 0;
}

void martlet_memory_of_machine(uint64_t *total, uint64_t *available) {
  char text[2048];
  *total = *available = 0;
  if (!read_text("/proc/meminfo", text, sizeof text)) return;
  *total = kilobytes_after(text, "MemTotal:");
  *available = kilobytes_after(text, "MemAvailable:");
}

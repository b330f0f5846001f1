#define _GNU_SOURCE
#include "martlet_machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
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

uint64_t martlet_resident_bytes(void) {
  char text[128];
  if (!read_text("/proc/self/statm", text, sizeof text)) return 0;
  const char *second = strchr(text, ' ');
  return second != NULL ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

uint32_t martlet_open_descriptors(void) {
  uint32_t count = 0;
  // By asking each: opening the folder would take memory from the heap.
  for (int descriptor = 0; descriptor < 256; descriptor++) count += fcntl(descriptor, F_GETFD) >= 0;
  return count;
}

// MARK: - Folders

static int is_picture(const struct dirent *entry) {
  static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".pnm"};
  const char *dot = strrchr(entry->d_name, '.');
  if (dot == NULL || entry->d_name[0] == '.') return 0;
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    if (strcasecmp(dot, endings[i]) == 0) return 1;
  }
  return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

int martlet_list_pictures(const char *path, char **list, size_t *bytes, uint32_t *count) {
  struct stat status;
  *list = NULL;
  *bytes = 0;
  *count = 0;
  if (stat(path, &status) < 0) return errno;
  if (!S_ISDIR(status.st_mode)) {
    *list = strdup(path);
    if (*list == NULL) return ENOMEM;
    *bytes = strlen(path) + 1;
    *count = 1;
    return 0;
  }
  struct dirent **entries = NULL;
  int found = scandir(path, &entries, is_picture, by_name);
  if (found < 0) return errno;
  size_t folder = strlen(path), needed = 0;
  for (int i = 0; i < found; i++) needed += folder + strlen(entries[i]->d_name) + 2;
  char *text = malloc(needed > 0 ? needed : 1), *at = text;
  for (int i = 0; i < found; i++) {
    if (text != NULL) at += sprintf(at, "%s/%s", path, entries[i]->d_name) + 1;
    free(entries[i]);
  }
  free(entries);
  if (text == NULL) return ENOMEM;
  *list = text;
  *bytes = needed;
  *count = (uint32_t)found;
  return 0;
}

void martlet_free_list(char *list) { free(list); }

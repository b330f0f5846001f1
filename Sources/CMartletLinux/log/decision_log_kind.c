#define _GNU_SOURCE
#include "decision_log_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/// A file that a power cut left nothing of but its size.
#define MOST_ZEROS (4u << 20)
/// 2020: a clock that was not set yet tells an earlier time.
#define FIRST_TIME_US 1577836800000000u

/// How the records begin that can be the first of a file. `*` is a word in small letters with hyphens, `#` a digit.
static const char *const beginnings[] = {
    "{\"decision\":#",
    "{\"event\":\"*\",\"decision\":#",
    "{\"log\":\"records were lost\",",
    "{\"log\":\"a torn end was cut off\",",
};

/// Whether a text of `count` bytes begins so, or a torn one might have.
static bool begins(const char *text, size_t count, const char *beginning) {
  size_t at = 0;
  for (; *beginning != 0; beginning++) {
    if (*beginning == '*') {
      while (at < count && ((text[at] >= 'a' && text[at] <= 'z') || text[at] == '-')) at++;
      continue;
    }
    if (at == count) return true;
    bool is_same = *beginning == '#' ? text[at] >= '0' && text[at] <= '9' : text[at] == *beginning;
    if (!is_same) return false;
    at++;
  }
  return true;
}

static bool are_zeros(int descriptor, uint64_t size) {
  char chunk[16384];
  for (uint64_t at = 0; at < size;) {
    ssize_t count = pread(descriptor, chunk, sizeof chunk, (off_t)at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    for (ssize_t i = 0; i < count; i++)
      if (chunk[i] != 0) return false;
    at += (uint64_t)count;
  }
  return true;
}

martlet_error log_kind_check(int descriptor, uint64_t size) {
  char text[128];
  ssize_t count = pread(descriptor, text, sizeof text, 0);
  if (count < 0) return errno;
  if (count == 0) return 0;
  // Its first record was torn where the zeros begin.
  size_t length = strnlen(text, (size_t)count);
  for (size_t i = 0; length > 0 && i < sizeof beginnings / sizeof *beginnings; i++)
    if (begins(text, length, beginnings[i])) return 0;
  return length == 0 && size <= MOST_ZEROS && are_zeros(descriptor, size) ? 0 : MARTLET_LOG_FOREIGN;
}

martlet_error martlet_log_look(const char *path) {
  struct stat status;
  if (stat(path, &status) < 0) return errno == ENOENT ? 0 : errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return MARTLET_NOT_A_FILE;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  // A log that may be written but not read by whoever looks.
  if (descriptor < 0) return 0;
  martlet_error error = log_kind_check(descriptor, (uint64_t)status.st_size);
  close(descriptor);
  return error;
}

uint64_t log_kind_begun_us(int descriptor) {
  char text[4096];
  ssize_t count = pread(descriptor, text, sizeof text - 1, 0);
  if (count <= 0) return 0;
  text[count] = 0;
  struct tm time = {0};
  static const char key[] = "\"time\":\"";
  const char *at = strstr(text, key);
  if (at == NULL || sscanf(at + sizeof key - 1, "%4d-%2d-%2dT%2d:%2d:%2d", &time.tm_year, &time.tm_mon, &time.tm_mday,
                           &time.tm_hour, &time.tm_min, &time.tm_sec) != 6)
    return 0;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  time_t seconds = timegm(&time);
  uint64_t us = seconds > 0 ? (uint64_t)seconds * 1000000u : 0;
  return us >= FIRST_TIME_US && us <= martlet_wall_time_us() ? us : 0;
}

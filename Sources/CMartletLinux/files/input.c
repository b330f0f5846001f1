#define _GNU_SOURCE
#include "martlet_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

martlet_error martlet_input_open(const char *path, int *descriptor) {
  if (!path || strcmp(path, "-") == 0) {
    *descriptor = STDIN_FILENO;
    return 0;
  }
  martlet_open_file file;
  martlet_error error = martlet_file_open(path, &file);
  *descriptor = file.descriptor;
  return error;
}

martlet_error martlet_input_read(int descriptor, void *into, size_t capacity, size_t *count) {
  *count = 0;
  while (*count < capacity) {
    ssize_t n = read(descriptor, (char *)into + *count, capacity - *count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    *count += (size_t)n;
  }
  return 0;
}

void martlet_input_close(int descriptor) {
  if (descriptor != STDIN_FILENO) close(descriptor);
}

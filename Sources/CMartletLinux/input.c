#define _GNU_SOURCE
#include "martlet_input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int martlet_input_open(const char *path, int *descriptor) {
  if (!path || strcmp(path, "-") == 0) {
    *descriptor = STDIN_FILENO;
    return 0;
  }
  *descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (*descriptor < 0) return errno;
  struct stat status;
  int error = fstat(*descriptor, &status) < 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
  if (error) close(*descriptor);
  return error;
}

int martlet_input_read(int descriptor, void *into, size_t capacity, size_t *count) {
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

#include "martlet_text.h"
#include <errno.h>
#include <unistd.h>
int martlet_write_all(int fd, const void *bytes, size_t count) {
  const char *at = bytes;
  while (count > 0) {
    ssize_t n = write(fd, at, count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    at += n;
    count -= (size_t)n;
  }
  return 0;
}

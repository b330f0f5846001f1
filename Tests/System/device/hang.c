/// Preloaded into the service: while the file of HANG_FILE is there, setting the format of the camera HANG_NODE takes
/// five seconds and fails, as with uvcvideo when a hub has died.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool hangs(int descriptor) {
  const char *node = getenv("HANG_NODE"), *file = getenv("HANG_FILE");
  struct stat one, other;
  return node != NULL && file != NULL && access(file, F_OK) == 0 && fstat(descriptor, &one) == 0 &&
         stat(node, &other) == 0 && one.st_rdev == other.st_rdev;
}

int ioctl(int descriptor, unsigned long request, ...) {
  int (*next)(int, unsigned long, void *) = (int (*)(int, unsigned long, void *))dlsym(RTLD_NEXT, "ioctl");
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  if (request == VIDIOC_S_FMT && hangs(descriptor)) {
    usleep(5120000);
    errno = ETIMEDOUT;
    return -1;
  }
  return next(descriptor, request, argument);
}

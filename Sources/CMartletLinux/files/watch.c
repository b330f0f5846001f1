#define _GNU_SOURCE
#include "martlet_files.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

martlet_error martlet_watch_open(const char *path, int *descriptor) {
  *descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (*descriptor < 0) return errno;
  if (inotify_add_watch(*descriptor, path, IN_MODIFY) >= 0) return 0;
  martlet_error error = errno;
  close(*descriptor);
  *descriptor = -1;
  return error;
}

bool martlet_watch_take(int descriptor) {
  // Events of a file that has no name in them.
  struct inotify_event events[8];
  bool was_written = false;
  while (read(descriptor, events, sizeof events) > 0) was_written = true;
  return was_written;
}

void martlet_watch_close(int descriptor) { close(descriptor); }

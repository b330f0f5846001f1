#define _GNU_SOURCE
#include "martlet_service.h"

#include <sys/eventfd.h>
#include <unistd.h>

martlet_error martlet_event_open(int *descriptor) {
  *descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return *descriptor < 0 ? errno : 0;
}

void martlet_event_raise(int descriptor) {
  const uint64_t one = 1;
  // It fails only where the count is at its end: then it is raised.
  (void)!write(descriptor, &one, sizeof one);
}

bool martlet_event_take(int descriptor) {
  uint64_t count;
  return read(descriptor, &count, sizeof count) == sizeof count;
}

void martlet_event_close(int descriptor) { close(descriptor); }

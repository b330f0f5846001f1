#define _GNU_SOURCE
#include "martlet_service.h"

#include <time.h>

int martlet_wait(struct pollfd *entries, uint32_t count, uint64_t deadline_ns) {
  struct timespec timeout, *limit = NULL;
  if (deadline_ns != UINT64_MAX) {
    clock_gettime(CLOCK_MONOTONIC, &timeout);
    uint64_t now = (uint64_t)timeout.tv_sec * 1000000000u + (uint64_t)timeout.tv_nsec;
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    timeout.tv_sec = (time_t)(left / 1000000000u);
    timeout.tv_nsec = (long)(left % 1000000000u);
    limit = &timeout;
  }
  int ready = ppoll(entries, count, limit, NULL);
  if (ready > 0) return ready;
  // Interrupted: nothing is ready, whatever the entries still say.
  for (uint32_t i = 0; i < count; i++) entries[i].revents = 0;
  return 0;
}

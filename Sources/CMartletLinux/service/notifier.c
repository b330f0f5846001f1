#define _GNU_SOURCE
#include "martlet_service.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void martlet_notifier_open(martlet_notifier *notifier) {
  memset(notifier, 0, sizeof *notifier);
  notifier->descriptor = -1;
  const char *path = getenv("NOTIFY_SOCKET"), *microseconds = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
  size_t length = path != NULL ? strlen(path) : 0;
  if (length < 2 || length >= sizeof notifier->address.sun_path || (path[0] != '/' && path[0] != '@')) return;
  notifier->address.sun_family = AF_UNIX;
  memcpy(notifier->address.sun_path, path, length);
  // An abstract name begins with a zero byte, and ends where its length says.
  if (path[0] == '@') notifier->address.sun_path[0] = 0;
  notifier->address_count = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/'));
  notifier->descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool is_meant = pid == NULL || strtol(pid, NULL, 10) == (long)getpid();
  if (microseconds != NULL && is_meant) notifier->watchdog_ns = strtoull(microseconds, NULL, 10) * 1000u;
}

void martlet_notify(const martlet_notifier *notifier, const char *text, size_t count) {
  if (notifier->descriptor < 0) return;
  sendto(notifier->descriptor, text, count, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&notifier->address,
         notifier->address_count);
}

#define _GNU_SOURCE
#include "martlet_service.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// MARK: - Waiting

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

// MARK: - Signals

int martlet_signals_open(int *descriptor) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  signal(SIGPIPE, SIG_IGN);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) return errno;
  *descriptor = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  return *descriptor < 0 ? errno : 0;
}

int martlet_signals_take(int descriptor) {
  struct signalfd_siginfo info;
  return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

void martlet_signals_close(int descriptor) { close(descriptor); }

// MARK: - The service manager

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

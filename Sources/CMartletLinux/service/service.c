#define _GNU_SOURCE
#include "martlet_service.h"
#include "martlet_actuator.h"
#include "martlet_files.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sysexits.h>
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

/// How long the loop may take to end. A picture on a disk that does not answer, or a very large one, takes longer.
#define PATIENCE_MS 800

static sigset_t awaited;
/// What the loop waits for; -1: there is no loop.
static int event = -1;
/// Counts the loops, so that none is ended by what was meant for an earlier one.
static int turn;

static void *watch(void *context) {
  int number;
  while (sigwait(&awaited, &number) == 0) {
    int at = __atomic_load_n(&event, __ATOMIC_SEQ_CST), mine = __atomic_load_n(&turn, __ATOMIC_SEQ_CST);
    uint64_t count = (uint64_t)number;
    if (at < 0 || write(at, &count, sizeof count) < 0) continue;
    const struct timespec patience = {.tv_nsec = PATIENCE_MS * 1000000};
    nanosleep(&patience, NULL);
    if (__atomic_load_n(&event, __ATOMIC_SEQ_CST) < 0 || __atomic_load_n(&turn, __ATOMIC_SEQ_CST) != mine) continue;
    martlet_actuator_abandon_guarded();
    static const char line[] = "run: ended in the middle of its work, which took too long\n";
    martlet_file_write_all(STDERR_FILENO, line, sizeof line - 1);
    _exit(EX_OK);
  }
  return context;
}

static int start_watching(void) {
  static int is_started;
  pthread_attr_t attributes;
  pthread_t thread;
  if (is_started) return 0;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  error = pthread_create(&thread, &attributes, watch, NULL);
  pthread_attr_destroy(&attributes);
  is_started = error == 0;
  return error;
}

int martlet_signals_open(int *descriptor) {
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGTERM);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGHUP);
  signal(SIGPIPE, SIG_IGN);
  if (sigprocmask(SIG_BLOCK, &awaited, NULL) < 0) return errno;
  *descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (*descriptor < 0) return errno;
  __atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&event, *descriptor, __ATOMIC_SEQ_CST);
  return start_watching();
}

int martlet_signals_take(int descriptor) {
  uint64_t number;
  return read(descriptor, &number, sizeof number) == sizeof number ? (int)number : 0;
}

void martlet_signals_close(int descriptor) {
  __atomic_store_n(&event, -1, __ATOMIC_SEQ_CST);
  close(descriptor);
}

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

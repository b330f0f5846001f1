#define _GNU_SOURCE
#include "martlet_actuator.h"
#include "martlet_files.h"
#include "martlet_service.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

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
    // What it means is the loop's to know; it may go on.
    if (number == SIGHUP) continue;
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

static martlet_error start_watching(void) {
  static bool is_started;
  pthread_attr_t attributes;
  pthread_t thread;
  if (is_started) return 0;
  martlet_error error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  error = pthread_create(&thread, &attributes, watch, NULL);
  pthread_attr_destroy(&attributes);
  is_started = error == 0;
  return error;
}

martlet_error martlet_signals_open(int *descriptor) {
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

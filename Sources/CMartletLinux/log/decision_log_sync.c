#define _GNU_SOURCE
#include "decision_log_internal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/// Waits for work; 0 when it is over. Called and left with the lock.
static int wait_for_work(log_syncer *syncer) {
  while (!syncer->is_dirty && syncer->retired < 0 && !syncer->is_folder_dirty && !syncer->is_over)
    pthread_cond_wait(&syncer->wake, &syncer->lock);
  return syncer->is_dirty || syncer->retired >= 0 || syncer->is_folder_dirty;
}

static void *run(void *context) {
  log_syncer *syncer = context;
  pthread_mutex_lock(&syncer->lock);
  while (wait_for_work(syncer)) {
    int retired = syncer->retired, is_folder_dirty = syncer->is_folder_dirty;
    int current = syncer->is_dirty ? fcntl(syncer->current, F_DUPFD_CLOEXEC, 0) : -1;
    syncer->retired = -1;
    syncer->is_dirty = syncer->is_folder_dirty = 0;
    pthread_mutex_unlock(&syncer->lock);
    if (retired >= 0) {
      fdatasync(retired);
      close(retired);
    }
    if (current >= 0) {
      fdatasync(current);
      close(current);
    }
    int folder = is_folder_dirty ? open(syncer->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder >= 0) {
      fsync(folder);
      close(folder);
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&syncer->lock);
    while (!syncer->is_over && pthread_cond_timedwait(&syncer->wake, &syncer->lock, &until) == 0) {}
  }
  pthread_mutex_unlock(&syncer->lock);
  return NULL;
}

void log_syncer_start(log_syncer *syncer, const char *path) {
  syncer->current = syncer->retired = -1;
  const char *slash = strrchr(path, '/');
  size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
  if (length == 0) strcpy(syncer->folder, ".");
  else memcpy(syncer->folder, path, length);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&syncer->lock, NULL);
  pthread_cond_init(&syncer->wake, &attributes);
  pthread_condattr_destroy(&attributes);
  // Signals are for the loop.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 256 << 10);
  syncer->is_started = pthread_create(&syncer->thread, &small, run, syncer) == 0;
  pthread_attr_destroy(&small);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void log_syncer_use(log_syncer *syncer, int descriptor) {
  if (!syncer->is_started) return;
  pthread_mutex_lock(&syncer->lock);
  // The one before last is not synced yet: a disk that slow gets no more to do.
  if (syncer->retired >= 0) close(syncer->retired);
  syncer->retired = syncer->current;
  syncer->current = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  syncer->is_folder_dirty = 1;
  pthread_cond_signal(&syncer->wake);
  pthread_mutex_unlock(&syncer->lock);
}

void log_syncer_mark(log_syncer *syncer) {
  if (!syncer->is_started) return;
  pthread_mutex_lock(&syncer->lock);
  if (!syncer->is_dirty) {
    syncer->is_dirty = 1;
    pthread_cond_signal(&syncer->wake);
  }
  pthread_mutex_unlock(&syncer->lock);
}

void log_syncer_stop(log_syncer *syncer) {
  if (!syncer->is_started) return;
  pthread_mutex_lock(&syncer->lock);
  syncer->is_over = 1;
  pthread_cond_signal(&syncer->wake);
  pthread_mutex_unlock(&syncer->lock);
  pthread_join(syncer->thread, NULL);
  if (syncer->current >= 0) close(syncer->current);
  pthread_cond_destroy(&syncer->wake);
  pthread_mutex_destroy(&syncer->lock);
  syncer->is_started = 0;
}

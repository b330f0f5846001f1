#ifndef MARTLET_DECISION_LOG_INTERNAL_H
#define MARTLET_DECISION_LOG_INTERNAL_H

#include "martlet_log.h"

#include <limits.h>
#include <pthread.h>

/// Forces a log onto the disk from a thread of its own: fdatasync takes as long as the disk likes.
typedef struct log_syncer {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  /// Descriptors of its own: of the current file, and of one that was rotated away and has still to be synced.
  int current, retired;
  int is_dirty, is_folder_dirty, is_over, is_started;
  char folder[PATH_MAX];
} log_syncer;

void log_syncer_start(log_syncer *syncer, const char *path);
/// The log is another file now.
void log_syncer_use(log_syncer *syncer, int descriptor);
void log_syncer_mark(log_syncer *syncer);
/// Syncs what is left, and ends the thread.
void log_syncer_stop(log_syncer *syncer);

/// What a log's file holds.
typedef struct log_tail {
  /// Where its last whole record ends.
  uint64_t end;
  uint64_t last_decision;
} log_tail;

/// Reads the end of an open file.
martlet_error log_tail_read(int descriptor, uint64_t size, log_tail *tail);

#endif

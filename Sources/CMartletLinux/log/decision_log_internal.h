#ifndef MARTLET_DECISION_LOG_INTERNAL_H
#define MARTLET_DECISION_LOG_INTERNAL_H

#include "martlet_log.h"

#include <limits.h>
#include <time.h>

struct martlet_decision_log {
  char path[PATH_MAX], other[PATH_MAX], folder[PATH_MAX];
  int descriptor, is_stream, keep, sync;
  /// The file ends in the middle of a record: a write that failed could not be taken back.
  int is_torn;
  /// Something was written that is not forced onto the disk.
  int is_dirty;
  uint64_t size, max_bytes, max_age_us;
  /// The wall clock at the file's first record; 0: there is none.
  uint64_t begun_us;
  uint64_t last_decision, cut_bytes, lost, lost_now;
  /// Of the last loss; 0 while records are written.
  martlet_error last_error;
  /// CLOCK_MONOTONIC. Not before is opening or rotating tried again; then is the file compared with its path; then is
  /// it forced onto the disk; then do old files go.
  uint64_t retry_ns, look_ns, sync_ns, age_ns;
};

enum { LOG_SECOND_NS = 1000000000 };

static inline uint64_t log_now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// decision_log_file.c

/// EBUSY: another process has it.
martlet_error log_file_open(martlet_decision_log *log);
/// Forces what is written onto the disk, unless that is left to the system, and closes the file.
void log_file_close(martlet_decision_log *log);
martlet_error log_file_sync(martlet_decision_log *log);
/// Finds the last decision's number in an older file, if the current one has none.
void log_file_look_back(martlet_decision_log *log);
martlet_error log_file_rotate(martlet_decision_log *log);
/// Closes a file that its path does not lead to any more.
void log_file_notice_move(martlet_decision_log *log);
/// Whether the file's first record is so old that another file has to begin.
bool log_file_is_old(const martlet_decision_log *log);
/// Removes old files whose last record is too old.
void log_file_let_go(martlet_decision_log *log);

// decision_log_kind.c

/// MARTLET_LOG_FOREIGN: an open file that does not begin as a log does.
martlet_error log_kind_check(int descriptor, uint64_t size);
/// The wall clock in the file's first record, in microseconds; 0 if it tells none that can be.
uint64_t log_kind_begun_us(int descriptor);

// decision_log_tail.c

/// What a log's file holds.
typedef struct log_tail {
  /// Where its last whole record ends.
  uint64_t end;
  uint64_t last_decision;
} log_tail;

/// Reads the end of an open file.
martlet_error log_tail_read(int descriptor, uint64_t size, log_tail *tail);

#endif

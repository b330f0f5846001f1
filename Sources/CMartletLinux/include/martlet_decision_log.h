/// The decision log: records of one line each, appended to a file that is rotated by its size. Nothing here takes memory
/// from the heap once it is open.
#ifndef MARTLET_DECISION_LOG_H
#define MARTLET_DECISION_LOG_H

#include <stddef.h>
#include <stdint.h>

enum { MARTLET_LOG_SYNC_EACH = 0, MARTLET_LOG_SYNC_SECOND = 1, MARTLET_LOG_SYNC_NO = 2 };

typedef struct martlet_decision_log martlet_decision_log;

/// What became of a record.
typedef struct martlet_log_outcome {
  /// 0: it is in the log. Else an errno value: it is lost.
  int32_t error;
  /// The first loss after records that were written, or for another reason: what to tell a person.
  int32_t is_new;
  /// After losses this record is in the log again: how many were lost.
  uint64_t recovered;
} martlet_log_outcome;

/// Opens the log `path`, "-" for standard output, and repairs what a power cut left of its end. NULL: no memory. A file
/// that cannot be opened is tried again with each record, once a second at most; `error` gets its errno value, else 0.
/// EBUSY: another process has the log.
martlet_decision_log *martlet_log_open(
  const char *path, uint64_t max_bytes, int32_t keep, int32_t sync, int32_t *error);
/// Writes everything to the disk.
void martlet_log_close(martlet_decision_log *log);

/// Appends a record, which ends with its newline, whole or not at all.
martlet_log_outcome martlet_log_append(martlet_decision_log *log, const void *record, size_t count);

/// The highest number N of a record that begins with {"decision":N that the log had when it was opened; 0 without.
uint64_t martlet_log_last_decision(const martlet_decision_log *log);
/// Bytes of a torn end that were cut off when it was opened.
uint64_t martlet_log_cut_bytes(const martlet_decision_log *log);
/// Records lost since it was opened.
uint64_t martlet_log_lost(const martlet_decision_log *log);

#endif

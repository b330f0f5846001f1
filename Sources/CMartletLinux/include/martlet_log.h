/// The decision log: records of one line each, appended to a file that is rotated by its size and its age. Nothing here
/// takes memory from the heap once it is open. One thread at a time: a disk may let any of these functions wait.
#ifndef MARTLET_LOG_H
#define MARTLET_LOG_H

#include "martlet_error.h"

#include <stddef.h>

enum { MARTLET_LOG_SYNC_EACH = 0, MARTLET_LOG_SYNC_SECOND = 1, MARTLET_LOG_SYNC_NO = 2 };

typedef struct martlet_log_settings {
  /// "-" is standard output.
  const char *path;
  /// Then the file is renamed to PATH.1.
  uint64_t max_bytes;
  /// Microseconds; 0: no limit. A file is rotated after this / (keep + 1), and an old one goes when its last record is
  /// so old.
  uint64_t max_age_us;
  /// So many old files.
  int32_t keep;
  int32_t sync;
} martlet_log_settings;

typedef struct martlet_decision_log martlet_decision_log;

/// What a person should be told of a record.
typedef struct martlet_log_outcome {
  /// It is lost, the first one after records that were written, or for another reason than the one before.
  bool is_new;
  /// It is in the log, and how many were lost before it.
  uint64_t recovered;
} martlet_log_outcome;

/// Whether a log may be written at `path`: 0 where nothing is, or a log. MARTLET_LOG_FOREIGN, MARTLET_NOT_A_FILE,
/// EISDIR.
martlet_error martlet_log_look(const char *path);

/// Opens the log and repairs what a power cut left of its end. *log is NULL only without memory. After any other error
/// it is there: the file is tried again with each record, once a second at most. EBUSY: another process has the log.
/// MARTLET_LOG_FOREIGN: the file is something else, and was not touched.
martlet_error martlet_log_open(const martlet_log_settings *settings, martlet_decision_log **log);
/// Writes everything to the disk.
void martlet_log_close(martlet_decision_log *log);

/// Appends a record, which ends with its newline, whole or not at all: after an error it is lost. A file that was
/// removed or renamed is noticed within a second, or by an error, and made anew.
martlet_error martlet_log_append(martlet_decision_log *log, const void *record, size_t count,
                                 martlet_log_outcome *outcome);
/// Counts records that were lost on their way here; the next one that is written tells of them.
void martlet_log_lose(martlet_decision_log *log, uint64_t count, martlet_error reason);
/// Does what is due without a record: forces what was written onto the disk, lets old files go. *next_ns: when it is to
/// be called again (CLOCK_MONOTONIC), UINT64_MAX if only after the next record.
martlet_error martlet_log_tend(martlet_decision_log *log, uint64_t *next_ns);

/// The highest number N of a record that begins with {"decision":N or {"event":"WORD","decision":N that the log had
/// when it was opened; 0 without.
uint64_t martlet_log_last_decision(const martlet_decision_log *log);
/// Bytes of a torn end that were cut off when it was opened.
uint64_t martlet_log_cut_bytes(const martlet_decision_log *log);
/// Records lost since it was opened.
uint64_t martlet_log_lost(const martlet_decision_log *log);

// MARK: - The wall clock as text, without a time zone's files

enum { MARTLET_WALL_TIME_LENGTH = 27 };

/// Microseconds since 1970 UTC, now.
uint64_t martlet_wall_time_us(void);
/// "2026-11-27T23:20:22.123456Z", no zero behind it; returns its length. Up to the year 9999.
size_t martlet_wall_time_text(uint64_t us, char *into);

#endif

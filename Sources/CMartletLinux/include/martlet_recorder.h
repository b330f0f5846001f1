/// Records and frames on their way to the disk: a thread of its own saves a decision's frame, completes the decision's
/// record with what became of that, and appends it to the log. Who hands them in never waits for a disk.
///
/// What waits lies in memory that is taken at the start. What does not fit in there any more is lost, and counted.
#ifndef MARTLET_RECORDER_H
#define MARTLET_RECORDER_H

#include "martlet_error.h"
#include "martlet_frames.h"
#include "martlet_log.h"

#include <stdbool.h>
#include <stddef.h>

enum { MARTLET_RECORD_MAX_BYTES = 16384, MARTLET_RECORDER_TEXT_BYTES = 200 };

typedef struct martlet_recorder martlet_recorder;

/// A record, a frame, or both. It is copied.
typedef struct martlet_recorder_job {
  /// One line with its newline, of at most MARTLET_RECORD_MAX_BYTES; none with a count of 0.
  const void *record;
  size_t count;
  /// Where in the record it stands what became of the frame: "NAME" or false,"error":"REASON" is inserted there.
  size_t place;
  /// NULL: none.
  const martlet_stored_frame *frame;
  uint64_t decision, wall_us;
} martlet_recorder_job;

/// What became of a frame.
typedef struct martlet_recorder_saved {
  uint64_t decision;
  /// 0: it is there, as `name`.
  martlet_error error;
  char name[MARTLET_STORE_NAME_BYTES];
} martlet_recorder_saved;

typedef struct martlet_recorder_state {
  /// Jobs that are not done, and their bytes.
  uint32_t waiting;
  uint64_t waiting_bytes;
  /// CLOCK_MONOTONIC: since when the disk has been asked for something; 0: it is not.
  uint64_t asked_ns;
  uint64_t records_lost, frames_lost, frames_bytes;
  /// Of the last record and the last frame; 0: it is there.
  martlet_error log_error, frames_error;
} martlet_recorder_state;

/// - log, store: either may be NULL. They are the thread's until martlet_recorder_stop.
/// - room: bytes for what waits.
martlet_error martlet_recorder_start(martlet_decision_log *log, martlet_frame_store *store, size_t room,
                                     martlet_recorder **recorder);
/// Readable when an error of log or store began or ended; martlet_recorder_state_of ends that.
int martlet_recorder_descriptor(const martlet_recorder *recorder);
/// One thread at a time.
void martlet_recorder_put(martlet_recorder *recorder, const martlet_recorder_job *job);
void martlet_recorder_state_of(martlet_recorder *recorder, martlet_recorder_state *state);
/// Whether the frame of a decision is done with, as far as that is remembered: the last 16 are.
bool martlet_recorder_find(martlet_recorder *recorder, uint64_t decision, martlet_recorder_saved *saved);
/// The text that stands in a decision's record for its frame, null for one of decision 0; returns its length, less than
/// MARTLET_RECORDER_TEXT_BYTES.
size_t martlet_recorder_text(const martlet_recorder_saved *saved, char *into);
/// Whether all that was handed in is done with before `until_ns` (CLOCK_MONOTONIC).
bool martlet_recorder_wait(martlet_recorder *recorder, uint64_t until_ns);
/// Writes what waits, and ends the thread.
void martlet_recorder_stop(martlet_recorder *recorder);

#endif

#define _GNU_SOURCE
#include "martlet_recorder.h"
#include "martlet_process.h"
#include "recorder_queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { REMEMBERED = 16, STACK_BYTES = 256 << 10 };

/// A job in the queue: the record's bytes lie behind it, and behind those the frame's.
typedef struct queued {
  recorder_piece piece;
  size_t count, place;
  uint64_t decision, wall_us;
  bool has_frame;
  /// The frame could not be kept.
  martlet_error frame_error;
  martlet_stored_frame frame;
} queued;

struct martlet_recorder {
  martlet_decision_log *log;
  martlet_frame_store *store;
  pthread_t thread;
  /// Never held while a disk is asked for something.
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  recorder_queue queue;
  martlet_recorder_state state;
  /// What the queue had no room for, and the thread has not told the log.
  uint64_t records_missed, frames_missed;
  martlet_recorder_saved saved[REMEMBERED];
  uint32_t saved_count;
  int is_over, event;
  /// The thread's: a record with what became of its frame.
  char line[MARTLET_RECORD_MAX_BYTES + MARTLET_RECORDER_TEXT_BYTES];
};

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

size_t martlet_recorder_text(const martlet_recorder_saved *saved, char *into) {
  enum { ROOM = MARTLET_RECORDER_TEXT_BYTES };
  if (saved->decision == 0) return (size_t)snprintf(into, ROOM, "null");
  if (saved->error == 0) return (size_t)snprintf(into, ROOM, "\"%s\"", saved->name);
  return (size_t)snprintf(into, ROOM, "false,\"error\":\"%.120s\"", martlet_error_text(saved->error));
}

// MARK: - The thread

static martlet_error save(martlet_recorder *recorder, const queued *job, martlet_recorder_saved *saved) {
  bool is_new;
  saved->decision = job->decision;
  saved->error = job->frame_error;
  if (saved->error == 0)
    saved->error = martlet_store_save(recorder->store, &job->frame, job->decision, job->wall_us, &is_new);
  if (saved->error == 0) snprintf(saved->name, sizeof saved->name, "%s", martlet_store_last_name(recorder->store));
  return saved->error;
}

static martlet_error append(martlet_recorder *recorder, const queued *job, const martlet_recorder_saved *saved) {
  const char *record = (const char *)(job + 1);
  martlet_log_outcome outcome;
  if (!job->has_frame) return martlet_log_append(recorder->log, record, job->count, &outcome);
  char *line = recorder->line;
  memcpy(line, record, job->place);
  size_t text = martlet_recorder_text(saved, line + job->place);
  memcpy(line + job->place + text, record + job->place, job->count - job->place);
  return martlet_log_append(recorder->log, line, job->count + text, &outcome);
}

/// When there is something to do without a job; *error: of the log.
static uint64_t tend(martlet_recorder *recorder, martlet_error *error) {
  uint64_t due = UINT64_MAX, other = UINT64_MAX;
  if (recorder->log != NULL) {
    martlet_error failed = martlet_log_tend(recorder->log, &due);
    if (failed != 0) *error = failed;
  }
  if (recorder->store != NULL) other = martlet_store_tend(recorder->store);
  return other < due ? other : due;
}

/// One turn, with the lock let go in between: the oldest job, if there is one, and what is due.
static uint64_t work(martlet_recorder *recorder) {
  queued *job = (queued *)recorder_queue_first(&recorder->queue);
  martlet_recorder_state *state = &recorder->state;
  martlet_error log_error = state->log_error, frames_error = state->frames_error;
  uint64_t records_missed = recorder->records_missed;
  if (recorder->log != NULL) state->records_lost += records_missed;
  state->frames_lost += recorder->frames_missed;
  recorder->records_missed = recorder->frames_missed = 0;
  state->asked_ns = now_ns();
  pthread_mutex_unlock(&recorder->lock);

  martlet_recorder_saved saved = {0};
  if (records_missed > 0 && recorder->log != NULL)
    martlet_log_lose(recorder->log, records_missed, MARTLET_NO_ROOM_TO_WAIT);
  if (job != NULL && job->has_frame) frames_error = save(recorder, job, &saved);
  if (job != NULL && job->count > 0 && recorder->log != NULL) log_error = append(recorder, job, &saved);
  uint64_t due = tend(recorder, &log_error);
  uint64_t lost = recorder->log != NULL ? martlet_log_lost(recorder->log) : 0;

  pthread_mutex_lock(&recorder->lock);
  state->asked_ns = 0;
  state->records_lost = lost;
  if (recorder->store != NULL) {
    state->frames_lost += saved.error != 0;
    state->frames_bytes = martlet_store_bytes(recorder->store);
  }
  bool is_news = log_error != state->log_error || frames_error != state->frames_error;
  state->log_error = log_error;
  state->frames_error = frames_error;
  if (job != NULL) {
    if (job->has_frame) recorder->saved[recorder->saved_count++ % REMEMBERED] = saved;
    recorder_queue_remove(&recorder->queue);
  }
  if (is_news) eventfd_write(recorder->event, 1);
  if (recorder->queue.count == 0) pthread_cond_broadcast(&recorder->done);
  return due;
}

static void *run(void *context) {
  martlet_recorder *recorder = context;
  pthread_mutex_lock(&recorder->lock);
  while (recorder->queue.count > 0 || !recorder->is_over) {
    uint64_t due = work(recorder);
    struct timespec until = {.tv_sec = (time_t)(due / 1000000000u), .tv_nsec = (long)(due % 1000000000u)};
    int error = 0;
    while (recorder->queue.count == 0 && !recorder->is_over && error == 0)
      error = due == UINT64_MAX ? pthread_cond_wait(&recorder->wake, &recorder->lock)
                                : pthread_cond_timedwait(&recorder->wake, &recorder->lock, &until);
  }
  pthread_mutex_unlock(&recorder->lock);
  return NULL;
}

// MARK: - Handing in

/// Copies a job to where it waits. Samples lie in the frame's bytes, and move with them.
static void fill(queued *into, const martlet_recorder_job *job, bool has_frame) {
  *into = (queued){.count = job->count, .place = job->place, .decision = job->decision, .wall_us = job->wall_us};
  char *record = (char *)(into + 1), *bytes = record + job->count;
  if (job->count > 0) memcpy(record, job->record, job->count);
  into->has_frame = job->frame != NULL;
  if (job->frame == NULL) return;
  if (!has_frame) {
    into->frame_error = MARTLET_NO_ROOM_TO_WAIT;
    return;
  }
  into->frame = *job->frame;
  if (job->frame->count > 0) memcpy(bytes, job->frame->bytes, job->frame->count);
  into->frame.bytes = bytes;
  for (int i = 0; i < 3; i++) {
    const uint8_t *first = job->frame->samples[i].first;
    if (first != NULL) into->frame.samples[i].first = (uint8_t *)bytes + (first - (const uint8_t *)job->frame->bytes);
  }
}

void martlet_recorder_put(martlet_recorder *recorder, const martlet_recorder_job *job) {
  recorder_queue *queue = &recorder->queue;
  if (job->count > MARTLET_RECORD_MAX_BYTES || job->place > job->count) return;
  size_t bytes = sizeof(queued) + job->count, all = bytes + (job->frame != NULL ? job->frame->count : 0);
  pthread_mutex_lock(&recorder->lock);
  queued *into = (queued *)recorder_queue_reserve(queue, all);
  bool has_frame = into != NULL;
  // The record tells that its frame is lost.
  if (into == NULL && job->count > 0 && all > bytes) into = (queued *)recorder_queue_reserve(queue, all = bytes);
  if (into == NULL) {
    recorder->records_missed += job->count > 0;
    recorder->frames_missed += job->frame != NULL;
  }
  pthread_mutex_unlock(&recorder->lock);
  if (into == NULL) return;
  fill(into, job, has_frame);
  pthread_mutex_lock(&recorder->lock);
  recorder_queue_add(queue, &into->piece, all);
  pthread_cond_signal(&recorder->wake);
  pthread_mutex_unlock(&recorder->lock);
}

void martlet_recorder_state_of(martlet_recorder *recorder, martlet_recorder_state *state) {
  eventfd_t count;
  eventfd_read(recorder->event, &count);
  pthread_mutex_lock(&recorder->lock);
  *state = recorder->state;
  state->waiting = recorder->queue.count;
  state->waiting_bytes = recorder->queue.bytes;
  state->records_lost += recorder->log != NULL ? recorder->records_missed : 0;
  state->frames_lost += recorder->frames_missed;
  pthread_mutex_unlock(&recorder->lock);
}

bool martlet_recorder_find(martlet_recorder *recorder, uint64_t decision, martlet_recorder_saved *saved) {
  bool is_found = false;
  pthread_mutex_lock(&recorder->lock);
  for (uint32_t i = 0; i < REMEMBERED && !is_found; i++) {
    is_found = recorder->saved[i].decision == decision;
    if (is_found) *saved = recorder->saved[i];
  }
  pthread_mutex_unlock(&recorder->lock);
  return is_found;
}

int martlet_recorder_descriptor(const martlet_recorder *recorder) { return recorder->event; }

// MARK: - Beginning and end

static martlet_error start_thread(martlet_recorder *recorder) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&recorder->lock, NULL);
  pthread_cond_init(&recorder->wake, &monotonic);
  pthread_cond_init(&recorder->done, &monotonic);
  pthread_condattr_destroy(&monotonic);
  // Signals are for the loop.
  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_t small;
  martlet_error error = pthread_attr_init(&small);
  if (error != 0) return error;
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_setstacksize(&small, STACK_BYTES);
  error = pthread_create(&recorder->thread, &small, run, recorder);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&small);
  return error;
}

martlet_error martlet_recorder_start(martlet_decision_log *log, martlet_frame_store *store, size_t room,
                                     martlet_recorder **started) {
  martlet_recorder *recorder = calloc(1, sizeof *recorder);
  *started = NULL;
  if (recorder == NULL) return ENOMEM;
  recorder->log = log;
  recorder->store = store;
  recorder->queue.room = room;
  recorder->queue.region = martlet_reserve_memory(room);
  recorder->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  martlet_error error = recorder->queue.region == NULL ? ENOMEM : recorder->event < 0 ? errno : 0;
  if (store != NULL) {
    recorder->state.frames_bytes = martlet_store_bytes(store);
    recorder->state.frames_error = martlet_store_last_error(store);
  }
  if (error == 0) error = start_thread(recorder);
  if (error == 0) {
    *started = recorder;
    return 0;
  }
  if (recorder->queue.region != NULL) martlet_release_memory(recorder->queue.region, room);
  if (recorder->event >= 0) close(recorder->event);
  free(recorder);
  return error;
}

bool martlet_recorder_wait(martlet_recorder *recorder, uint64_t until_ns) {
  struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000u), .tv_nsec = (long)(until_ns % 1000000000u)};
  int error = 0;
  pthread_mutex_lock(&recorder->lock);
  while ((recorder->queue.count > 0 || recorder->state.asked_ns > 0) && error == 0)
    error = pthread_cond_timedwait(&recorder->done, &recorder->lock, &until);
  pthread_mutex_unlock(&recorder->lock);
  return error == 0;
}

void martlet_recorder_stop(martlet_recorder *recorder) {
  pthread_mutex_lock(&recorder->lock);
  recorder->is_over = 1;
  pthread_cond_signal(&recorder->wake);
  pthread_mutex_unlock(&recorder->lock);
  pthread_join(recorder->thread, NULL);
  pthread_cond_destroy(&recorder->wake);
  pthread_cond_destroy(&recorder->done);
  pthread_mutex_destroy(&recorder->lock);
  close(recorder->event);
  martlet_release_memory(recorder->queue.region, recorder->queue.room);
  free(recorder);
}

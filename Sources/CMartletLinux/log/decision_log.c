#define _GNU_SOURCE
#include "decision_log_internal.h"
#include "martlet_files.h"
#include "martlet_process.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// How long standard output may take for a record: after it the record is lost, and the loop goes on.
#define PATIENCE_MS 20

static uint64_t later(void) { return log_now_ns() + LOG_SECOND_NS; }

// MARK: - Writing

/// To a pipe or a terminal: a reader that does not read must not stop the loop. Pieces of at most PIPE_BUF go without
/// waiting when the descriptor is said to be ready.
static martlet_error write_stream(martlet_decision_log *log, const char *bytes, size_t count) {
  // Nor may it slow every record: after one that waited in vain the next do not wait.
  uint64_t until = log_now_ns() + (log->last_error == 0 ? PATIENCE_MS * 1000000u : 0);
  size_t done = 0;
  while (done < count) {
    struct pollfd ready = {.fd = log->descriptor, .events = POLLOUT};
    uint64_t now = log_now_ns();
    martlet_error error = 0;
    if (poll(&ready, 1, now < until ? (int)((until - now + 999999u) / 1000000u) : 0) == 0) error = EAGAIN;
    size_t piece = count - done < PIPE_BUF ? count - done : PIPE_BUF;
    ssize_t written = error == 0 ? write(log->descriptor, bytes + done, piece) : -1;
    if (error == 0 && written < 0) error = errno;
    if (error == EINTR) continue;
    if (error != 0) {
      if (done > 0) log->is_torn = 1;
      return error;
    }
    done += (size_t)written;
  }
  return 0;
}

/// One write for a record; what is written of one that does not fit is taken back.
static martlet_error write_file(martlet_decision_log *log, const void *bytes, size_t count) {
  ssize_t written;
  do written = write(log->descriptor, bytes, count);
  while (written < 0 && errno == EINTR);
  if (written == (ssize_t)count) {
    log->size += count;
    if (log->begun_us == 0) log->begun_us = martlet_wall_time_us();
    return 0;
  }
  martlet_error error = written < 0 ? errno : ENOSPC;
  if (written > 0 && ftruncate(log->descriptor, (off_t)log->size) < 0) log->is_torn = 1;
  return error;
}

static martlet_error write_record(martlet_decision_log *log, const void *bytes, size_t count) {
  if (!log->is_stream) return write_file(log, bytes, count);
  if (log->is_torn) {
    martlet_error error = write_stream(log, "\n", 1);
    if (error != 0) return error;
    log->is_torn = 0;
  }
  return write_stream(log, bytes, count);
}

/// Another file, if that was not tried in vain just now.
static martlet_error rotate(martlet_decision_log *log) {
  if (log_now_ns() < log->retry_ns) return 0;
  martlet_error error = log_file_rotate(log);
  log->retry_ns = error == 0 ? 0 : later();
  return error;
}

/// Makes the file ready for `count` more bytes.
static martlet_error prepare(martlet_decision_log *log, size_t count) {
  if (log->is_stream) return 0;
  log_file_notice_move(log);
  if (log->descriptor < 0) {
    if (log_now_ns() < log->retry_ns) return log->last_error != 0 ? log->last_error : EAGAIN;
    log->retry_ns = later();
    martlet_error error = log_file_open(log);
    if (error != 0) return error;
    log->retry_ns = 0;
  }
  if (log->is_torn) {
    if (ftruncate(log->descriptor, (off_t)log->size) < 0) return errno;
    log->is_torn = 0;
  }
  if (log->size == 0 || (log->size + count <= log->max_bytes && !log_file_is_old(log))) return 0;
  martlet_error error = rotate(log);
  if (log->descriptor < 0) return error;
  // A folder that cannot be changed: better a log that is too large than none, up to a point.
  return log->size + count <= 2 * log->max_bytes ? 0 : error != 0 ? error : EFBIG;
}

/// Tells in the log itself what it lacks.
static martlet_error write_loss(martlet_decision_log *log) {
  char note[200];
  int count = snprintf(note, sizeof note, "{\"log\":\"records were lost\",\"lost\":%llu,\"reason\":\"%.80s\"}\n",
                       (unsigned long long)log->lost_now, martlet_error_text(log->last_error));
  return write_record(log, note, (size_t)count);
}

martlet_error martlet_log_append(martlet_decision_log *log, const void *record, size_t count,
                                 martlet_log_outcome *outcome) {
  *outcome = (martlet_log_outcome){0};
  // Room for a note too.
  martlet_error error = prepare(log, count + 200);
  if (error == 0 && log->lost_now > 0) {
    error = write_loss(log);
    if (error == 0) {
      outcome->recovered = log->lost_now;
      log->lost_now = 0;
      log->last_error = 0;
    }
  }
  if (error == 0) error = write_record(log, record, count);
  if (error == 0 && log->sync == MARTLET_LOG_SYNC_EACH && !log->is_stream) error = log_file_sync(log);
  if (error == 0) {
    log->last_error = 0;
    log->is_dirty |= log->sync == MARTLET_LOG_SYNC_SECOND && !log->is_stream;
    return 0;
  }
  outcome->is_new = error != log->last_error;
  // Perhaps its path leads elsewhere by now.
  log->look_ns = 0;
  // A disk that was away gives its old descriptors nothing but errors: the file is opened anew.
  if (log->descriptor >= 0 && !log->is_stream && martlet_is_disk_gone(error)) {
    close(log->descriptor);
    log->descriptor = -1;
    log->retry_ns = later();
  }
  martlet_log_lose(log, 1, error);
  return error;
}

void martlet_log_lose(martlet_decision_log *log, uint64_t count, martlet_error reason) {
  log->last_error = reason;
  log->lost += count;
  log->lost_now += count;
}

martlet_error martlet_log_tend(martlet_decision_log *log, uint64_t *next_ns) {
  *next_ns = UINT64_MAX;
  if (log->is_stream || log->descriptor < 0) return 0;
  uint64_t now = log_now_ns();
  martlet_error error = 0;
  if (log->max_age_us > 0) {
    if (now >= log->age_ns) {
      log->age_ns = now + 3600ull * LOG_SECOND_NS;
      if (log->size > 0 && log_file_is_old(log)) error = rotate(log);
      log_file_let_go(log);
    }
    *next_ns = log->age_ns;
  }
  if (!log->is_dirty || log->descriptor < 0) return error;
  if (now >= log->sync_ns) {
    log->sync_ns = now + LOG_SECOND_NS;
    return log_file_sync(log);
  }
  if (log->sync_ns < *next_ns) *next_ns = log->sync_ns;
  return error;
}

// MARK: - Opening and closing

martlet_error martlet_log_open(const martlet_log_settings *settings, martlet_decision_log **opened) {
  martlet_decision_log *log = *opened = calloc(1, sizeof *log);
  if (log == NULL) return ENOMEM;
  log->max_bytes = settings->max_bytes;
  log->max_age_us = settings->max_age_us;
  log->keep = settings->keep;
  log->sync = settings->sync;
  log->descriptor = -1;
  if (strcmp(settings->path, "-") == 0) {
    // A reader that is gone is a lost record, not the end.
    signal(SIGPIPE, SIG_IGN);
    log->is_stream = 1;
    log->descriptor = STDOUT_FILENO;
    return martlet_is_writable(STDOUT_FILENO) ? 0 : EBADF;
  }
  martlet_error error = ENAMETOOLONG;
  if (strlen(settings->path) <= PATH_MAX - 16) {
    strcpy(log->path, settings->path);
    const char *slash = strrchr(log->path, '/');
    strcpy(log->folder, slash == NULL ? "." : "/");
    if (slash > log->path) memcpy(log->folder, log->path, (size_t)(slash - log->path));
    error = log_file_open(log);
  }
  if (error != 0) {
    log->last_error = error;
    log->retry_ns = later();
    return error;
  }
  log_file_look_back(log);
  if (log->cut_bytes > 0) {
    char note[120];
    int count = snprintf(note, sizeof note, "{\"log\":\"a torn end was cut off\",\"bytes\":%llu}\n",
                         (unsigned long long)log->cut_bytes);
    write_record(log, note, (size_t)count);
  }
  return 0;
}

void martlet_log_close(martlet_decision_log *log) {
  if (!log->is_stream && log->descriptor >= 0) {
    log_file_sync(log);
    close(log->descriptor);
  }
  free(log);
}

uint64_t martlet_log_last_decision(const martlet_decision_log *log) { return log->last_decision; }
uint64_t martlet_log_cut_bytes(const martlet_decision_log *log) { return log->cut_bytes; }
uint64_t martlet_log_lost(const martlet_decision_log *log) { return log->lost; }

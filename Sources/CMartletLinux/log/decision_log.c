#define _GNU_SOURCE
#include "decision_log_internal.h"
#include "martlet_files.h"
#include "martlet_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/// How long standard output may take for a record: after it the record is lost, and the loop goes on.
#define PATIENCE_MS 20

struct martlet_decision_log {
  char path[PATH_MAX], other[PATH_MAX];
  int descriptor, is_stream, keep, sync;
  /// The file ends in the middle of a record: a write that failed could not be taken back.
  int is_torn;
  uint64_t size, max_bytes;
  uint64_t last_decision, cut_bytes, lost, lost_now;
  /// Of the last loss; 0 while records are written.
  martlet_error last_error;
  /// CLOCK_MONOTONIC: not before is opening or rotating tried again.
  uint64_t retry_ns;
  log_syncer syncer;
};

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t later(void) { return now_ns() + 1000000000u; }

// MARK: - Files

/// `path` or `path.N`.
static const char *numbered(martlet_decision_log *log, char *into, int number) {
  if (number == 0) return log->path;
  // PATH_MAX is kept by martlet_log_open.
  snprintf(into, PATH_MAX, "%.4080s.%d", log->path, number);
  return into;
}

static martlet_error open_file(martlet_decision_log *log) {
  int descriptor = open(log->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (descriptor < 0) return errno;
  struct stat status;
  log_tail tail;
  martlet_error error = fstat(descriptor, &status) < 0 ? errno : !S_ISREG(status.st_mode) ? MARTLET_NOT_A_FILE : 0;
  if (error == 0 && flock(descriptor, LOCK_EX | LOCK_NB) < 0) error = errno == EWOULDBLOCK ? EBUSY : errno;
  if (error == 0) error = log_tail_read(descriptor, (uint64_t)status.st_size, &tail);
  if (error == 0 && tail.end < (uint64_t)status.st_size) {
    if (ftruncate(descriptor, (off_t)tail.end) < 0) error = errno;
    else log->cut_bytes += (uint64_t)status.st_size - tail.end;
  }
  if (error != 0) {
    close(descriptor);
    return error;
  }
  if (tail.last_decision > log->last_decision) log->last_decision = tail.last_decision;
  log->descriptor = descriptor;
  log->size = tail.end;
  log->is_torn = 0;
  if (log->sync == MARTLET_LOG_SYNC_SECOND) log_syncer_use(&log->syncer, descriptor);
  return 0;
}

/// A log that was rotated just before the end has its numbers in an older file.
static void look_back(martlet_decision_log *log) {
  for (int number = 1; number <= log->keep && log->last_decision == 0; number++) {
    int descriptor = open(numbered(log, log->other, number), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) continue;
    struct stat status;
    log_tail tail;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
        log_tail_read(descriptor, (uint64_t)status.st_size, &tail) == 0)
      log->last_decision = tail.last_decision;
    close(descriptor);
  }
}

static martlet_error rotate(martlet_decision_log *log) {
  char from[PATH_MAX];
  if (log->keep == 0) {
    if (ftruncate(log->descriptor, 0) < 0) return errno;
    log->size = 0;
    return 0;
  }
  for (int number = log->keep - 1; number >= 0; number--) {
    const char *source = numbered(log, from, number);
    if (rename(source, numbered(log, log->other, number + 1)) < 0 && errno != ENOENT) return errno;
  }
  // The syncer has a descriptor of its own for what is not on the disk yet.
  if (log->sync == MARTLET_LOG_SYNC_EACH) fdatasync(log->descriptor);
  close(log->descriptor);
  log->descriptor = -1;
  return open_file(log);
}

// MARK: - Writing

/// To a pipe or a terminal: a reader that does not read must not stop the loop. Pieces of at most PIPE_BUF go without
/// waiting when the descriptor is said to be ready.
static martlet_error write_stream(martlet_decision_log *log, const char *bytes, size_t count) {
  // Nor may it slow every record: after one that waited in vain the next do not wait.
  uint64_t until = now_ns() + (log->last_error == 0 ? PATIENCE_MS * 1000000u : 0);
  size_t done = 0;
  while (done < count) {
    struct pollfd ready = {.fd = log->descriptor, .events = POLLOUT};
    uint64_t now = now_ns();
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

/// Makes the file ready for `count` more bytes.
static martlet_error prepare(martlet_decision_log *log, size_t count) {
  if (log->is_stream) return 0;
  if (log->descriptor < 0) {
    if (now_ns() < log->retry_ns) return log->last_error != 0 ? log->last_error : EAGAIN;
    log->retry_ns = later();
    martlet_error error = open_file(log);
    if (error != 0) return error;
    log->retry_ns = 0;
  }
  if (log->is_torn) {
    if (ftruncate(log->descriptor, (off_t)log->size) < 0) return errno;
    log->is_torn = 0;
  }
  if (log->size == 0 || log->size + count <= log->max_bytes) return 0;
  martlet_error error = 0;
  if (now_ns() >= log->retry_ns) {
    error = rotate(log);
    log->retry_ns = error == 0 ? 0 : later();
    if (log->descriptor < 0) return error;
  }
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
  if (error == 0 && log->sync == MARTLET_LOG_SYNC_EACH && !log->is_stream && fdatasync(log->descriptor) < 0)
    error = errno == EINVAL ? 0 : errno;
  if (error == 0) {
    log->last_error = 0;
    if (log->sync == MARTLET_LOG_SYNC_SECOND && !log->is_stream) log_syncer_mark(&log->syncer);
    return 0;
  }
  outcome->is_new = error != log->last_error;
  // A disk that was away gives its old descriptors nothing but errors: the file is opened anew.
  if (log->descriptor >= 0 && !log->is_stream && martlet_is_disk_gone(error)) {
    close(log->descriptor);
    log->descriptor = -1;
    log->retry_ns = later();
  }
  log->last_error = error;
  log->lost++;
  log->lost_now++;
  return error;
}

// MARK: - Opening and closing

martlet_error martlet_log_open(const char *path, uint64_t max_bytes, int32_t keep, int32_t sync,
                               martlet_decision_log **opened) {
  martlet_decision_log *log = *opened = calloc(1, sizeof *log);
  if (log == NULL) return ENOMEM;
  log->max_bytes = max_bytes;
  log->keep = keep;
  log->sync = sync;
  log->descriptor = -1;
  if (strcmp(path, "-") == 0) {
    // A reader that is gone is a lost record, not the end.
    signal(SIGPIPE, SIG_IGN);
    log->is_stream = 1;
    log->descriptor = STDOUT_FILENO;
    return martlet_is_writable(STDOUT_FILENO) ? 0 : EBADF;
  }
  martlet_error error = 0;
  if (strlen(path) > PATH_MAX - 16) {
    error = ENAMETOOLONG;
    log->path[0] = '\0';
  } else {
    strcpy(log->path, path);
  }
  if (sync == MARTLET_LOG_SYNC_SECOND) log_syncer_start(&log->syncer, log->path);
  if (error == 0) error = open_file(log);
  if (error != 0) {
    log->last_error = error;
    log->retry_ns = later();
  }
  look_back(log);
  if (log->cut_bytes > 0 && log->descriptor >= 0) {
    char note[120];
    int count = snprintf(note, sizeof note, "{\"log\":\"a torn end was cut off\",\"bytes\":%llu}\n",
                         (unsigned long long)log->cut_bytes);
    write_record(log, note, (size_t)count);
  }
  return error;
}

void martlet_log_close(martlet_decision_log *log) {
  log_syncer_stop(&log->syncer);
  if (!log->is_stream && log->descriptor >= 0) {
    fdatasync(log->descriptor);
    close(log->descriptor);
  }
  free(log);
}

uint64_t martlet_log_last_decision(const martlet_decision_log *log) { return log->last_decision; }
uint64_t martlet_log_cut_bytes(const martlet_decision_log *log) { return log->cut_bytes; }
uint64_t martlet_log_lost(const martlet_decision_log *log) { return log->lost; }

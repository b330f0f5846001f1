#define _GNU_SOURCE
#include "decision_log_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/// `path` or `path.N`.
static const char *numbered(martlet_decision_log *log, char *into, int number) {
  if (number == 0) return log->path;
  // PATH_MAX is kept by martlet_log_open.
  snprintf(into, PATH_MAX, "%.4080s.%d", log->path, number);
  return into;
}

// MARK: - Onto the disk

/// A name that is new is safe only when its folder is on the disk too.
static void sync_folder(const martlet_decision_log *log) {
  if (log->sync == MARTLET_LOG_SYNC_NO) return;
  int folder = open(log->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

martlet_error log_file_sync(martlet_decision_log *log) {
  log->is_dirty = 0;
  // Not every file system can.
  return fdatasync(log->descriptor) < 0 && errno != EINVAL ? errno : 0;
}

void log_file_close(martlet_decision_log *log) {
  if (log->sync != MARTLET_LOG_SYNC_NO) log_file_sync(log);
  close(log->descriptor);
  log->descriptor = -1;
}

// MARK: - Opening

martlet_error log_file_open(martlet_decision_log *log) {
  bool is_made = true;
  int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  int descriptor = open(log->path, flags | O_CREAT | O_EXCL, 0640);
  if (descriptor < 0 && errno == EEXIST) {
    is_made = false;
    // Also where a link leads.
    descriptor = open(log->path, flags | O_CREAT, 0640);
  }
  if (descriptor < 0) return errno;
  struct stat status;
  log_tail tail = {0};
  martlet_error error = fstat(descriptor, &status) < 0 ? errno : !S_ISREG(status.st_mode) ? MARTLET_NOT_A_FILE : 0;
  if (error == 0) error = log_kind_check(descriptor, (uint64_t)status.st_size);
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
  log->begun_us = tail.end > 0 ? log_kind_begun_us(descriptor) : 0;
  if (tail.end > 0 && log->begun_us == 0) log->begun_us = martlet_wall_time_us();
  if (is_made) sync_folder(log);
  return 0;
}

void log_file_look_back(martlet_decision_log *log) {
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

// MARK: - A file that is another one

void log_file_notice_move(martlet_decision_log *log) {
  uint64_t now = log_now_ns();
  if (log->descriptor < 0 || now < log->look_ns) return;
  log->look_ns = now + LOG_SECOND_NS;
  struct stat own, there;
  if (fstat(log->descriptor, &own) < 0) return;
  bool is_there = stat(log->path, &there) == 0;
  if (!is_there && errno != ENOENT && errno != ENOTDIR) return;
  if (is_there && there.st_ino == own.st_ino && there.st_dev == own.st_dev) {
    // Somebody may have cut it.
    if (!log->is_torn) log->size = (uint64_t)own.st_size;
    return;
  }
  log_file_close(log);
  log->retry_ns = 0;
}

// MARK: - Old files

bool log_file_is_old(const martlet_decision_log *log) {
  uint64_t now = martlet_wall_time_us();
  return log->max_age_us > 0 && log->begun_us > 0 && now > log->begun_us &&
         now - log->begun_us > log->max_age_us / ((uint64_t)log->keep + 1);
}

void log_file_let_go(martlet_decision_log *log) {
  if (log->max_age_us == 0) return;
  uint64_t now = martlet_wall_time_us();
  for (int number = log->keep; number >= 1; number--) {
    struct stat status;
    const char *path = numbered(log, log->other, number);
    if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || martlet_log_look(path) != 0) continue;
    uint64_t written = (uint64_t)status.st_mtim.tv_sec * 1000000u + (uint64_t)status.st_mtim.tv_nsec / 1000u;
    if (now > written && now - written > log->max_age_us) unlink(path);
  }
}

martlet_error log_file_rotate(martlet_decision_log *log) {
  char from[PATH_MAX];
  if (log->keep == 0) {
    if (ftruncate(log->descriptor, 0) < 0) return errno;
    log->size = log->begun_us = 0;
    return 0;
  }
  // What is no log of ours is not moved away, nor written over.
  for (int number = 1; number <= log->keep; number++) {
    martlet_error error = martlet_log_look(numbered(log, log->other, number));
    if (error != 0) return error;
  }
  for (int number = log->keep - 1; number >= 0; number--) {
    const char *source = numbered(log, from, number);
    if (rename(source, numbered(log, log->other, number + 1)) < 0 && errno != ENOENT) return errno;
  }
  log_file_close(log);
  log_file_let_go(log);
  martlet_error error = log_file_open(log);
  // The old names, where a file of the new one's name was there.
  sync_folder(log);
  return error;
}

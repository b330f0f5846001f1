#define _GNU_SOURCE
#include "martlet_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

martlet_error martlet_file_write_all(int descriptor, const void *bytes, size_t count) {
  const char *at = bytes;
  while (count > 0) {
    ssize_t n = write(descriptor, at, count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    at += n;
    count -= (size_t)n;
  }
  return 0;
}

/// What stands below is the process's: one thread at a time.
static pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;

// MARK: - What must not be written over

/// The time of the last change tells a file from a later one that got its number.
static struct {
  dev_t device;
  ino_t number;
  struct timespec changed;
} kept[256];
static int kept_count;

static bool is_kept(const struct stat *status) {
  for (int i = 0; i < kept_count; i++) {
    if (kept[i].number == status->st_ino && kept[i].device == status->st_dev &&
        kept[i].changed.tv_sec == status->st_ctim.tv_sec && kept[i].changed.tv_nsec == status->st_ctim.tv_nsec)
      return true;
  }
  return false;
}

void martlet_file_keep(const char *path) {
  struct stat status;
  if (stat(path, &status) < 0 || !S_ISREG(status.st_mode)) return;
  pthread_mutex_lock(&mine);
  if (kept_count < (int)(sizeof kept / sizeof kept[0]) && !is_kept(&status)) {
    kept[kept_count].device = status.st_dev;
    kept[kept_count].changed = status.st_ctim;
    kept[kept_count++].number = status.st_ino;
  }
  pthread_mutex_unlock(&mine);
}

bool martlet_file_is_kept(const char *path) {
  struct stat status;
  if (stat(path, &status) < 0) return false;
  pthread_mutex_lock(&mine);
  bool found = is_kept(&status);
  pthread_mutex_unlock(&mine);
  return found;
}

// MARK: - What is being written

/// For whoever ends the process.
static char staged[PATH_MAX];
static const int endings[] = {SIGTERM, SIGINT, SIGHUP};
enum { ENDINGS = sizeof endings / sizeof endings[0] };
static struct sigaction before[ENDINGS];

void martlet_file_abandon(void) {
  if (staged[0] != '\0') unlink(staged);
}

/// Ends the process as the signal would have.
static void on_ending(int number) {
  martlet_file_abandon();
  raise(number);
}

/// Whoever handles a signal himself goes on doing so.
static void catch_endings(void) {
  struct sigaction action = {.sa_handler = on_ending, .sa_flags = SA_RESETHAND};
  for (int i = 0; i < ENDINGS; i++) {
    sigaction(endings[i], NULL, &before[i]);
    if (before[i].sa_handler == SIG_DFL) sigaction(endings[i], &action, NULL);
  }
}

static void release_endings(void) {
  for (int i = 0; i < ENDINGS; i++) {
    if (before[i].sa_handler == SIG_DFL) sigaction(endings[i], &before[i], NULL);
  }
}

// MARK: - Writing

static martlet_error write_parts(int descriptor, const martlet_file_part *parts, size_t count) {
  martlet_error error = 0;
  for (size_t i = 0; i < count && error == 0; i++)
    error = martlet_file_write_all(descriptor, parts[i].bytes, parts[i].count);
  return error;
}

static martlet_error write_in_place(const char *path, const martlet_file_part *parts, size_t count) {
  int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return errno;
  martlet_error error = write_parts(descriptor, parts, count);
  if (close(descriptor) < 0 && error == 0) error = errno;
  return error;
}

/// Standard output or error, if a path like /dev/stdout leads to what that is; -1 if not.
static int own_stream(const struct stat *status) {
  struct stat own;
  for (int descriptor = STDOUT_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
    if (fstat(descriptor, &own) == 0 && own.st_ino == status->st_ino && own.st_dev == status->st_dev) return descriptor;
  }
  return -1;
}

/// The file that a path leads to, whether it is there yet or not.
static martlet_error follow(const char *path, char *target) {
  if (realpath(path, target) != NULL) return 0;
  if (errno != ENOENT) return errno;
  if (strlen(path) >= PATH_MAX) return ENAMETOOLONG;
  strcpy(target, path);
  char link[PATH_MAX];
  for (int depth = 0; depth < 40; depth++) {
    ssize_t length = readlink(target, link, sizeof link - 1);
    if (length < 0) return 0;
    link[length] = '\0';
    char *slash = link[0] == '/' ? NULL : strrchr(target, '/');
    char *name = slash == NULL ? target : slash + 1;
    if ((size_t)(name - target) + (size_t)length >= PATH_MAX) return ENAMETOOLONG;
    strcpy(name, link);
  }
  return ELOOP;
}

/// A renamed file is safe only when its directory is on the disk too. Not every file system can do that; it need not.
static void sync_directory(char *path) {
  char *slash = strrchr(path, '/');
  if (slash != NULL) slash[slash == path] = '\0';
  int descriptor = open(slash == NULL ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

/// `old`: what is replaced; NULL: nothing.
static martlet_error write_beside(const char *target, const struct stat *old, const martlet_file_part *parts,
                                  size_t count) {
  int descriptor = open(staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, old != NULL ? 0600 : 0666);
  if (descriptor < 0) return errno;
  martlet_error error = 0;
  if (old != NULL) {
    // Before the mode: a new owner takes special bits away. Where that is not allowed the file becomes ours.
    if (fchown(descriptor, old->st_uid, old->st_gid) < 0 && errno == EIO) error = errno;
    if (fchmod(descriptor, old->st_mode & 07777) < 0 && error == 0) error = errno;
  }
  if (error == 0) error = write_parts(descriptor, parts, count);
  if (error == 0 && fsync(descriptor) < 0 && errno != EINVAL) error = errno;
  if (close(descriptor) < 0 && error == 0) error = errno;
  if (error == 0 && rename(staged, target) < 0) error = errno;
  if (error != 0) unlink(staged);
  return error;
}

static martlet_error replace(const char *path, const martlet_file_part *parts, size_t count) {
  struct stat old;
  bool is_there = stat(path, &old) == 0;
  if (is_there) {
    if (S_ISDIR(old.st_mode)) return EISDIR;
    if (is_kept(&old)) return MARTLET_OWN_SOURCE;
    int stream = S_ISREG(old.st_mode) || S_ISSOCK(old.st_mode) ? own_stream(&old) : -1;
    if (stream >= 0) return write_parts(stream, parts, count);
    if (!S_ISREG(old.st_mode)) return write_in_place(path, parts, count);
  }
  char target[PATH_MAX];
  martlet_error error = follow(path, target);
  if (error != 0) return error;
  int length = snprintf(staged, sizeof staged, "%s.%d.part", target, (int)getpid());
  if (length < 0 || (size_t)length >= sizeof staged) {
    error = ENAMETOOLONG;
  } else {
    catch_endings();
    error = write_beside(target, is_there ? &old : NULL, parts, count);
    release_endings();
  }
  staged[0] = '\0';
  if (error == 0) sync_directory(target);
  return error;
}

martlet_error martlet_file_replace_parts(const char *path, const martlet_file_part *parts, size_t count) {
  pthread_mutex_lock(&mine);
  martlet_error error = replace(path, parts, count);
  pthread_mutex_unlock(&mine);
  return error;
}

martlet_error martlet_file_replace(const char *path, const void *bytes, size_t count) {
  const martlet_file_part part = {bytes, count};
  return martlet_file_replace_parts(path, &part, 1);
}

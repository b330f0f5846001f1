#define _GNU_SOURCE
#include "martlet_files.h"
#include "martlet_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char *guarded_command = "martlet";
static const char *guarded_path = "";
/// What is being written right now; the SIGBUS handler removes it.
static char staged[PATH_MAX];

// MARK: - Mapping

int martlet_file_map(const char *path, martlet_mapped_file *file) {
  file->bytes = NULL;
  file->count = 0;
  // Opening a pipe without O_NONBLOCK would wait for a writer.
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return errno;
  struct stat status;
  int error = 0;
  if (fstat(descriptor, &status) < 0) {
    error = errno;
  } else if (S_ISDIR(status.st_mode)) {
    error = EISDIR;
  } else if (!S_ISREG(status.st_mode)) {
    error = EINVAL;
  } else if (status.st_size > 0) {
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
    if (bytes == MAP_FAILED) {
      error = errno;
    } else {
      file->bytes = bytes;
      file->count = (size_t)status.st_size;
    }
  }
  close(descriptor);
  return error;
}

void martlet_file_unmap(martlet_mapped_file *file) {
  if (file->bytes != NULL) munmap((void *)file->bytes, file->count);
  file->bytes = NULL;
  file->count = 0;
}

static void write_text(const char *text) {
  martlet_file_write_all(STDERR_FILENO, text, strlen(text));
}

/// Only what is safe in a signal handler.
static void on_bus_error(int signal) {
  (void)signal;
  // A line may be read meanwhile: the next one at the shell must show what is typed.
  martlet_terminal_restore();
  write_text(guarded_command);
  write_text(": ");
  write_text(guarded_path);
  write_text(": the file shrank while it was in use; replace a model by renaming a new file over it\n");
  if (staged[0] != '\0') unlink(staged);
  _exit(EX_IOERR);
}

void martlet_file_guard(const char *command, const char *path) {
  guarded_command = command;
  guarded_path = path;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_bus_error;
  sigaction(SIGBUS, &action, NULL);
}

// MARK: - Reading and writing

int martlet_file_read(const char *path, void *into, size_t capacity, size_t *count) {
  *count = 0;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  struct stat status;
  int error = fstat(descriptor, &status) < 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
  while (error == 0) {
    // At the end of the buffer one more byte tells whether the file goes on.
    char beyond;
    int full = *count == capacity;
    ssize_t n = read(descriptor, full ? &beyond : (char *)into + *count, full ? 1 : capacity - *count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n <= 0) break;
    *count += (size_t)n;
    if (full) break;
  }
  if (error == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size > *count) *count = (size_t)status.st_size;
  close(descriptor);
  return error;
}

int martlet_file_write_all(int descriptor, const void *bytes, size_t count) {
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

static int write_parts(int descriptor, const martlet_file_part *parts, size_t count) {
  int error = 0;
  for (size_t i = 0; i < count && error == 0; i++)
    error = martlet_file_write_all(descriptor, parts[i].bytes, parts[i].count);
  return error;
}

static int write_in_place(const char *path, const martlet_file_part *parts, size_t count) {
  int descriptor = open(path, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  int error = write_parts(descriptor, parts, count);
  if (close(descriptor) < 0 && error == 0) error = errno;
  return error;
}

/// A renamed file is safe only when its directory is on the disk too. Not every file system can do that; it need not.
static void sync_directory(const char *path) {
  char directory[PATH_MAX];
  const char *slash = strrchr(path, '/');
  size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
  if (length >= sizeof directory) return;
  memcpy(directory, path, length);
  directory[length] = '\0';
  int descriptor = open(length == 0 ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

int martlet_file_replace(const char *path, const void *bytes, size_t count) {
  const martlet_file_part part = {bytes, count};
  return martlet_file_replace_parts(path, &part, 1);
}

int martlet_file_replace_parts(const char *path, const martlet_file_part *parts, size_t count) {
  struct stat status;
  mode_t mode = 0666;
  if (stat(path, &status) == 0) {
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (!S_ISREG(status.st_mode)) return write_in_place(path, parts, count);
    mode = status.st_mode & 07777;
  }
  // A link stays a link: the file that it names is replaced.
  char target[PATH_MAX];
  if (realpath(path, target) == NULL) {
    if (errno != ENOENT) return errno;
    if (strlen(path) >= sizeof target) return ENAMETOOLONG;
    strcpy(target, path);
  }
  int length = snprintf(staged, sizeof staged, "%s.%d.part", target, (int)getpid());
  if (length < 0 || (size_t)length >= sizeof staged) {
    staged[0] = '\0';
    return ENAMETOOLONG;
  }
  int descriptor = open(staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  int error = descriptor < 0 ? errno : 0;
  if (descriptor >= 0) {
    error = write_parts(descriptor, parts, count);
    if (error == 0 && fsync(descriptor) < 0 && errno != EINVAL) error = errno;
    if (close(descriptor) < 0 && error == 0) error = errno;
    if (error == 0 && rename(staged, target) < 0) error = errno;
    if (error != 0) unlink(staged);
  }
  staged[0] = '\0';
  if (error == 0) sync_directory(target);
  return error;
}

int martlet_error_no_file(void) { return ENOENT; }
int martlet_error_io(void) { return EIO; }
int martlet_error_no_memory(void) { return ENOMEM; }
int martlet_error_no_permission(void) { return EACCES; }
int martlet_error_busy(void) { return EBUSY; }

int martlet_is_disk_gone(int error) {
  return error == EIO || error == ENOENT || error == ESTALE || error == ENODEV || error == ENXIO;
}

const char *martlet_error_text(int error) {
  const char *text = strerrordesc_np(error);
  return text != NULL ? text : "unknown error";
}

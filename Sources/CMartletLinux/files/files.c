#define _GNU_SOURCE
#include "martlet_files.h"
#include "martlet_terminal.h"
#include "martlet_visible.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sysexits.h>
#include <unistd.h>

// MARK: - Opening

/// A named pipe waits for a writer that may never come, and its type is that of the file system that it lies in.
static int is_unnamed_pipe(int descriptor) {
  struct statfs system;
  return fstatfs(descriptor, &system) == 0 && system.f_type == PIPEFS_MAGIC;
}

int martlet_file_open(const char *path, martlet_open_file *file) {
  struct stat status;
  // Opening a pipe without O_NONBLOCK would wait for a writer.
  do file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  while (file->descriptor < 0 && errno == EINTR);
  // A socket, or a device that nobody drives.
  if (file->descriptor < 0) return errno == ENXIO || errno == ENODEV ? MARTLET_NOT_A_FILE : errno;
  int error = fstat(file->descriptor, &status) < 0 ? errno : 0;
  file->is_pipe = 0;
  if (error == 0 && S_ISDIR(status.st_mode)) error = EISDIR;
  if (error == 0 && !S_ISREG(status.st_mode)) {
    file->is_pipe = S_ISFIFO(status.st_mode) && is_unnamed_pipe(file->descriptor);
    // Its writer may take its time.
    if (!file->is_pipe || fcntl(file->descriptor, F_SETFL, 0) < 0) error = MARTLET_NOT_A_FILE;
  }
  file->size = file->is_pipe ? 0 : (uint64_t)status.st_size;
  if (error != 0) {
    close(file->descriptor);
    file->descriptor = -1;
  }
  return error;
}

// MARK: - Mapping

/// What is mapped, for the sentence that says which one shrank.
static struct {
  const char *bytes, *path;
  size_t count;
} mapped[16];
enum { MAPPED = sizeof mapped / sizeof mapped[0] };

static int map(const char *path, int flags, martlet_mapped_file *file) {
  martlet_open_file opened;
  file->bytes = NULL;
  file->count = 0;
  int error = martlet_file_open(path, &opened);
  if (error != 0) return error;
  if (opened.is_pipe) {
    error = MARTLET_NOT_A_FILE;
  } else if (opened.size > 0) {
    void *bytes = mmap(NULL, (size_t)opened.size, PROT_READ, MAP_PRIVATE | flags, opened.descriptor, 0);
    if (bytes == MAP_FAILED) {
      error = errno;
    } else {
      file->bytes = bytes;
      file->count = (size_t)opened.size;
      int slot = 0;
      while (slot < MAPPED && mapped[slot].bytes != NULL) slot++;
      if (slot < MAPPED) {
        mapped[slot].path = path;
        mapped[slot].count = file->count;
        mapped[slot].bytes = bytes;
      }
    }
  }
  close(opened.descriptor);
  return error;
}

int martlet_file_map(const char *path, martlet_mapped_file *file) { return map(path, MAP_POPULATE, file); }
int martlet_file_map_lazily(const char *path, martlet_mapped_file *file) { return map(path, 0, file); }

void martlet_file_unmap(martlet_mapped_file *file) {
  if (file->bytes != NULL) munmap((void *)file->bytes, file->count);
  for (int slot = 0; slot < MAPPED; slot++) {
    if (file->bytes != NULL && mapped[slot].bytes == file->bytes) mapped[slot].bytes = NULL;
  }
  file->bytes = NULL;
  file->count = 0;
}

// MARK: - A file that shrinks

static const char *guarded_command = "martlet";

static void write_text(const char *text) { martlet_file_write_all(STDERR_FILENO, text, strlen(text)); }

/// Only what is safe in a signal handler.
static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)context;
  const char *at = info->si_addr, *path = NULL;
  for (int slot = 0; slot < MAPPED; slot++) {
    const char *start = mapped[slot].bytes;
    // The last page may lie behind the file's end.
    if (info->si_code > 0 && start != NULL && at >= start && (size_t)(at - start) < mapped[slot].count)
      path = mapped[slot].path;
  }
  martlet_file_abandon();
  // A line may be read meanwhile: the next one at the shell must show what is typed.
  martlet_terminal_restore();
  if (path == NULL) {
    // No file: it ends the process as it always does.
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  write_text(guarded_command);
  write_text(": ");
  // Not on the stack of a thread that may have little.
  static char shown[MARTLET_VISIBLE_GROWTH * 1024];
  martlet_file_write_all(STDERR_FILENO, shown, martlet_visible(path, strnlen(path, 1024), 0, shown));
  write_text(": the file shrank while it was in use; replace it by renaming a new file over it\n");
  _exit(EX_IOERR);
}

void martlet_file_guard(const char *command) {
  guarded_command = command;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, NULL);
}

// MARK: - Reading

int martlet_file_read(const char *path, void *into, size_t capacity, size_t *count) {
  martlet_open_file file;
  *count = 0;
  int error = martlet_file_open(path, &file);
  if (error != 0) return error;
  while (error == 0) {
    // At the end of the buffer one more byte tells whether the file goes on.
    char beyond;
    int full = *count == capacity;
    ssize_t n = read(file.descriptor, full ? &beyond : (char *)into + *count, full ? 1 : capacity - *count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n <= 0) break;
    *count += (size_t)n;
    if (full) break;
  }
  if (error == 0 && file.size > *count) *count = (size_t)file.size;
  close(file.descriptor);
  return error;
}

// MARK: - Errors

int martlet_error_no_file(void) { return ENOENT; }
int martlet_error_io(void) { return EIO; }
int martlet_error_no_memory(void) { return ENOMEM; }
int martlet_error_no_permission(void) { return EACCES; }
int martlet_error_busy(void) { return EBUSY; }
int martlet_error_broken_pipe(void) { return EPIPE; }

int martlet_is_disk_gone(int error) {
  return error == EIO || error == ENOENT || error == ESTALE || error == ENODEV || error == ENXIO;
}

int martlet_is_transfer_error(int error) {
  return error == EIO || error == ENOSPC || error == EDQUOT || error == EFBIG || error == EPIPE || error == EBADF;
}

const char *martlet_error_text(int error) {
  if (error == MARTLET_NOT_A_FILE) return "it is not a regular file";
  if (error == MARTLET_OWN_SOURCE) return "it is what this command itself reads or has written";
  const char *text = strerrordesc_np(error);
  return text != NULL ? text : "unknown error";
}

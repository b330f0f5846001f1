#define _GNU_SOURCE
#include "martlet_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

// MARK: - Opening

/// A named pipe waits for a writer that may never come, and its type is that of the file system that it lies in.
static bool is_unnamed_pipe(int descriptor) {
  struct statfs system;
  return fstatfs(descriptor, &system) == 0 && system.f_type == PIPEFS_MAGIC;
}

martlet_error martlet_file_open(const char *path, martlet_open_file *file) {
  struct stat status;
  // Opening a pipe without O_NONBLOCK would wait for a writer.
  do file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  while (file->descriptor < 0 && errno == EINTR);
  // A socket, or a device that nobody drives.
  if (file->descriptor < 0) return errno == ENXIO || errno == ENODEV ? MARTLET_NOT_A_FILE : errno;
  martlet_error error = fstat(file->descriptor, &status) < 0 ? errno : 0;
  file->is_pipe = false;
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

static martlet_file_stamp stamp_of(const struct stat *status) {
  const struct timespec *changed = &status->st_mtim;
  return (martlet_file_stamp){(uint64_t)status->st_dev, (uint64_t)status->st_ino, (uint64_t)status->st_size,
                              (uint64_t)changed->tv_sec * 1000000000u + (uint64_t)changed->tv_nsec};
}

martlet_error martlet_path_stamp(const char *path, martlet_file_stamp *stamp) {
  struct stat status;
  if (stat(path, &status) < 0) return errno;
  *stamp = stamp_of(&status);
  return 0;
}

// MARK: - Mapping

/// What is mapped, for whoever asks which one shrank: a signal handler, too. Several threads map.
static struct {
  bool is_taken;
  const char *bytes, *path;
  size_t count;
} mapped[16];
enum { MAPPED = sizeof mapped / sizeof mapped[0] };

/// As an arena's, the place of weights in a cache does not depend on what else is mapped.
enum { ALIGNMENT = 65536 };
static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

static void *map_aligned(size_t size, int flags, int descriptor) {
  size_t reserved = aligned(size);
  char *address = mmap(NULL, reserved + ALIGNMENT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return MAP_FAILED;
  char *start = (char *)aligned((size_t)address), *end = start + reserved;
  // What lies around it goes back.
  if (start > address) munmap(address, (size_t)(start - address));
  if (address + ALIGNMENT > start) munmap(end, (size_t)(address + ALIGNMENT - start));
  void *bytes = mmap(start, size, PROT_READ, MAP_PRIVATE | MAP_FIXED | flags, descriptor, 0);
  if (bytes != MAP_FAILED) return bytes;
  int error = errno;
  munmap(start, reserved);
  errno = error;
  return MAP_FAILED;
}

static martlet_error map(const char *path, int flags, martlet_mapped_file *file) {
  martlet_open_file opened;
  file->bytes = NULL;
  file->count = 0;
  martlet_error error = martlet_file_open(path, &opened);
  if (error != 0) return error;
  if (opened.is_pipe) {
    error = MARTLET_NOT_A_FILE;
  } else if (opened.size > 0) {
    struct stat status;
    // Before its bytes are read: what changes later shows.
    if (fstat(opened.descriptor, &status) == 0) file->stamp = stamp_of(&status);
    void *bytes = map_aligned((size_t)opened.size, flags, opened.descriptor);
    if (bytes == MAP_FAILED) {
      error = errno;
    } else {
      file->bytes = bytes;
      file->count = (size_t)opened.size;
      int slot = 0;
      while (slot < MAPPED && __atomic_test_and_set(&mapped[slot].is_taken, __ATOMIC_ACQUIRE)) slot++;
      if (slot < MAPPED) {
        mapped[slot].path = path;
        mapped[slot].count = file->count;
        __atomic_store_n(&mapped[slot].bytes, bytes, __ATOMIC_RELEASE);
      }
    }
  }
  close(opened.descriptor);
  return error;
}

martlet_error martlet_file_map(const char *path, martlet_mapped_file *file) { return map(path, MAP_POPULATE, file); }
martlet_error martlet_file_map_lazily(const char *path, martlet_mapped_file *file) { return map(path, 0, file); }

void martlet_file_unmap(martlet_mapped_file *file) {
  for (int slot = 0; slot < MAPPED; slot++) {
    if (file->bytes == NULL || __atomic_load_n(&mapped[slot].bytes, __ATOMIC_ACQUIRE) != file->bytes) continue;
    __atomic_store_n(&mapped[slot].bytes, NULL, __ATOMIC_RELEASE);
    __atomic_clear(&mapped[slot].is_taken, __ATOMIC_RELEASE);
  }
  if (file->bytes != NULL) munmap((void *)file->bytes, aligned(file->count));
  file->bytes = NULL;
  file->count = 0;
}

const char *martlet_file_at(const void *address) {
  const char *at = address, *path = NULL;
  for (int slot = 0; slot < MAPPED; slot++) {
    const char *start = mapped[slot].bytes;
    // The last page may lie behind the file's end.
    if (start != NULL && at >= start && (size_t)(at - start) < mapped[slot].count) path = mapped[slot].path;
  }
  return path;
}

// MARK: - Reading

martlet_error martlet_file_read(const char *path, void *into, size_t capacity, size_t *count) {
  martlet_open_file file;
  *count = 0;
  martlet_error error = martlet_file_open(path, &file);
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

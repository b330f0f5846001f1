/// Files: models mapped read-only, raw tensors read whole, results written so that nothing partial is left behind.
/// Every function returns 0 or an errno value.
#ifndef MARTLET_FILES_H
#define MARTLET_FILES_H

#include <stddef.h>
#include <stdint.h>

/// A file mapped read-only. An empty file has no bytes and a count of 0.
typedef struct martlet_mapped_file {
  const void *bytes;
  size_t count;
} martlet_mapped_file;

/// Maps a regular file. EISDIR for a directory, EINVAL for what cannot be mapped (a pipe, a device).
int martlet_file_map(const char *path, martlet_mapped_file *file);
void martlet_file_unmap(martlet_mapped_file *file);

/// From now on, if a mapped file shrinks under us (SIGBUS), the process prints one line that names the command and the
/// file, removes what it was writing and exits with EX_IOERR. The strings must stay valid.
void martlet_file_guard(const char *command, const char *path);

/// Reads a whole file or pipe into `into`. *count gets the number of bytes that there are, more than `capacity` if the
/// file holds more (of a pipe, `capacity` + 1); then only `capacity` bytes were read.
int martlet_file_read(const char *path, void *into, size_t capacity, size_t *count);

/// Replaces a file as one act: written beside it, synced, renamed. What is there and is no regular file (a pipe,
/// /dev/stdout) is written to as it is.
int martlet_file_replace(const char *path, const void *bytes, size_t count);

/// A piece of a file's content.
typedef struct martlet_file_part {
  const void *bytes;
  size_t count;
} martlet_file_part;
/// The same with the content in pieces, one behind the other.
int martlet_file_replace_parts(const char *path, const martlet_file_part *parts, size_t count);

/// Writes all the bytes to an open file descriptor.
int martlet_file_write_all(int descriptor, const void *bytes, size_t count);

/// The errno value of a file that is not there; of a failed transfer; of memory that is not to be had; of what this user
/// may not do; of what another one holds.
int martlet_error_no_file(void);
int martlet_error_io(void);
int martlet_error_no_memory(void);
int martlet_error_no_permission(void);
int martlet_error_busy(void);
/// Whether an errno value tells that what is open is there no more, and has to be opened anew.
int martlet_is_disk_gone(int error);

/// An English phrase for an errno value, like "No such file or directory".
const char *martlet_error_text(int error);

#endif

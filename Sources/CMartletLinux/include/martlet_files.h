/// Files: models mapped read-only, texts and tensors read whole, results written so that nothing partial is left.
/// Every function returns 0, an errno value or one of the codes below, which martlet_error_text knows too.
#ifndef MARTLET_FILES_H
#define MARTLET_FILES_H

#include <stddef.h>
#include <stdint.h>

enum {
  /// A named pipe, a device, a socket: reading it may have no end, or no beginning.
  MARTLET_NOT_A_FILE = -1,
  /// What would be written over is what this process reads.
  MARTLET_OWN_SOURCE = -2
};

// MARK: - Reading

/// A file that is open for reading.
typedef struct martlet_open_file {
  int descriptor;
  /// It has no size, and is read to its end once.
  int is_pipe;
  uint64_t size;
} martlet_open_file;

/// Opens a regular file, or the pipe that a shell makes of <(COMMAND). Never waits for the other end of a named pipe.
/// EISDIR for a directory, MARTLET_NOT_A_FILE for anything else.
int martlet_file_open(const char *path, martlet_open_file *file);

/// A file mapped read-only. An empty file has no bytes and a count of 0.
typedef struct martlet_mapped_file {
  const void *bytes;
  size_t count;
} martlet_mapped_file;

/// Maps a regular file with all its pages. `path` must stay valid until it is unmapped.
int martlet_file_map(const char *path, martlet_mapped_file *file);
/// The same without reading it ahead: it may be larger than memory.
int martlet_file_map_lazily(const char *path, martlet_mapped_file *file);
void martlet_file_unmap(martlet_mapped_file *file);

/// From now on, if a mapped file shrinks under us (SIGBUS), the process prints one line that names the command and the
/// file, removes what it was writing and exits with EX_IOERR. The string must stay valid.
void martlet_file_guard(const char *command);

/// Reads a whole file or pipe into `into`. *count gets the number of bytes that there are, more than `capacity` if the
/// file holds more (of a pipe, `capacity` + 1); then only `capacity` bytes were read.
int martlet_file_read(const char *path, void *into, size_t capacity, size_t *count);

// MARK: - Writing

/// What is at `path` from now on counts as this process's own: martlet_file_replace refuses to write over it.
void martlet_file_keep(const char *path);
/// Whether it does.
int martlet_file_is_kept(const char *path);

/// Replaces a file as one act: written beside it, synced, renamed. Its mode and, where permitted, its owner stay. A
/// link stays a link. What is there and is no regular file (a pipe, a device), and what is this process's own standard
/// output or error, is written to as it is. SIGTERM, SIGINT and SIGHUP leave nothing partial behind.
int martlet_file_replace(const char *path, const void *bytes, size_t count);

/// A piece of a file's content.
typedef struct martlet_file_part {
  const void *bytes;
  size_t count;
} martlet_file_part;
/// The same with the content in pieces, one behind the other.
int martlet_file_replace_parts(const char *path, const martlet_file_part *parts, size_t count);
/// Removes what is being written right now, if anything. May be called by a signal handler.
void martlet_file_abandon(void);

/// Writes all the bytes to an open file descriptor.
int martlet_file_write_all(int descriptor, const void *bytes, size_t count);

// MARK: - Errors

/// The errno value of a file that is not there; of a failed transfer; of memory that is not to be had; of what this
/// user may not do; of what another one holds; of a pipe that nobody reads any more.
int martlet_error_no_file(void);
int martlet_error_io(void);
int martlet_error_no_memory(void);
int martlet_error_no_permission(void);
int martlet_error_busy(void);
int martlet_error_broken_pipe(void);
/// Whether an errno value tells that what is open is there no more, and has to be opened anew.
int martlet_is_disk_gone(int error);
/// Whether an errno value tells of a transfer that failed: what was to be written could be opened.
int martlet_is_transfer_error(int error);

/// An English phrase for an errno value, like "No such file or directory".
const char *martlet_error_text(int error);

#endif

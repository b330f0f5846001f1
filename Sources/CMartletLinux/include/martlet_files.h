/// Files: models mapped read-only, texts and tensors read whole, results written so that nothing partial is left.
#ifndef MARTLET_FILES_H
#define MARTLET_FILES_H

#include "martlet_error.h"

#include <stdbool.h>
#include <stddef.h>

// MARK: - Looking

enum { MARTLET_PATH_FILE, MARTLET_PATH_FOLDER, MARTLET_PATH_SOCKET, MARTLET_PATH_OTHER };

/// What there is at a path: *kind gets MARTLET_PATH_FILE, _FOLDER, _SOCKET or _OTHER (a device, a pipe).
martlet_error martlet_path_look(const char *path, int32_t *kind);

/// Whether two paths lead to one file, or to one device.
bool martlet_path_is_same(const char *a, const char *b);

/// The path from the root, without links.
martlet_error martlet_path_real(const char *path, char *into, size_t capacity);

enum { MARTLET_USER_GROUPS = 8 };

/// Who a service runs as.
typedef struct martlet_user {
  uint32_t id, group_count;
  uint32_t groups[MARTLET_USER_GROUPS];
} martlet_user;

/// A user of this machine with its own group and those further ones that there are (names with a blank between each
/// two); false: there is no such user.
bool martlet_user_find(const char *name, const char *groups, martlet_user *user);

/// Whether the permission bits along a path from the root let the user read what is there (or write it; a folder: make
/// files in it). False: `where` has the file or folder that does not. What is not there refuses nothing, and lists of
/// access rights beside the bits are not looked at.
bool martlet_user_may(const martlet_user *user, const char *path, bool writes, char *where, size_t capacity);

// MARK: - Reading

/// A file that is open for reading.
typedef struct martlet_open_file {
  int descriptor;
  /// It has no size, and is read to its end once.
  bool is_pipe;
  uint64_t size;
} martlet_open_file;

/// Opens a regular file, or the pipe that a shell makes of <(COMMAND). Never waits for the other end of a named pipe.
/// EISDIR for a directory, MARTLET_NOT_A_FILE for anything else.
martlet_error martlet_file_open(const char *path, martlet_open_file *file);

/// Which file it is, and since when it has its content.
typedef struct martlet_file_stamp {
  uint64_t device, file, count, changed_ns;
} martlet_file_stamp;

/// Of what is at the path now.
martlet_error martlet_path_stamp(const char *path, martlet_file_stamp *stamp);

/// Watches the file that is at the path now for being written to, by programs of this machine.
martlet_error martlet_watch_open(const char *path, int *descriptor);
/// Whether it was written to since the last time. Never waits.
bool martlet_watch_take(int descriptor);
void martlet_watch_close(int descriptor);

/// A file mapped read-only. An empty file has no bytes and a count of 0.
typedef struct martlet_mapped_file {
  const void *bytes;
  size_t count;
  /// When it was opened.
  martlet_file_stamp stamp;
} martlet_mapped_file;

/// Maps a regular file with all its pages. `path` must stay valid until it is unmapped.
martlet_error martlet_file_map(const char *path, martlet_mapped_file *file);
/// The same without reading it ahead: it may be larger than memory.
martlet_error martlet_file_map_lazily(const char *path, martlet_mapped_file *file);
void martlet_file_unmap(martlet_mapped_file *file);

/// The path of the mapped file in which the address lies, or NULL. May be called by a signal handler.
const char *martlet_file_at(const void *address);

/// Reads a whole file or pipe into `into`. *count gets the number of bytes that there are, more than `capacity` if the
/// file holds more (of a pipe, `capacity` + 1); then only `capacity` bytes were read.
martlet_error martlet_file_read(const char *path, void *into, size_t capacity, size_t *count);

/// Opens what martlet_file_open opens, to be read once from its beginning to its end; NULL and "-" are standard input.
martlet_error martlet_input_open(const char *path, int *descriptor);
/// Reads until `capacity` bytes are there or the input ends; *count gets how many.
martlet_error martlet_input_read(int descriptor, void *into, size_t capacity, size_t *count);
void martlet_input_close(int descriptor);

// MARK: - Writing

/// What is at `path` from now on counts as this process's own: martlet_file_replace refuses to write over it.
void martlet_file_keep(const char *path);
/// Whether it does.
bool martlet_file_is_kept(const char *path);

/// Replaces a file as one act: written beside it, synced, renamed. Its mode and, where permitted, its owner stay. A
/// link stays a link. What is there and is no regular file (a pipe, a device), and what is this process's own standard
/// output or error, is written to as it is. SIGTERM, SIGINT and SIGHUP leave nothing partial behind.
martlet_error martlet_file_replace(const char *path, const void *bytes, size_t count);

/// A piece of a file's content.
typedef struct martlet_file_part {
  const void *bytes;
  size_t count;
} martlet_file_part;
/// The same with the content in pieces, one behind the other.
martlet_error martlet_file_replace_parts(const char *path, const martlet_file_part *parts, size_t count);
/// Removes what is being written right now, if anything. May be called by a signal handler.
void martlet_file_abandon(void);

/// Writes all the bytes to an open file descriptor.
martlet_error martlet_file_write_all(int descriptor, const void *bytes, size_t count);

#endif

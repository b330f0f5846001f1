/// The command's own process: its options, streams, memory, and a last line if a file shrinks under it.
#ifndef MARTLET_PROCESS_H
#define MARTLET_PROCESS_H

#include "martlet_error.h"

#include <stddef.h>

// MARK: - Options, by getopt_long

/// A long option.
typedef struct martlet_option {
  const char *name;
  int32_t takes_value;
  /// What martlet_next_option gives for it, > 0.
  int32_t code;
} martlet_option;

enum {
  MARTLET_OPTIONS_END = 0,
  /// An argument that is no option: `text`.
  MARTLET_ARGUMENT = -1
};

/// The next option (its code; `text` is its value) or argument. Options may stand after arguments; after "--" all are
/// arguments. "--name value" and "--name=value" are the same; a unique beginning of a name will do.
martlet_error martlet_next_option(int32_t argc, char *const *argv, const martlet_option *options, int32_t count,
                                  int32_t *code, const char **text);
/// Starts anew at argv[first].
void martlet_options_start(int32_t first);

// MARK: - Beginning and end

/// Nanoseconds of CLOCK_MONOTONIC at which the process began, as near as it can tell: when the first of its own code
/// ran, less the processor time that it had used by then (the kernel's exec and the dynamic linker).
uint64_t martlet_process_start_ns(void);

/// First of all: a standard stream that is closed becomes one on which reading or writing fails, so that no file that
/// is opened later takes its number. A reader that is gone, and a file that may not grow, are errors of writing and end
/// nothing.
void martlet_streams_open(void);

/// Whether the file descriptor is open for writing.
bool martlet_is_writable(int descriptor);

/// Whether the file descriptor is a terminal.
bool martlet_is_terminal(int descriptor);

/// Its open file descriptors, of the first 256.
uint32_t martlet_open_descriptors(void);

/// Ends the process at once; what is open is closed by the kernel.
_Noreturn void martlet_exit(int32_t code);

// MARK: - Memory

/// `bytes` of zero-filled memory that becomes resident page by page as it is touched, or NULL.
void *martlet_reserve_memory(size_t bytes);
void martlet_release_memory(void *address, size_t bytes);

/// Bytes that are resident now; 0 where the system does not say, here and in the next.
uint64_t martlet_resident_bytes(void);
/// The most memory that was ever resident, in bytes.
uint64_t martlet_peak_resident_bytes(void);

/// Gives back the pages of code and constants that are resident: linking and starting touched most of them, and those
/// that are needed still come back from the page cache. Nothing is changed but the time of the next calls.
void martlet_forget_start(void);

// MARK: - A file that shrinks

/// From now on, if a mapped file shrinks under us (SIGBUS), the process prints one line that names the command and the
/// file, removes what it was writing and exits with EX_IOERR. The string must stay valid.
void martlet_file_guard(const char *command);

#endif

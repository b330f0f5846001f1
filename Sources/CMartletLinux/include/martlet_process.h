/// What a command wants to know about its own process.
#ifndef MARTLET_PROCESS_H
#define MARTLET_PROCESS_H

#include <stdint.h>

/// Nanoseconds of CLOCK_MONOTONIC at which the process began, as near as it can tell: when the first of its own code
/// ran, less the processor time that it had used by then (the kernel's exec and the dynamic linker).
uint64_t martlet_process_start_ns(void);

/// The most memory that was ever resident, in bytes; 0 where the system does not say.
uint64_t martlet_peak_resident_bytes(void);

/// Gives back the pages of code and constants that are resident: linking and starting touched most of them, and those
/// that are needed still come back from the page cache. Nothing is changed but the time of the next calls.
void martlet_forget_start(void);

/// First of all: a standard stream that is closed becomes one on which reading or writing fails, so that no file that
/// is opened later takes its number. A reader that is gone, and a file that may not grow, are errors of writing and end
/// nothing.
void martlet_streams_open(void);

/// Whether the file descriptor is open for writing.
int martlet_is_writable(int descriptor);

/// Whether the file descriptor is a terminal.
int martlet_is_terminal(int descriptor);

/// Ends the process at once; what is open is closed by the kernel.
_Noreturn void martlet_exit(int32_t code);

#endif

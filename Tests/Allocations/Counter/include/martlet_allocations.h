/// Counts what asks the system for memory, in the program that links this: its own definitions of malloc and its kin
/// stand before those of the C library, for the program, the Swift runtime and the C library's own calls alike.
#ifndef MARTLET_ALLOCATIONS_H
#define MARTLET_ALLOCATIONS_H

#include <stdint.h>

enum { MARTLET_COUNTERS = 10 };

/// Starts to count, from zero.
void martlet_counting_begin(void);
/// Stops; returns how many calls there were in all.
int64_t martlet_counting_end(void);
/// The name of a counter (0..<MARTLET_COUNTERS) and its calls between begin and end.
const char *martlet_counter_name(int32_t index);
int64_t martlet_counter(int32_t index);
/// Allocates once through the C library's own code (strdup): must be counted.
void martlet_canary_in_libc(void);
/// Maps and unmaps a page: must be counted.
void martlet_canary_map(void);

/// A new folder for scratch files, in memory that is not given back; NULL if there is none.
const char *martlet_scratch_folder(void);
/// Removes the files in it, and the folder.
void martlet_scratch_remove(const char *folder);
/// The path from the root, in memory that is not given back; NULL if there is no such file.
const char *martlet_scratch_absolute(const char *path);

#endif

/// Input that is read once, from its beginning to its end: a file, a pipe, standard input.
/// Every function returns 0 or an errno value.
#ifndef MARTLET_INPUT_H
#define MARTLET_INPUT_H

#include <stddef.h>

/// Opens what martlet_file_open opens; NULL and "-" are standard input.
int martlet_input_open(const char *path, int *descriptor);
/// Reads until `capacity` bytes are there or the input ends; *count gets how many.
int martlet_input_read(int descriptor, void *into, size_t capacity, size_t *count);
void martlet_input_close(int descriptor);

#endif

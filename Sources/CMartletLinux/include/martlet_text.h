/// Text to standard output and standard error.
#ifndef MARTLET_TEXT_H
#define MARTLET_TEXT_H
#include <stddef.h>
/// Writes all of `bytes` to file descriptor `fd`; 0 or an errno value.
int martlet_write_all(int fd, const void *bytes, size_t count);
#endif

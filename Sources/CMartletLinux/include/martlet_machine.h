/// What the machine says of itself, and folders of files.
#ifndef MARTLET_MACHINE_H
#define MARTLET_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/// Thousandths of a degree Celsius: the highest of all thermal zones; INT32_MIN if there is none.
int32_t martlet_temperature(void);
/// Bytes of memory of the machine, and those that programs can still have.
void martlet_memory_of_machine(uint64_t *total, uint64_t *available);
/// Bytes of this process that are resident now, and its open file descriptors.
uint64_t martlet_resident_bytes(void);
uint32_t martlet_open_descriptors(void);

/// The paths of the pictures in a folder (by their endings), sorted by name, one behind the other, each ending with
/// zero; of a file its own path. Returns 0 or an errno value. The list is the caller's, for martlet_free_list.
int martlet_list_pictures(const char *path, char **list, size_t *bytes, uint32_t *count);
void martlet_free_list(char *list);
/// Bytes of a text in front of the zero that ends it.
static inline long martlet_text_bytes(const char *text) { return (long)__builtin_strlen(text); }

#endif

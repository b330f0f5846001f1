/// What there is at a path.
#ifndef MARTLET_PATHS_H
#define MARTLET_PATHS_H

#include <stdint.h>

enum { MARTLET_PATH_FILE = 0, MARTLET_PATH_FOLDER = -1, MARTLET_PATH_OTHER = -2 };

/// MARTLET_PATH_FILE, _FOLDER or _OTHER (a device, a pipe); an errno value if there is nothing to be had.
int32_t martlet_path_look(const char *path);

#endif

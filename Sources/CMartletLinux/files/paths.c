#include "martlet_paths.h"

#include <errno.h>
#include <sys/stat.h>

int32_t martlet_path_look(const char *path) {
  struct stat status;
  if (stat(path, &status) < 0) return errno;
  if (S_ISDIR(status.st_mode)) return MARTLET_PATH_FOLDER;
  return S_ISREG(status.st_mode) ? MARTLET_PATH_FILE : MARTLET_PATH_OTHER;
}

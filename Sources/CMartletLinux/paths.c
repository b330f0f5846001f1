#include "martlet_paths.h"

#include <errno.h>
#include <sys/stat.h>

int32_t martlet_path_look(const char *path) {
  struct stat status;
  if (stat(path, &status) < 0) return errno;
  return S_ISREG(status.st_mode) ? MARTLET_PATH_FILE : S_ISDIR(status.st_mode) ? MARTLET_PATH_FOLDER : MARTLET_PATH_OTHER;
}

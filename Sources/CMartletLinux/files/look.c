#include "martlet_files.h"

#include <sys/stat.h>

martlet_error martlet_path_look(const char *path, int32_t *kind) {
  struct stat status;
  if (stat(path, &status) < 0) return errno;
  *kind = S_ISDIR(status.st_mode)   ? MARTLET_PATH_FOLDER
          : S_ISREG(status.st_mode) ? MARTLET_PATH_FILE
                                    : MARTLET_PATH_OTHER;
  return 0;
}

#define _GNU_SOURCE
#include "martlet_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

martlet_error martlet_path_look(const char *path, int32_t *kind) {
  struct stat status;
  if (stat(path, &status) < 0) return errno;
  *kind = S_ISDIR(status.st_mode)    ? MARTLET_PATH_FOLDER
          : S_ISREG(status.st_mode)  ? MARTLET_PATH_FILE
          : S_ISSOCK(status.st_mode) ? MARTLET_PATH_SOCKET
                                     : MARTLET_PATH_OTHER;
  return 0;
}

bool martlet_path_is_same(const char *a, const char *b) {
  struct stat first, second;
  if (stat(a, &first) < 0 || stat(b, &second) < 0) return false;
  if ((S_ISCHR(first.st_mode) && S_ISCHR(second.st_mode)) || (S_ISBLK(first.st_mode) && S_ISBLK(second.st_mode)))
    return first.st_rdev == second.st_rdev;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

martlet_error martlet_path_real(const char *path, char *into, size_t capacity) {
  char *real = realpath(path, NULL);
  if (real == NULL) return errno;
  size_t count = strlen(real);
  if (count < capacity) memcpy(into, real, count + 1);
  free(real);
  return count < capacity ? 0 : ENAMETOOLONG;
}

/// Which pictures a folder has.
#define _GNU_SOURCE
#include "martlet_pictures.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static int is_picture(const struct dirent *entry) {
  static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".pnm"};
  const char *dot = strrchr(entry->d_name, '.');
  if (dot == NULL || entry->d_name[0] == '.') return 0;
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    if (strcasecmp(dot, endings[i]) == 0) return 1;
  }
  return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

martlet_error martlet_list_pictures(const char *path, char **list, size_t *bytes, uint32_t *count) {
  struct stat status;
  *list = NULL;
  *bytes = 0;
  *count = 0;
  if (stat(path, &status) < 0) return errno;
  if (!S_ISDIR(status.st_mode)) {
    *list = strdup(path);
    if (*list == NULL) return ENOMEM;
    *bytes = strlen(path) + 1;
    *count = 1;
    return 0;
  }
  struct dirent **entries = NULL;
  int found = scandir(path, &entries, is_picture, by_name);
  if (found < 0) return errno;
  size_t folder = strlen(path), needed = 0;
  for (int i = 0; i < found; i++) needed += folder + strlen(entries[i]->d_name) + 2;
  char *text = malloc(needed > 0 ? needed : 1), *at = text;
  for (int i = 0; i < found; i++) {
    if (text != NULL) at += sprintf(at, "%s/%s", path, entries[i]->d_name) + 1;
    free(entries[i]);
  }
  free(entries);
  if (text == NULL) return ENOMEM;
  *list = text;
  *bytes = needed;
  *count = (uint32_t)found;
  return 0;
}

void martlet_free_list(char *list) { free(list); }

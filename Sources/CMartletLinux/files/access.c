#define _GNU_SOURCE
#include "martlet_files.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

bool martlet_user_find(const char *name, const char *groups, martlet_user *user) {
  memset(user, 0, sizeof *user);
  const struct passwd *found = getpwnam(name);
  if (found == NULL) return false;
  user->id = found->pw_uid;
  user->groups[user->group_count++] = found->pw_gid;
  while (*groups != '\0' && user->group_count < MARTLET_USER_GROUPS) {
    char word[64];
    size_t length = strcspn(groups, " ");
    if (length < sizeof word) {
      memcpy(word, groups, length);
      word[length] = '\0';
      const struct group *group = getgrnam(word);
      if (group != NULL) user->groups[user->group_count++] = group->gr_gid;
    }
    groups += length + strspn(groups + length, " ");
  }
  return true;
}

/// The permission bits that count for the user, of one file: 4 read, 2 write, 1 enter.
static unsigned rights(const martlet_user *user, const struct stat *status) {
  if (status->st_uid == user->id) return status->st_mode >> 6 & 7;
  for (uint32_t i = 0; i < user->group_count; i++)
    if (status->st_gid == user->groups[i]) return status->st_mode >> 3 & 7;
  return status->st_mode & 7;
}

bool martlet_user_may(const martlet_user *user, const char *path, bool writes, char *where, size_t capacity) {
  size_t count = strlen(path);
  if (count == 0 || count >= capacity) return true;
  // The folders on the way, which must be entered, then what there is at the end.
  for (size_t end = 1; end <= count; end++) {
    bool is_last = end == count;
    if (!is_last && path[end] != '/') continue;
    memcpy(where, path, end);
    where[end] = '\0';
    struct stat status;
    if (stat(where, &status) < 0) return true;
    unsigned needed = is_last ? (writes ? 2 : 4) : 0;
    if (S_ISDIR(status.st_mode)) needed |= 1;
    if ((rights(user, &status) & needed) != needed) return false;
  }
  return true;
}

#define _GNU_SOURCE
#include "frame_store_internal.h"
#include "martlet_log.h"
#include "martlet_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct martlet_frame_store {
  char folder[PATH_MAX];
  int descriptor;
  uint64_t max_bytes, max_age_us, bytes, lost;
  /// A ring: the oldest first.
  frame_entry *entries;
  uint32_t first, count;
  martlet_error last_error;
  /// CLOCK_MONOTONIC: not before is the folder tried again; then do old frames go.
  uint64_t retry_ns, age_ns;
  char last_name[MARTLET_STORE_NAME_BYTES];
};

enum { RING_BYTES = MARTLET_STORE_MAX_FRAMES * sizeof(frame_entry) };

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static frame_entry *at(const martlet_frame_store *store, uint32_t index) {
  return &store->entries[(store->first + index) % MARTLET_STORE_MAX_FRAMES];
}

// MARK: - The ring

static martlet_error remove_oldest(martlet_frame_store *store) {
  char name[MARTLET_STORE_NAME_BYTES];
  frame_entry *oldest = at(store, 0);
  frame_name_of(oldest, name);
  if (unlinkat(store->descriptor, name, 0) < 0 && errno != ENOENT) return errno;
  store->bytes -= oldest->count;
  store->first = (store->first + 1) % MARTLET_STORE_MAX_FRAMES;
  store->count--;
  return 0;
}

/// 2020: a clock that was not set yet tells an earlier time, and nobody knows how old such a frame is until one that
/// came after it is too old.
#define FIRST_STAMP 20200101000000u

static void let_go(martlet_frame_store *store) {
  uint64_t now = martlet_wall_time_us();
  if (store->max_age_us == 0 || now < store->max_age_us) return;
  uint64_t least = frame_stamp(now - store->max_age_us);
  uint32_t count = 0;
  for (uint32_t i = 0; i < store->count && at(store, i)->stamp < least; i++)
    if (at(store, i)->stamp >= FIRST_STAMP) count = i + 1;
  while (count-- > 0 && remove_oldest(store) == 0) {}
}

static int compare(const void *a, const void *b) {
  const frame_entry *x = a, *y = b;
  return x->decision < y->decision ? -1 : x->decision > y->decision;
}

static void sort(martlet_frame_store *store) {
  // The scan fills the ring from its beginning, and moves that only by removing.
  memmove(store->entries, store->entries + store->first, store->count * sizeof(frame_entry));
  store->first = 0;
  qsort(store->entries, store->count, sizeof(frame_entry), compare);
}

static void take(martlet_frame_store *store, const char *name) {
  frame_entry found;
  struct stat status;
  size_t length = strlen(name);
  if (length > 6 && name[0] == '.' && strcmp(name + length - 5, ".part") == 0) {
    // Ours: a dot, digits, .part.
    if (strspn(name + 1, "0123456789") == length - 6) unlinkat(store->descriptor, name, 0);
    return;
  }
  if (!frame_name_read(name, &found)) return;
  if (fstatat(store->descriptor, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode)) return;
  found.count = status.st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)status.st_size;
  if (frame_is_torn(store->descriptor, name, &found)) {
    unlinkat(store->descriptor, name, 0);
    return;
  }
  if (store->count == MARTLET_STORE_MAX_FRAMES) {
    // More than can be held: the oldest quarter of those seen so far goes.
    sort(store);
    for (uint32_t i = 0; i < MARTLET_STORE_MAX_FRAMES / 4 && remove_oldest(store) == 0; i++) {}
    if (store->count == MARTLET_STORE_MAX_FRAMES) return;
    sort(store);
  }
  *at(store, store->count++) = found;
  store->bytes += found.count;
}

static martlet_error scan(martlet_frame_store *store) {
  int descriptor = open(store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  DIR *folder = fdopendir(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (folder == NULL) {
    martlet_error error = errno;
    close(descriptor);
    return error;
  }
  store->descriptor = descriptor;
  store->first = store->count = 0;
  store->bytes = 0;
  for (struct dirent *item; (item = readdir(folder)) != NULL;) take(store, item->d_name);
  closedir(folder);
  sort(store);
  while (store->bytes > store->max_bytes && remove_oldest(store) == 0) {}
  let_go(store);
  return 0;
}

// MARK: - Saving

static martlet_error write_frame(martlet_frame_store *store, const martlet_stored_frame *frame, const frame_file *from,
                                 const frame_entry *entry) {
  char part[MARTLET_STORE_NAME_BYTES], name[MARTLET_STORE_NAME_BYTES];
  snprintf(part, sizeof part, ".%llu.part", (unsigned long long)entry->decision);
  frame_name_of(entry, name);
  int file = openat(store->descriptor, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (file < 0) return errno;
  martlet_error error = frame_file_write(frame, from, file);
  if (close(file) < 0 && error == 0) error = errno;
  if (error == 0 && renameat(store->descriptor, part, store->descriptor, name) < 0) error = errno;
  if (error != 0) unlinkat(store->descriptor, part, 0);
  else memcpy(store->last_name, name, sizeof name);
  return error;
}

/// Makes room and writes.
static martlet_error add(martlet_frame_store *store, const martlet_stored_frame *frame, const frame_file *file,
                         uint64_t decision, uint64_t wall_us) {
  if (file->count > store->max_bytes || file->count > UINT32_MAX) return EFBIG;
  if (store->count > 0 && at(store, store->count - 1)->decision >= decision) return EEXIST;
  martlet_error error = 0;
  while (error == 0 && store->count > 0 &&
         (store->bytes + file->count > store->max_bytes || store->count == MARTLET_STORE_MAX_FRAMES))
    error = remove_oldest(store);
  if (error != 0) return error;
  frame_entry entry = {.decision = decision,
                       .stamp = frame_stamp(wall_us),
                       .microsecond = (uint32_t)(wall_us % 1000000),
                       .count = (uint32_t)file->count,
                       .ending = (uint32_t)file->ending};
  error = write_frame(store, frame, file, &entry);
  if (error != 0) return error;
  *at(store, store->count++) = entry;
  store->bytes += entry.count;
  return 0;
}

static martlet_error save(martlet_frame_store *store, const martlet_stored_frame *frame, uint64_t decision,
                          uint64_t wall_us) {
  if (store->descriptor < 0) {
    if (now_ns() < store->retry_ns) return store->last_error;
    store->retry_ns = now_ns() + 1000000000u;
    martlet_error error = scan(store);
    if (error != 0) return error;
  }
  frame_file file;
  martlet_error error = frame_file_open(frame, &file);
  if (error != 0) return error;
  error = add(store, frame, &file, decision, wall_us);
  frame_file_close(&file);
  return error;
}

martlet_error martlet_store_save(martlet_frame_store *store, const martlet_stored_frame *frame, uint64_t decision,
                                 uint64_t wall_us, bool *is_new) {
  martlet_error error = save(store, frame, decision, wall_us);
  // A folder that was made anew, or a disk that was away: read again.
  if (store->descriptor >= 0 && martlet_is_disk_gone(error)) {
    close(store->descriptor);
    store->descriptor = -1;
    store->retry_ns = now_ns() + 1000000000u;
  }
  *is_new = error != 0 && error != store->last_error;
  store->last_error = error;
  store->lost += error != 0;
  return error;
}

uint64_t martlet_store_tend(martlet_frame_store *store) {
  if (store->max_age_us == 0) return UINT64_MAX;
  uint64_t now = now_ns();
  if (now >= store->age_ns) {
    store->age_ns = now + 3600ull * 1000000000u;
    if (store->descriptor >= 0) let_go(store);
  }
  return store->age_ns;
}

// MARK: - Opening

martlet_error martlet_store_open(const char *folder, uint64_t max_bytes, uint64_t max_age_us,
                                 martlet_frame_store **opened) {
  *opened = NULL;
  martlet_frame_store *store = calloc(1, sizeof *store);
  if (store == NULL) return ENOMEM;
  store->entries = martlet_reserve_memory(RING_BYTES);
  if (store->entries == NULL) {
    free(store);
    return ENOMEM;
  }
  store->max_bytes = max_bytes;
  store->max_age_us = max_age_us;
  store->descriptor = -1;
  if (strlen(folder) >= sizeof store->folder) {
    store->last_error = ENAMETOOLONG;
  } else {
    strcpy(store->folder, folder);
    store->last_error = scan(store);
  }
  store->retry_ns = now_ns() + 1000000000u;
  *opened = store;
  return store->last_error;
}

void martlet_store_close(martlet_frame_store *store) {
  if (store->descriptor >= 0) close(store->descriptor);
  martlet_release_memory(store->entries, RING_BYTES);
  free(store);
}

const char *martlet_store_last_name(const martlet_frame_store *store) { return store->last_name; }
uint64_t martlet_store_last_decision(const martlet_frame_store *store) {
  return store->count > 0 ? at(store, store->count - 1)->decision : 0;
}
uint64_t martlet_store_bytes(const martlet_frame_store *store) { return store->bytes; }
uint32_t martlet_store_count(const martlet_frame_store *store) { return store->count; }
martlet_error martlet_store_last_error(const martlet_frame_store *store) { return store->last_error; }
uint64_t martlet_store_lost(const martlet_frame_store *store) { return store->lost; }

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

static const char *const endings[] = {".jpg", ".pgm", ".ppm"};

/// A saved frame; its name is made of it.
typedef struct entry {
  uint64_t decision;
  /// YYYYMMDDHHMMSS
  uint64_t stamp;
  uint32_t microsecond, count;
  uint32_t ending;
} entry;

struct martlet_frame_store {
  char folder[PATH_MAX];
  int descriptor;
  uint64_t max_bytes, bytes, lost;
  /// A ring: the oldest first.
  entry *entries;
  uint32_t first, count;
  martlet_error last_error;
  uint64_t retry_ns;
  char last_name[MARTLET_STORE_NAME_BYTES];
};

enum { RING_BYTES = MARTLET_STORE_MAX_FRAMES * sizeof(entry) };

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static entry *at(const martlet_frame_store *store, uint32_t index) {
  return &store->entries[(store->first + index) % MARTLET_STORE_MAX_FRAMES];
}

// MARK: - Names: 000000000123-20261127T232022.123456Z.jpg

static void name_of(const entry *entry, char *name) {
  snprintf(name, MARTLET_STORE_NAME_BYTES, "%012llu-%08lluT%06llu.%06uZ%s", (unsigned long long)entry->decision,
           (unsigned long long)(entry->stamp / 1000000), (unsigned long long)(entry->stamp % 1000000),
           entry->microsecond, endings[entry->ending]);
}

/// Digits from *text on, which moves behind them; -1 if there are not between `least` and `most`.
static int64_t digits(const char **text, int least, int most) {
  int64_t value = 0;
  int count = 0;
  for (; count < most && **text >= '0' && **text <= '9'; (*text)++, count++) value = value * 10 + (**text - '0');
  return count >= least ? value : -1;
}

/// Whether it is a name of ours, exactly.
static int parse_name(const char *name, entry *entry) {
  const char *text = name;
  int64_t decision = digits(&text, 12, 18);
  if (decision < 0 || *text++ != '-') return 0;
  int64_t day = digits(&text, 8, 8);
  if (day < 0 || *text++ != 'T') return 0;
  int64_t second = digits(&text, 6, 6);
  if (second < 0 || *text++ != '.') return 0;
  int64_t microsecond = digits(&text, 6, 6);
  if (microsecond < 0 || *text++ != 'Z') return 0;
  for (uint32_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    if (strcmp(text, endings[i]) != 0) continue;
    entry->decision = (uint64_t)decision;
    entry->stamp = (uint64_t)day * 1000000 + (uint64_t)second;
    entry->microsecond = (uint32_t)microsecond;
    entry->ending = i;
    return 1;
  }
  return 0;
}

// MARK: - The ring

static martlet_error remove_oldest(martlet_frame_store *store) {
  char name[MARTLET_STORE_NAME_BYTES];
  entry *oldest = at(store, 0);
  name_of(oldest, name);
  if (unlinkat(store->descriptor, name, 0) < 0 && errno != ENOENT) return errno;
  store->bytes -= oldest->count;
  store->first = (store->first + 1) % MARTLET_STORE_MAX_FRAMES;
  store->count--;
  return 0;
}

static int compare(const void *a, const void *b) {
  const entry *x = a, *y = b;
  return x->decision < y->decision ? -1 : x->decision > y->decision;
}

static void sort(martlet_frame_store *store) {
  // The scan fills the ring from its beginning, and moves that only by removing.
  memmove(store->entries, store->entries + store->first, store->count * sizeof(entry));
  store->first = 0;
  qsort(store->entries, store->count, sizeof(entry), compare);
}

/// Whether a file is what the disk got of a frame before a power cut: less than was written.
static int is_torn(int folder, const char *name, const entry *entry) {
  if (entry->count == 0) return 1;
  int descriptor = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (descriptor < 0) return 0;
  char text[64] = {0};
  unsigned width = 0, height = 0;
  int torn = 0;
  if (entry->ending == 0) {
    // A camera may pad its JPEG, but the end of a file that never reached the disk is zeros, not one marker.
    ssize_t count = pread(descriptor, text, 2, 0);
    torn = count == 2 && !((uint8_t)text[0] == 0xFF && (uint8_t)text[1] == 0xD8);
  } else if (pread(descriptor, text, sizeof text - 1, 0) > 0) {
    int is_header = sscanf(text + 1, "%*1[56]%u%u", &width, &height) == 2;
    uint64_t pixels = (uint64_t)width * height * (entry->ending == 2 ? 3 : 1);
    torn = !is_header || entry->count < pixels;
  }
  close(descriptor);
  return torn;
}

static void take(martlet_frame_store *store, const char *name) {
  entry found;
  struct stat status;
  size_t length = strlen(name);
  if (length > 6 && name[0] == '.' && strcmp(name + length - 5, ".part") == 0) {
    // Ours: a dot, digits, .part.
    if (strspn(name + 1, "0123456789") == length - 6) unlinkat(store->descriptor, name, 0);
    return;
  }
  if (!parse_name(name, &found)) return;
  if (fstatat(store->descriptor, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode)) return;
  found.count = status.st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)status.st_size;
  if (is_torn(store->descriptor, name, &found)) {
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
  return 0;
}

// MARK: - Saving

static martlet_error write_frame(martlet_frame_store *store, const martlet_stored_frame *frame, const entry *entry) {
  char part[MARTLET_STORE_NAME_BYTES], name[MARTLET_STORE_NAME_BYTES];
  snprintf(part, sizeof part, ".%llu.part", (unsigned long long)entry->decision);
  name_of(entry, name);
  int file = openat(store->descriptor, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (file < 0) return errno;
  martlet_error error = frame_file_write(frame, file);
  if (close(file) < 0 && error == 0) error = errno;
  if (error == 0 && renameat(store->descriptor, part, store->descriptor, name) < 0) error = errno;
  if (error != 0) unlinkat(store->descriptor, part, 0);
  else memcpy(store->last_name, name, sizeof name);
  return error;
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
  martlet_error error = frame_file_of(frame, &file);
  if (error != 0) return error;
  if (file.count > store->max_bytes || file.count > UINT32_MAX) return EFBIG;
  if (store->count > 0 && at(store, store->count - 1)->decision >= decision) return EEXIST;
  while (error == 0 && store->count > 0 &&
         (store->bytes + file.count > store->max_bytes || store->count == MARTLET_STORE_MAX_FRAMES))
    error = remove_oldest(store);
  if (error != 0) return error;
  entry entry = {.decision = decision, .microsecond = (uint32_t)(wall_us % 1000000), .count = (uint32_t)file.count};
  char text[MARTLET_WALL_TIME_LENGTH];
  martlet_wall_time_text(wall_us, text);
  for (int i = 0; i < 19; i++)
    if (text[i] >= '0' && text[i] <= '9') entry.stamp = entry.stamp * 10 + (uint64_t)(text[i] - '0');
  while (strcmp(endings[entry.ending], file.ending) != 0) entry.ending++;
  error = write_frame(store, frame, &entry);
  if (error != 0) return error;
  *at(store, store->count++) = entry;
  store->bytes += entry.count;
  return 0;
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

// MARK: - Opening

martlet_error martlet_store_open(const char *folder, uint64_t max_bytes, martlet_frame_store **opened) {
  *opened = NULL;
  martlet_frame_store *store = calloc(1, sizeof *store);
  if (store == NULL) return ENOMEM;
  store->entries = martlet_reserve_memory(RING_BYTES);
  if (store->entries == NULL) {
    free(store);
    return ENOMEM;
  }
  store->max_bytes = max_bytes;
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
uint64_t martlet_store_lost(const martlet_frame_store *store) { return store->lost; }

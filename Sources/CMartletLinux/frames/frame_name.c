#define _GNU_SOURCE
#include "frame_store_internal.h"
#include "martlet_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const frame_endings[] = {".jpg", ".pgm", ".ppm", ".png", ".bmp"};

// MARK: - Names: 000000000123-20261127T232022.123456Z.jpg

uint64_t frame_stamp(uint64_t wall_us) {
  char text[MARTLET_WALL_TIME_LENGTH];
  uint64_t stamp = 0;
  martlet_wall_time_text(wall_us, text);
  for (int i = 0; i < 19; i++)
    if (text[i] >= '0' && text[i] <= '9') stamp = stamp * 10 + (uint64_t)(text[i] - '0');
  return stamp;
}

void frame_name_of(const frame_entry *entry, char *name) {
  snprintf(name, MARTLET_STORE_NAME_BYTES, "%012llu-%08lluT%06llu.%06uZ%s", (unsigned long long)entry->decision,
           (unsigned long long)(entry->stamp / 1000000), (unsigned long long)(entry->stamp % 1000000),
           entry->microsecond, frame_endings[entry->ending]);
}

/// Digits from *text on, which moves behind them; -1 if there are not between `least` and `most`.
static int64_t digits(const char **text, int least, int most) {
  int64_t value = 0;
  int count = 0;
  for (; count < most && **text >= '0' && **text <= '9'; (*text)++, count++) value = value * 10 + (**text - '0');
  return count >= least ? value : -1;
}

bool frame_name_read(const char *name, frame_entry *entry) {
  const char *text = name;
  int64_t decision = digits(&text, 12, 18);
  if (decision < 0 || *text++ != '-') return false;
  int64_t day = digits(&text, 8, 8);
  if (day < 0 || *text++ != 'T') return false;
  int64_t second = digits(&text, 6, 6);
  if (second < 0 || *text++ != '.') return false;
  int64_t microsecond = digits(&text, 6, 6);
  if (microsecond < 0 || *text++ != 'Z') return false;
  for (uint32_t i = 0; i < FRAME_ENDINGS; i++) {
    if (strcmp(text, frame_endings[i]) != 0) continue;
    entry->decision = (uint64_t)decision;
    entry->stamp = (uint64_t)day * 1000000 + (uint64_t)second;
    entry->microsecond = (uint32_t)microsecond;
    entry->ending = i;
    return true;
  }
  return false;
}

// MARK: - Content

int frame_ending(const void *bytes, size_t count) {
  static const struct {
    const char *text;
    size_t count;
    int ending;
  } kinds[] = {{"\xFF\xD8", 2, 0}, {"P5", 2, 1}, {"P6", 2, 2}, {"\x89PNG\r\n\x1A\n", 8, 3}, {"BM", 2, 4}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (count > kinds[i].count && memcmp(bytes, kinds[i].text, kinds[i].count) == 0) return kinds[i].ending;
  return -1;
}

bool frame_is_torn(int folder, const char *name, const frame_entry *entry) {
  if (entry->count == 0) return true;
  int descriptor = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (descriptor < 0) return false;
  char text[64] = {0};
  unsigned width = 0, height = 0;
  ssize_t count = pread(descriptor, text, sizeof text - 1, 0);
  close(descriptor);
  if (count <= 0) return false;
  if (frame_ending(text, (size_t)count) != (int)entry->ending) return true;
  // The others do not tell in a few bytes how long they should be.
  if (strcmp(frame_endings[entry->ending], ".pgm") != 0 && strcmp(frame_endings[entry->ending], ".ppm") != 0)
    return false;
  // A file of somebody else's may have a comment there.
  if (sscanf(text + 2, "%u%u", &width, &height) != 2) return false;
  return entry->count < (uint64_t)width * height * (text[1] == '6' ? 3 : 1);
}

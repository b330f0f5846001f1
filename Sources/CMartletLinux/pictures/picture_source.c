/// Where a picture's bytes come from.
#define _GNU_SOURCE
#include "picture_internal.h"

#include <unistd.h>

martlet_error martlet_source_fill(martlet_picture_reader *reader) {
  martlet_source *source = &reader->source;
  size_t kept = (size_t)(source->end - source->next);
  if (source->fd < 0 || kept == sizeof source->buffer) return 0;
  memmove(source->buffer, source->next, kept);
  ssize_t got;
  do got = read(source->fd, source->buffer + kept, sizeof source->buffer - kept);
  while (got < 0 && errno == EINTR);
  source->next = source->buffer;
  source->end = source->buffer + kept + (got > 0 ? got : 0);
  return got < 0 ? martlet_fail(reader, errno, "") : 0;
}

martlet_error martlet_source_read(martlet_picture_reader *reader, void *out, size_t count) {
  martlet_source *source = &reader->source;
  uint8_t *to = out;
  while (count > 0) {
    if (source->next == source->end) {
      martlet_error error = martlet_source_fill(reader);
      if (error) return error;
      if (source->next == source->end) return martlet_fail(reader, MARTLET_PICTURE_ENDS_EARLY, "");
    }
    size_t there = (size_t)(source->end - source->next), part = there < count ? there : count;
    memcpy(to, source->next, part);
    source->next += part;
    to += part;
    count -= part;
  }
  return 0;
}

martlet_error martlet_source_read_at(martlet_picture_reader *reader, uint64_t offset, void *out, size_t count) {
  martlet_source *source = &reader->source;
  uint8_t *to = out;
  if (offset > source->size || count > source->size - offset) {
    return martlet_fail(reader, MARTLET_PICTURE_ENDS_EARLY, "");
  }
  if (source->fd < 0) {
    memcpy(to, source->memory + offset, count);
    return 0;
  }
  while (count > 0) {
    ssize_t got = pread(source->fd, to, count, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return martlet_fail(reader, errno, "");
    // The file became shorter.
    if (got == 0) return martlet_fail(reader, MARTLET_PICTURE_ENDS_EARLY, "");
    to += got;
    offset += (uint64_t)got;
    count -= (size_t)got;
  }
  return 0;
}

#define _GNU_SOURCE
#include "decision_log_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/// A power cut loses what was written in the seconds before it: it lies in here.
#define WINDOW (4u << 20)
#define CHUNK 16384

/// What a record begins with, as far as its number reaches.
typedef struct record_start {
  char text[96];
  size_t count;
} record_start;

/// Behind a prefix of `text`; NULL: it has another one.
static const char *behind(const char *text, const char *prefix) {
  size_t count = strlen(prefix);
  return strncmp(text, prefix, count) == 0 ? text + count : NULL;
}

/// The number N of a record that begins with {"decision":N, or {"event":"WORD","decision":N, and 0 of another.
static uint64_t number_of(record_start *start) {
  start->text[start->count] = 0;
  const char *at = behind(start->text, "{\"decision\":");
  if (at == NULL && (at = behind(start->text, "{\"event\":\"")) != NULL) at = strchr(at, '"');
  if (at != NULL && *at == '"') at = behind(at, "\",\"decision\":");
  if (at == NULL) return 0;
  uint64_t number = 0;
  int digits = 0;
  for (; digits < 19 && *at >= '0' && *at <= '9'; at++, digits++) number = number * 10 + (uint64_t)(*at - '0');
  return digits > 0 && *at == ',' ? number : 0;
}

/// From `start` on. *is_found: a record ends there or behind it.
static martlet_error read_from(int descriptor, uint64_t start, uint64_t size, log_tail *tail, int *is_found) {
  char chunk[CHUNK];
  // The window may begin inside a record, which tells nothing.
  int is_inside = start > 0, is_over = 0;
  record_start record = {0};
  char last = 0;
  *tail = (log_tail){.end = start, .last_decision = 0};
  *is_found = start == 0;
  for (uint64_t at = start; at < size && !is_over;) {
    ssize_t count = pread(descriptor, chunk, sizeof chunk, (off_t)at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    for (ssize_t i = 0; i < count && !is_over; i++) {
      char byte = chunk[i];
      // Space that a file got, but whose content never reached the disk. What follows is cut off with it.
      if (byte == '\0') {
        is_over = 1;
      } else if (byte == '\n') {
        uint64_t number = is_inside || last != '}' ? 0 : number_of(&record);
        if (number > tail->last_decision) tail->last_decision = number;
        tail->end = at + (uint64_t)i + 1;
        *is_found = 1;
        is_inside = 0;
        record.count = 0;
      } else {
        if (record.count < sizeof record.text - 1) record.text[record.count++] = byte;
        last = byte;
      }
    }
    at += (uint64_t)count;
  }
  return 0;
}

martlet_error log_tail_read(int descriptor, uint64_t size, log_tail *tail) {
  uint64_t start = size;
  int is_found = 0;
  martlet_error error = 0;
  do {
    start = start > WINDOW ? start - WINDOW : 0;
    error = read_from(descriptor, start, size, tail, &is_found);
  } while (error == 0 && !is_found);
  return error;
}

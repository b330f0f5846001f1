#define _GNU_SOURCE
#include "decision_log_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/// A power cut loses what was written in the seconds before it: it lies in here.
#define WINDOW (4u << 20)
#define CHUNK 16384

/// The number of a record that begins with {"decision":N, followed byte by byte.
typedef struct number_scan {
  uint32_t place;
  uint64_t value;
  int is_number;
} number_scan;

static void scan_byte(number_scan *scan, char byte) {
  static const char prefix[] = "{\"decision\":";
  const uint32_t length = sizeof prefix - 1;
  if (scan->place < length) {
    scan->place = byte == prefix[scan->place] ? scan->place + 1 : UINT32_MAX;
  } else if (scan->place < length + 19 && byte >= '0' && byte <= '9') {
    scan->value = scan->value * 10 + (uint64_t)(byte - '0');
    scan->is_number = 1;
    scan->place++;
  } else if (scan->place != UINT32_MAX) {
    scan->is_number = scan->is_number && byte == ',';
    scan->place = UINT32_MAX;
  }
}

/// From `start` on. *is_found: a record ends there or behind it.
static martlet_error read_from(int descriptor, uint64_t start, uint64_t size, log_tail *tail, int *is_found) {
  char chunk[CHUNK];
  // The window may begin inside a record, which tells nothing.
  int is_inside = start > 0, is_over = 0;
  number_scan scan = {0};
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
        if (!is_inside && scan.is_number && last == '}' && scan.value > tail->last_decision)
          tail->last_decision = scan.value;
        tail->end = at + (uint64_t)i + 1;
        *is_found = 1;
        is_inside = 0;
        scan = (number_scan){0};
      } else {
        scan_byte(&scan, byte);
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

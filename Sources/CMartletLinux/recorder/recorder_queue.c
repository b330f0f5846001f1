#include "recorder_queue.h"

enum { ALIGNMENT = 64 };

static size_t rounded(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

recorder_piece *recorder_queue_reserve(recorder_queue *queue, size_t bytes) {
  size_t wanted = rounded(bytes), at = queue->count > 0 ? queue->tail : 0;
  if (wanted < bytes) return NULL;
  size_t end = queue->count > 0 && queue->turn > 0 ? queue->head : queue->room;
  if (end - at < wanted) {
    if (queue->count == 0 || queue->turn > 0 || queue->head < wanted) return NULL;
    at = 0;
  }
  return (recorder_piece *)(queue->region + at);
}

void recorder_queue_add(recorder_queue *queue, recorder_piece *piece, size_t bytes) {
  size_t at = (size_t)((char *)piece - queue->region);
  // All that were there when room was reserved may be gone by now.
  if (queue->count == 0) {
    queue->head = at;
    queue->turn = 0;
  } else if (at < queue->head && queue->turn == 0) {
    queue->turn = queue->tail;
  }
  piece->bytes = rounded(bytes);
  queue->tail = at + piece->bytes;
  queue->count++;
  queue->bytes += piece->bytes;
}

recorder_piece *recorder_queue_first(recorder_queue *queue) {
  return queue->count > 0 ? (recorder_piece *)(queue->region + queue->head) : NULL;
}

void recorder_queue_remove(recorder_queue *queue) {
  size_t bytes = recorder_queue_first(queue)->bytes;
  queue->head += bytes;
  queue->bytes -= bytes;
  queue->count--;
  if (queue->turn > 0 && queue->head == queue->turn) queue->head = queue->turn = 0;
}

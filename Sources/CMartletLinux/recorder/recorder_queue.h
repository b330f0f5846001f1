#ifndef MARTLET_RECORDER_QUEUE_H
#define MARTLET_RECORDER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Pieces of memory, first in, first out, each in one part. They begin at the start of the region again whenever all of
/// them are gone, so that of a large one only what is needed becomes resident.
typedef struct recorder_queue {
  char *region;
  size_t room;
  /// The oldest piece, and behind the youngest.
  size_t head, tail;
  /// Where the pieces end before they go on at the start of the region; 0: they do not.
  size_t turn;
  uint32_t count;
  size_t bytes;
} recorder_queue;

/// What each piece begins with.
typedef struct recorder_piece {
  size_t bytes;
} recorder_piece;

/// Room for a piece, which does not count before it is added; NULL: there is none. Nobody else adds meanwhile.
recorder_piece *recorder_queue_reserve(recorder_queue *queue, size_t bytes);
void recorder_queue_add(recorder_queue *queue, recorder_piece *piece, size_t bytes);
/// The oldest; NULL: there is none.
recorder_piece *recorder_queue_first(recorder_queue *queue);
void recorder_queue_remove(recorder_queue *queue);

#endif

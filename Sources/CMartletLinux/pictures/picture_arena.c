/// Where a picture's memory comes from.
#define _GNU_SOURCE
#include "picture_internal.h"

#define ALIGNMENT ((size_t)64)

static size_t rounded_up(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1); }

static bool has_room(const martlet_picture_arena *arena, size_t bytes) {
  return bytes <= SIZE_MAX - ALIGNMENT && rounded_up(bytes) <= (size_t)(arena->high - arena->start);
}

void *martlet_arena_take(martlet_picture_arena *arena, size_t bytes) {
  if (!has_room(arena, bytes)) return NULL;
  arena->high -= rounded_up(bytes);
  if (arena->high < arena->lowest_high) arena->lowest_high = arena->high;
  return arena->high;
}

void martlet_arena_close_picture(martlet_picture_arena *arena) { arena->high = arena->end; }

/// A layer's keys and values: how they lie in memory, and what they take.
///
/// All sizes are counted here, for the engine and for the kernels. Within the bounds below no product reaches 2^63.
#ifndef MARTLET_CACHE_H
#define MARTLET_CACHE_H

#include <stddef.h>
#include <stdint.h>

/// Elements of a head that share a scale.
#define MARTLET_CACHE_GROUP 32
/// Positions that attention takes together, aligned at multiples of itself. A capacity is a multiple of it.
#define MARTLET_CACHE_TILE 64
/// Positions whose part of a softmax is computed for itself, aligned at multiples of itself.
#define MARTLET_CACHE_CHUNK 1024

typedef enum martlet_cache_type {
  MARTLET_CACHE_F32 = 0,
  MARTLET_CACHE_INT8 = 1,
} martlet_cache_type;

/// One layer's keys and values. Position p lies in slot p % capacity: a whole cache has a slot for each position, a
/// ring (of a layer that sees a window) fewer. Below, `padded` is the head's size padded to a multiple of 16.
///
/// INT8: x = scale * q, |q| <= 127, with a scale (bfloat16) for each slot and each MARTLET_CACHE_GROUP elements of a
/// head, the last group short where the head's size is no multiple.
/// Keys: for each head and each 16 slots, padded / 4 quads of 16 slots x 4 elements.
/// Values: for each head and each 4 slots, padded elements x 4 slots.
/// Scales of keys and of values: [heads, groups, capacity].
///
/// F32: keys for each head and each 16 slots, padded elements x 16 slots; values [heads, capacity, padded]; no scales.
typedef struct martlet_cache {
  void *keys, *values;
  uint16_t *key_scales, *value_scales;
  /// Slots, at most 2^20.
  int32_t capacity;
  /// At most 1024, and 512.
  int32_t heads, head_size;
  int32_t type;
} martlet_cache;

static inline int32_t martlet_padded_head(int32_t head_size) { return (head_size + 15) / 16 * 16; }

/// Groups of elements of a head.
static inline int32_t martlet_cache_groups(int32_t head_size) {
  return (head_size + MARTLET_CACHE_GROUP - 1) / MARTLET_CACHE_GROUP;
}

/// The capacity of a cache for `positions` of which a token sees the last `window`, its own included, while up to
/// `batch` tokens are stored before the first of them is attended to: whole where that is no more than a ring.
static inline int32_t martlet_cache_capacity(int32_t positions, int32_t window, int32_t batch) {
  const int64_t ring = (int64_t)window + batch - 1, slots = ring < positions ? ring : positions;
  return (int32_t)((slots + MARTLET_CACHE_TILE - 1) / MARTLET_CACHE_TILE * MARTLET_CACHE_TILE);
}

/// Bytes of one head's keys, and of its values: a multiple of 1024.
static inline size_t martlet_cache_head_bytes(int32_t head_size, int32_t capacity, int32_t type) {
  return (size_t)capacity * (size_t)martlet_padded_head(head_size) * (type == MARTLET_CACHE_INT8 ? 1 : 4);
}

/// Scales of one head's keys, and of its values: a multiple of 64.
static inline size_t martlet_cache_head_scales(int32_t head_size, int32_t capacity, int32_t type) {
  return type == MARTLET_CACHE_INT8 ? (size_t)martlet_cache_groups(head_size) * (size_t)capacity : 0;
}

/// Bytes of one layer's keys, values and scales: a multiple of 64.
static inline size_t martlet_cache_bytes(int32_t heads, int32_t head_size, int32_t capacity, int32_t type) {
  return 2 * (size_t)heads *
         (martlet_cache_head_bytes(head_size, capacity, type) +
          martlet_cache_head_scales(head_size, capacity, type) * sizeof(uint16_t));
}

/// A layer's cache in `memory`, 64-byte aligned, of martlet_cache_bytes.
static inline martlet_cache martlet_cache_at(void *memory, int32_t heads, int32_t head_size, int32_t capacity,
                                             int32_t type) {
  const size_t bytes = (size_t)heads * martlet_cache_head_bytes(head_size, capacity, type);
  const size_t scales = (size_t)heads * martlet_cache_head_scales(head_size, capacity, type);
  martlet_cache cache = {.capacity = capacity, .heads = heads, .head_size = head_size, .type = type};
  cache.keys = memory;
  cache.values = (uint8_t *)memory + bytes;
  if (type == MARTLET_CACHE_INT8) {
    cache.key_scales = (uint16_t *)((uint8_t *)memory + 2 * bytes);
    cache.value_scales = cache.key_scales + scales;
  }
  return cache;
}

/// Zeroes keys, values and scales of slots [first, last): a saved cache holds whole blocks of 16 slots, of which nobody
/// knows what the last ones held.
void martlet_cache_clear(const martlet_cache *cache, int32_t first, int32_t last);

#endif

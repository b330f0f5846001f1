/// What the variants of attention share: a tile of the cache, a thread's working memory, and what a variant of the
/// integer part consists of.
#ifndef MARTLET_ATTENTION_H
#define MARTLET_ATTENTION_H

#include "language.h"

enum {
  TILE = MARTLET_CACHE_TILE,
  GROUP = MARTLET_CACHE_GROUP,
  ROWS = MARTLET_ATTENTION_ROWS,
  /// A weight's largest integer: two digits of 7 bits, of which neither overflows a 16-bit sum of two products.
  WHOLE = 127 * 128,
};

/// 64 slots of a head's keys and values in int8.
typedef struct attention_tile {
  /// 4 blocks of 16 slots: [padded / 4][16][4].
  const int8_t *keys;
  /// 16 blocks of 4 slots: [padded][4].
  const int8_t *values;
  /// [groups], `capacity` apart.
  const uint16_t *key_scales, *value_scales;
  int32_t padded, groups, capacity;
} attention_tile;

/// Rows of queries. A row and the next are `padded` and `groups` apart.
typedef struct attention_queries {
  const int8_t *quants;
  /// Times log2(e).
  const float *scales;
  /// Of the group's quants.
  const int32_t *sums;
} attention_queries;

/// The weights of one row and tile in integers, as the variant likes them.
typedef struct attention_weights {
  _Alignas(64) uint8_t bytes[2 * TILE];
} attention_weights;

/// The integer part of attention in one instruction set.
typedef struct attention_variant {
  /// Scores of `rows` rows with a tile.
  void (*score)(const attention_tile *tile, const attention_queries *queries, int32_t rows, float scores[][TILE]);
  /// e * ratio, 0 ... WHOLE, to the nearest integer, ties to even.
  void (*weigh)(const float e[TILE], const float ratios[TILE], attention_weights *out);
  /// Sums over a tile's slots of weight * value, for `count` elements: a multiple of 16, at most GROUP. `values` is the
  /// first of them, of a tile with `padded` elements.
  void (*mix)(const int8_t *values, int32_t padded, int32_t count, const attention_weights *weights, int32_t rows,
              int32_t sums[][GROUP]);
} attention_variant;

/// A thread's scratch.
typedef struct attention_work {
  _Alignas(64) float scores[ROWS][TILE];
  union {
    /// F32: [rows, padded], times log2(e).
    float floats[1024];
    /// INT8: a row has at most one group more than padded / GROUP.
    struct {
      int8_t quants[1024];
      float scales[1024 / GROUP + ROWS];
      int32_t sums[1024 / GROUP + ROWS];
    };
  } query;
  attention_weights weights[ROWS];
  int32_t sums[ROWS][GROUP];
  float ratios[TILE];
  /// Of each row: largest score and sum of weights so far; of the tile alone; what the tile's largest score makes of
  /// what was there before, and of the tile's weights.
  float largest[ROWS], sum[ROWS], tile_largest[ROWS], tile_sum[ROWS], correction[ROWS], factor[ROWS];
} attention_work;

_Static_assert(sizeof(attention_work) <= MARTLET_ATTENTION_SCRATCH, "scratch of attention");

/// Units [first, last) but for the products of integers, compiled once for the arm sets.
void martlet_attention_walk_neon(const martlet_attention_params *p, int32_t first, int32_t last, void *scratch,
                                 const attention_variant *variant);

/// A loop over rows of which each pass takes up to four, with its number a constant: CALL sees `count` and `done`.
#define FOUR_ROWS(ROWS, CALL)              \
  for (int32_t done = 0; done < (ROWS);) { \
    switch ((ROWS) - done) {               \
      case 1: {                            \
        enum { count = 1 };                \
        CALL;                              \
        done += count;                     \
        break;                             \
      }                                    \
      case 2: {                            \
        enum { count = 2 };                \
        CALL;                              \
        done += count;                     \
        break;                             \
      }                                    \
      case 3: {                            \
        enum { count = 3 };                \
        CALL;                              \
        done += count;                     \
        break;                             \
      }                                    \
      default: {                           \
        enum { count = 4 };                \
        CALL;                              \
        done += count;                     \
        break;                             \
      }                                    \
    }                                      \
  }

/// The rows behind the first `done`.
static inline attention_queries queries_behind(const attention_tile *tile, const attention_queries *q, int32_t done) {
  return (attention_queries){q->quants + done * tile->padded, q->scales + done * tile->groups,
                             q->sums + done * tile->groups};
}

/// Floats between two parts of a head's softmax: the values, then the largest score and the sum of the weights.
static inline size_t martlet_part_stride(const martlet_cache *c) {
  return (size_t)martlet_padded_head(c->head_size) + 16;
}

#endif

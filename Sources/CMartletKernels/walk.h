/// Walks a box of up to six dimensions in row-major order with two sets of strides, in runs along the innermost
/// dimension. Dimensions that are contiguous for both sets are merged first, so that runs are as long as they can be.
#ifndef MARTLET_WALK_H
#define MARTLET_WALK_H

#include "kernels_internal.h"

typedef struct martlet_walk {
  int32_t rank;
  int32_t shape[6];
  int64_t stride0[6], stride1[6];
  // Where the walk is.
  int32_t index[6];
  int64_t offset0, offset1;
} martlet_walk;

static inline int64_t martlet_box_count(const int32_t shape[6]) {
  int64_t count = 1;
  for (int i = 0; i < 6; i++) count *= shape[i];
  return count;
}

/// Merges what can be merged and goes to element `flat` (0 <= flat < the number of elements).
static inline void martlet_walk_start(martlet_walk *walk, const int32_t shape[6], const int32_t stride0[6],
                                      const int32_t stride1[6], int64_t flat) {
  int32_t rank = 0;
  for (int i = 0; i < 6; i++) {
    if (shape[i] == 1) continue;
    int64_t s0 = stride0[i], s1 = stride1[i];
    if (rank > 0 && walk->stride0[rank - 1] == s0 * shape[i] && walk->stride1[rank - 1] == s1 * shape[i]) {
      walk->shape[rank - 1] *= shape[i];
      walk->stride0[rank - 1] = s0;
      walk->stride1[rank - 1] = s1;
    } else {
      walk->shape[rank] = shape[i];
      walk->stride0[rank] = s0;
      walk->stride1[rank] = s1;
      rank++;
    }
  }
  if (rank == 0) {
    walk->shape[0] = 1;
    walk->stride0[0] = walk->stride1[0] = 1;
    rank = 1;
  }
  walk->rank = rank;
  walk->offset0 = walk->offset1 = 0;
  for (int i = rank - 1; i >= 0; i--) {
    walk->index[i] = (int32_t)(flat % walk->shape[i]);
    flat /= walk->shape[i];
    walk->offset0 += walk->index[i] * walk->stride0[i];
    walk->offset1 += walk->index[i] * walk->stride1[i];
  }
}

/// Length of the run that starts here, at most `limit`.
static inline int32_t martlet_walk_run(const martlet_walk *walk, int64_t limit) {
  int64_t left = walk->shape[walk->rank - 1] - walk->index[walk->rank - 1];
  return (int32_t)(left < limit ? left : limit);
}

/// Goes `count` elements further, at most to the end of the run.
static inline void martlet_walk_advance(martlet_walk *walk, int32_t count) {
  int32_t i = walk->rank - 1;
  walk->index[i] += count;
  walk->offset0 += count * walk->stride0[i];
  walk->offset1 += count * walk->stride1[i];
  while (i > 0 && walk->index[i] == walk->shape[i]) {
    walk->index[i] = 0;
    walk->offset0 += walk->stride0[i - 1] - walk->shape[i] * walk->stride0[i];
    walk->offset1 += walk->stride1[i - 1] - walk->shape[i] * walk->stride1[i];
    walk->index[--i]++;
  }
}

#endif

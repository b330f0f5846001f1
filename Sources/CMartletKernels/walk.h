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

// MARK: - Element-wise operators

/// `n` results of an element-wise operator; strides are 0, 1 or anything else.
typedef void (*martlet_binary_row)(const void *params, const int8_t *a, int64_t stride_a, const int8_t *b,
                                   int64_t stride_b, int8_t *out, int32_t n);

/// Elements of one unit of an element-wise operator with two inputs.
#define MARTLET_BINARY_UNIT 8192

static inline martlet_workload martlet_binary_workload(const int32_t shape[6]) {
  int64_t count = martlet_box_count(shape);
  return (martlet_workload){.units = martlet_ceil_div(count, MARTLET_BINARY_UNIT),
                            .unit_work = 4 * (count < MARTLET_BINARY_UNIT ? count : MARTLET_BINARY_UNIT)};
}

/// Runs units [first, last) row by row.
static inline void martlet_binary_run(const void *params, const int32_t shape[6], const int32_t stride0[6],
                                      const int32_t stride1[6], const martlet_buffers *buffers, int32_t first,
                                      int32_t last, martlet_binary_row row) {
  const int8_t *a = buffers->input[0], *b = buffers->input[1];
  int8_t *out = buffers->output;
  int64_t count = martlet_box_count(shape);
  int64_t at = (int64_t)first * MARTLET_BINARY_UNIT, end = (int64_t)last * MARTLET_BINARY_UNIT;
  if (end > count) end = count;
  if (at >= end) return;
  martlet_walk walk;
  martlet_walk_start(&walk, shape, stride0, stride1, at);
  int32_t inner = walk.rank - 1;
  while (at < end) {
    int32_t n = martlet_walk_run(&walk, end - at);
    row(params, a + walk.offset0, walk.stride0[inner], b + walk.offset1, walk.stride1[inner], out + at, n);
    martlet_walk_advance(&walk, n);
    at += n;
  }
}

#endif

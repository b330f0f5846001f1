/// The grid of pooling: an item is one output pixel with all its channels, or where that is more than a unit may hold a
/// block of them; a unit is some consecutive items.
#ifndef MARTLET_POOL_H
#define MARTLET_POOL_H

#include "kernels_internal.h"

typedef struct martlet_window {
  /// First byte of the window's top left pixel inside the picture.
  const int8_t *in;
  int64_t row_bytes;
  int32_t rows, columns;
} martlet_window;

/// `channels` consecutive channels of one output pixel.
typedef struct martlet_pool_item {
  martlet_window window;
  int8_t *out;
  int32_t channels;
} martlet_pool_item;

typedef struct martlet_pool_grid {
  int32_t block, blocks, items_per_unit;
  int64_t items, item_work;
} martlet_pool_grid;

static inline martlet_pool_grid martlet_pool_grid_of(const martlet_pool_params *p) {
  int64_t window = (int64_t)martlet_min(p->kernel_h, p->in_h) * martlet_min(p->kernel_w, p->in_w);
  martlet_pool_grid grid;
  // A multiple of the widest vector.
  int64_t block = martlet_max((int32_t)(MARTLET_UNIT_WORK / window), 64) / 64 * 64;
  grid.block = block < p->channels ? (int32_t)block : p->channels;
  grid.blocks = martlet_ceil_div(p->channels, grid.block);
  grid.items = (int64_t)p->batch * p->out_h * p->out_w * grid.blocks;
  grid.item_work = window * grid.block;
  grid.items_per_unit = martlet_items_per_unit(grid.item_work);
  return grid;
}

static inline martlet_workload martlet_pool_workload(const martlet_pool_params *p) {
  martlet_pool_grid grid = martlet_pool_grid_of(p);
  int64_t unit = grid.items < grid.items_per_unit ? grid.items : grid.items_per_unit;
  return (martlet_workload){.units = martlet_ceil_div(grid.items, grid.items_per_unit),
                            .unit_work = grid.item_work * unit};
}

/// The part of output pixel (x, y)'s window that lies inside the picture; for validated parameters it is not empty.
static inline martlet_window martlet_pool_window(const martlet_pool_params *p, const int8_t *picture, int32_t y,
                                                 int32_t x) {
  int64_t top = (int64_t)y * p->stride_h - p->pad_top, left = (int64_t)x * p->stride_w - p->pad_left;
  int64_t bottom = top + p->kernel_h, right = left + p->kernel_w;
  if (top < 0) top = 0;
  if (left < 0) left = 0;
  if (bottom > p->in_h) bottom = p->in_h;
  if (right > p->in_w) right = p->in_w;
  martlet_window window;
  window.row_bytes = (int64_t)p->in_w * p->channels;
  window.in = picture + top * window.row_bytes + left * p->channels;
  window.rows = (int32_t)(bottom - top);
  window.columns = (int32_t)(right - left);
  return window;
}

/// `context` is what a kernel keeps from item to item.
typedef void (*martlet_pool_kernel)(const martlet_pool_params *p, const martlet_pool_item *item, void *context);

/// Runs units [first, last) item by item.
static inline void martlet_pool_run(const martlet_pool_params *p, const martlet_buffers *buffers, int32_t first,
                                    int32_t last, martlet_pool_kernel kernel, void *context) {
  martlet_pool_grid grid = martlet_pool_grid_of(p);
  int64_t at = (int64_t)first * grid.items_per_unit, end = (int64_t)last * grid.items_per_unit;
  if (end > grid.items) end = grid.items;
  int64_t pixel = at / grid.blocks, row = pixel / p->out_w;
  int32_t block = (int32_t)(at % grid.blocks), x = (int32_t)(pixel % p->out_w), y = (int32_t)(row % p->out_h);
  const int64_t picture_bytes = (int64_t)p->in_h * p->in_w * p->channels;
  const int8_t *picture = (const int8_t *)buffers->input[0] + row / p->out_h * picture_bytes;
  int8_t *out = (int8_t *)buffers->output + pixel * p->channels;
  for (; at < end; at++) {
    int32_t channel = block * grid.block;
    martlet_pool_item item = {martlet_pool_window(p, picture, y, x), out + channel,
                              martlet_min(grid.block, p->channels - channel)};
    item.window.in += channel;
    kernel(p, &item, context);
    if (++block < grid.blocks) continue;
    block = 0;
    out += p->channels;
    if (++x < p->out_w) continue;
    x = 0;
    if (++y < p->out_h) continue;
    y = 0;
    picture += picture_bytes;
  }
}

/// Sum of channel `c` over the window.
static inline int32_t martlet_pool_sum(const martlet_pool_params *p, martlet_window w, int32_t c) {
  int32_t sum = 0;
  for (int32_t y = 0; y < w.rows; y++) {
    const int8_t *in = w.in + y * w.row_bytes + c;
    for (int32_t x = 0; x < w.columns; x++) sum = martlet_wrapping_add(sum, in[(int64_t)x * p->channels]);
  }
  return sum;
}

/// Largest value of channel `c` over the window, clamped.
static inline int8_t martlet_pool_largest(const martlet_pool_params *p, martlet_window w, int32_t c) {
  int32_t largest = -128;
  for (int32_t y = 0; y < w.rows; y++) {
    const int8_t *in = w.in + y * w.row_bytes + c;
    for (int32_t x = 0; x < w.columns; x++) largest = martlet_max(largest, in[(int64_t)x * p->channels]);
  }
  return (int8_t)martlet_clamp(largest, p->clamp_min, p->clamp_max);
}

/// sum / count as the reference rounds it: half away from zero, or half up where uint8 is meant.
static inline int8_t martlet_pool_average(const martlet_pool_params *p, int32_t sum, int32_t count) {
  int32_t half = count / 2, average;
  if (p->unsigned_rounding) {
    average = (int32_t)(((int64_t)sum + (int64_t)128 * count + half) / count) - 128;
  } else {
    average = (int32_t)(((int64_t)sum + (sum > 0 ? half : -half)) / count);
  }
  return (int8_t)martlet_clamp(average, p->clamp_min, p->clamp_max);
}

/// Division by a count as a multiplication: (v * multiplier) >> shift == v / count for 0 <= v <= 256 * count.
/// With 2^k <= count < 2^(k+1) and shift = 31 + k the multiplier exceeds 2^shift / count by less than 1, so the product
/// exceeds v * 2^shift / count by less than v < 2^(9+k) <= 2^30 <= 2^shift / count: too little to reach the next
/// multiple of 2^shift.
typedef struct martlet_divisor {
  uint32_t multiplier;
  int32_t shift;
} martlet_divisor;

/// `count` in 1 ..< 2^21.
static inline martlet_divisor martlet_divisor_of(int32_t count) {
  int32_t shift = 31 + (31 - __builtin_clz((uint32_t)count));
  martlet_divisor divisor = {(uint32_t)((((uint64_t)1 << shift) + (uint32_t)count - 1) / (uint32_t)count), shift};
  return divisor;
}

/// Largest count that martlet_divisor_of takes.
#define MARTLET_DIVISOR_LIMIT ((1 << 21) - 1)

#endif

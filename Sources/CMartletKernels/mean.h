/// The grid of mean: an item is up to 64 neighbouring channels of one outer index, a unit some consecutive items.
#ifndef MARTLET_MEAN_H
#define MARTLET_MEAN_H

#include "kernels_internal.h"

#define MARTLET_MEAN_BLOCK 64

typedef struct martlet_mean_block {
  const int8_t *in;
  int8_t *out;
  int32_t channels;
} martlet_mean_block;

static inline int32_t martlet_mean_blocks(const martlet_mean_params *p) {
  return martlet_ceil_div(p->inner, MARTLET_MEAN_BLOCK);
}
static inline int64_t martlet_mean_items(const martlet_mean_params *p) {
  return (int64_t)p->outer * martlet_mean_blocks(p);
}
static inline int64_t martlet_mean_item_work(const martlet_mean_params *p) {
  return (int64_t)p->reduce * martlet_min(p->inner, MARTLET_MEAN_BLOCK);
}
static inline int32_t martlet_mean_items_per_unit(const martlet_mean_params *p) {
  return martlet_items_per_unit(martlet_mean_item_work(p));
}
static inline int64_t martlet_mean_begin(const martlet_mean_params *p, int32_t first) {
  return (int64_t)first * martlet_mean_items_per_unit(p);
}
static inline int64_t martlet_mean_end(const martlet_mean_params *p, int32_t last) {
  int64_t end = (int64_t)last * martlet_mean_items_per_unit(p), count = martlet_mean_items(p);
  return end < count ? end : count;
}

static inline martlet_mean_block martlet_mean_block_of(const martlet_mean_params *p, const martlet_buffers *buffers,
                                                       int64_t item) {
  int32_t blocks = martlet_mean_blocks(p);
  int64_t outer = item / blocks;
  int32_t channel = (int32_t)(item % blocks) * MARTLET_MEAN_BLOCK;
  martlet_mean_block block;
  block.in = (const int8_t *)buffers->input[0] + outer * p->reduce * p->inner + channel;
  block.out = (int8_t *)buffers->output + outer * p->inner + channel;
  block.channels = martlet_min(p->inner - channel, MARTLET_MEAN_BLOCK);
  return block;
}

/// The multiplier holds 1 / reduce.
static inline int8_t martlet_mean_finish(const martlet_mean_params *p, int32_t sum) {
  sum = martlet_wrapping_sub(sum, martlet_wrapping_mul(p->input_zero_point, p->reduce));
  int32_t mean = martlet_rescale(sum, p->multiplier, p->shift);
  return (int8_t)martlet_clamp(martlet_wrapping_add(mean, p->output_zero_point), p->clamp_min, p->clamp_max);
}

/// Mean of the channel at `in`.
static inline int8_t martlet_mean_one(const martlet_mean_params *p, const int8_t *in) {
  int32_t sum = 0;
  for (int32_t i = 0; i < p->reduce; i++) sum = martlet_wrapping_add(sum, in[(int64_t)i * p->inner]);
  return martlet_mean_finish(p, sum);
}

#endif

#include "mean.h"
#include "requant_neon.h"
#include "sum_neon.h"
#include "variants.h"

#if defined(__aarch64__)

/// Sum of one contiguous run.
static int32_t sum_of_run(const int8_t *in, int32_t count) {
  int32x4_t total = vdupq_n_s32(0);
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) total = vpadalq_s16(total, vpaddlq_s8(vld1q_s8(in + i)));
  int32_t sum = vaddvq_s32(total);
  MARTLET_REST
  for (; i < count; i++) sum = martlet_wrapping_add(sum, in[i]);
  return sum;
}

/// What a sum becomes, for all channels.
typedef struct rounding {
  int32x4_t start, multiplier, left, right, zero_point, low, high;
} rounding;

static inline __attribute__((always_inline)) int8x8_t finish_8(const int32x4_t sums[2], const rounding *r) {
  int16x4_t out[2];
  for (int i = 0; i < 2; i++) {
    int32x4_t y = vaddq_s32(martlet_rescale_neon(sums[i], r->multiplier, r->left, r->right), r->zero_point);
    out[i] = vmovn_s32(vmaxq_s32(vminq_s32(y, r->high), r->low));
  }
  return vmovn_s16(vcombine_s16(out[0], out[1]));
}

static inline __attribute__((always_inline)) void
channels(const martlet_mean_params *p, const martlet_mean_block *block, int32_t c, const rounding *r, bool wide) {
  martlet_sums_neon sums = {{r->start, r->start, r->start, r->start}};
  martlet_sum_neon(&sums, block->in + c, p->inner, p->reduce, 0, 1, wide);
  vst1_s8(block->out + c, finish_8(sums.quarter, r));
  if (wide) vst1_s8(block->out + c + 8, finish_8(sums.quarter + 2, r));
}

static void block_mean(const martlet_mean_params *p, const martlet_mean_block *block) {
  const rounding r = {
      .start = vdupq_n_s32(martlet_wrapping_sub(0, martlet_wrapping_mul(p->input_zero_point, p->reduce))),
      .multiplier = vdupq_n_s32(p->multiplier),
      .left = vdupq_n_s32(martlet_max(p->shift, 0)),
      .right = vdupq_n_s32(martlet_max(-p->shift, 0)),
      .zero_point = vdupq_n_s32(p->output_zero_point),
      .low = vdupq_n_s32(p->clamp_min),
      .high = vdupq_n_s32(p->clamp_max),
  };
  const int32_t n = block->channels;
  int32_t c = 0;
  if (n >= 16) {
    for (; c < n; c = martlet_next_channels(c, 16, n)) channels(p, block, c, &r, true);
  } else if (n >= 8) {
    for (; c < n; c = martlet_next_channels(c, 8, n)) channels(p, block, c, &r, false);
  }
  MARTLET_REST
  for (; c < n; c++) block->out[c] = martlet_mean_one(p, block->in + c);
}

MARTLET_KERNEL(mean, neon, p) {
  int64_t end = martlet_mean_end(p, last);
  for (int64_t item = martlet_mean_begin(p, first); item < end; item++) {
    martlet_mean_block block = martlet_mean_block_of(p, buffers, item);
    if (p->inner == 1) {
      block.out[0] = martlet_mean_finish(p, sum_of_run(block.in, p->reduce));
    } else {
      block_mean(p, &block);
    }
  }
}
#endif

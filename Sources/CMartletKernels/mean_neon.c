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

static void block_mean(const martlet_mean_params *p, martlet_mean_block block) {
  const int32x4_t multiplier = vdupq_n_s32(p->multiplier), zero_point = vdupq_n_s32(p->output_zero_point);
  const int32x4_t left = vdupq_n_s32(martlet_max(p->shift, 0)), right = vdupq_n_s32(martlet_max(-p->shift, 0));
  const int32x4_t low = vdupq_n_s32(p->clamp_min), high = vdupq_n_s32(p->clamp_max);
  const int32x4_t start = vdupq_n_s32(martlet_wrapping_sub(0, martlet_wrapping_mul(p->input_zero_point, p->reduce)));
  int32_t c = 0;
  for (; c + 8 <= block.channels; c += 8) {
    martlet_sums_neon sums = {{start, start}};
    martlet_sum_neon(&sums, block.in + c, p->inner, p->reduce, 0, 1);
    for (int i = 0; i < 2; i++) {
      int32x4_t y = vaddq_s32(martlet_rescale_neon(sums.half[i], multiplier, left, right), zero_point);
      sums.half[i] = vmaxq_s32(vminq_s32(y, high), low);
    }
    vst1_s8(block.out + c, vmovn_s16(vcombine_s16(vmovn_s32(sums.half[0]), vmovn_s32(sums.half[1]))));
  }
  MARTLET_REST
  for (; c < block.channels; c++) block.out[c] = martlet_mean_one(p, block.in + c);
}

MARTLET_KERNEL(mean, neon, p) {
  int64_t end = martlet_mean_end(p, last);
  for (int64_t item = martlet_mean_begin(p, first); item < end; item++) {
    martlet_mean_block block = martlet_mean_block_of(p, buffers, item);
    if (p->inner == 1) {
      block.out[0] = martlet_mean_finish(p, sum_of_run(block.in, p->reduce));
    } else {
      block_mean(p, block);
    }
  }
}
#endif

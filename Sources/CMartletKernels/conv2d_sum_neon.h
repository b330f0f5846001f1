/// What the patches of a run add up to, for weights with a zero point.
#ifndef MARTLET_CONV2D_SUM_NEON_H
#define MARTLET_CONV2D_SUM_NEON_H

#include "conv2d.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/// Vectors of 16 bytes whose sums of neighbours fit 16 bits, with a rest of 8 and one of 4 bytes still to come.
#define MARTLET_SUM_VECTORS 127

/// Adds the patches of 4 pixels, `stride` bytes apart, to 4 parts each.
static inline __attribute__((always_inline)) void conv2d_add_patches_neon(const conv2d_run *run, const int8_t *pixel,
                                                                          ptrdiff_t stride, int32x4_t sums[4]) {
  const conv2d_grid *g = run->grid;
  const int32_t bytes = g->segment_quads * 4;
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int8_t *x = pixel + sy * run->segment_stride_y + sx * run->segment_stride_x;
      for (int32_t k = 0; k < bytes;) {
        int16x8_t parts[4] = {vdupq_n_s16(0), vdupq_n_s16(0), vdupq_n_s16(0), vdupq_n_s16(0)};
        const int32_t end = martlet_min(bytes, k + 16 * MARTLET_SUM_VECTORS);
        for (; k + 16 <= end; k += 16, x += 16)
          for (int i = 0; i < 4; i++) parts[i] = vpadalq_s8(parts[i], vld1q_s8(x + i * stride));
        if (end - k >= 8) {
          for (int i = 0; i < 4; i++) parts[i] = vaddw_s8(parts[i], vld1_s8(x + i * stride));
          k += 8;
          x += 8;
        }
        if (end - k == 4) {
          for (int i = 0; i < 4; i++) {
            uint32_t word;
            memcpy(&word, x + i * stride, 4);
            parts[i] = vaddw_s8(parts[i], vcreate_s8(word));
          }
          k += 4;
        }
        for (int i = 0; i < 4; i++) sums[i] = vpadalq_s16(sums[i], parts[i]);
      }
    }
  }
}

/// weight_zero_point times the sums of the patches of 4 pixels.
static inline __attribute__((always_inline)) int32x4_t conv2d_sum_4_neon(const conv2d_run *run, const int8_t *pixel,
                                                                         ptrdiff_t stride) {
  int32x4_t sums[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
  conv2d_add_patches_neon(run, pixel, stride, sums);
  int32x4_t totals = vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3]));
  return vmulq_n_s32(totals, run->grid->p.weight_zero_point);
}

/// weight_zero_point times each patch's sum. A row's last four pixels may be some that are done already.
static void conv2d_sum_neon(const conv2d_run *run, int32_t *out) {
  const ptrdiff_t stride = run->pixel_stride;
  const int32_t count = run->count;
  for (int32_t y = 0; y < run->rows; y++, out += count) {
    const int8_t *row = (const int8_t *)run->a + y * run->row_stride;
    for (int32_t x = 0; count >= 4 && x < count; x += 4) {
      const int32_t at = martlet_min(x, count - 4);
      vst1q_s32(out + at, conv2d_sum_4_neon(run, row + at * stride, stride));
    }
    for (int32_t x = 0; count < 4 && x < count; x++)
      out[x] = vgetq_lane_s32(conv2d_sum_4_neon(run, row + x * stride, 0), 0);
  }
}

#endif
#endif

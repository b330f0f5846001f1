#include "conv2d_neon.h"

#if defined(__aarch64__)

// armv8.6 matrix multiply: two pixels times two channels times eight depth. Two quads of a panel are zipped as they are
// loaded, so the file's one layout serves here too. An accumulator holds [pixel][channel], 2 x 2.

#define TARGET MARTLET_TARGET_i8mm
#define MAX_PAIRS 3

/// `whole`: two quads; else one, and the rest of the eight is zero.
TARGET MARTLET_INLINE int8x16_t load_pixels(const int8_t *even, const int8_t *odd, bool whole) {
  if (whole) return vcombine_s8(vld1_s8(even), vld1_s8(odd));
  uint32_t a, b;
  memcpy(&a, even, 4);
  memcpy(&b, odd, 4);
  return vcombine_s8(vcreate_s8(a), vcreate_s8(b));
}

TARGET MARTLET_INLINE void step(int32x4_t acc[][8], int pairs, const int8_t *w, const int8_t *x, ptrdiff_t stride,
                                int32_t pixels, bool whole) {
  int8x16_t value[MAX_PAIRS];
#pragma clang loop unroll(full)
  for (int i = 0; i < pairs; i++) {
    // The second pixel of an odd last pair repeats the first; its sums are not stored.
    const int8_t *even = x + 2 * i * stride, *odd = 2 * i + 1 < pixels ? even + stride : even;
    value[i] = load_pixels(even, odd, whole);
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    int32x4_t q0 = vreinterpretq_s32_s8(vld1q_s8(w + 16 * j));
    int32x4_t q1 = whole ? vreinterpretq_s32_s8(vld1q_s8(w + 64 + 16 * j)) : vdupq_n_s32(0);
    int8x16_t low = vreinterpretq_s8_s32(vzip1q_s32(q0, q1)), high = vreinterpretq_s8_s32(vzip2q_s32(q0, q1));
#pragma clang loop unroll(full)
    for (int i = 0; i < pairs; i++) {
      acc[i][2 * j] = vmmlaq_s32(acc[i][2 * j], value[i], low);
      acc[i][2 * j + 1] = vmmlaq_s32(acc[i][2 * j + 1], value[i], high);
    }
  }
}

TARGET MARTLET_INLINE void block(const conv2d_run *run, int32_t panel, const conv2d_pixels_neon *at, int pixels) {
  const conv2d_grid *g = run->grid;
  const int pairs = (pixels + 1) / 2;
  const int8_t *w = (const int8_t *)run->panel + panel * g->panel_bytes + sizeof(martlet_channels);
  const int8_t *a = at->a;
  int32x4_t acc[MAX_PAIRS][8];
#pragma clang loop unroll(full)
  for (int i = 0; i < pairs; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; j++) acc[i][j] = vdupq_n_s32(0);
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int8_t *x = a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      int32_t quad = 0;
      for (; quad + 2 <= g->segment_quads; quad += 2, x += 8, w += 128)
        step(acc, pairs, w, x, run->pixel_stride, pixels, true);
      if (quad < g->segment_quads) {
        step(acc, pairs, w, x, run->pixel_stride, pixels, false);
        w += 64;
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) {
    int32x4_t sums[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      int64x2_t low = vreinterpretq_s64_s32(acc[i / 2][2 * j]), high = vreinterpretq_s64_s32(acc[i / 2][2 * j + 1]);
      sums[j] = vreinterpretq_s32_s64(i % 2 == 0 ? vzip1q_s64(low, high) : vzip2q_s64(low, high));
    }
    conv2d_store_neon(run, panel, at, i, sums);
  }
}

MARTLET_CONV2D_BLOCK(i8mm, 1)
MARTLET_CONV2D_BLOCK(i8mm, 2)
MARTLET_CONV2D_BLOCK(i8mm, 3)
MARTLET_CONV2D_BLOCK(i8mm, 4)
MARTLET_CONV2D_BLOCK(i8mm, 5)
MARTLET_CONV2D_BLOCK(i8mm, 6)
MARTLET_CONV2D_NEON(i8mm, block_1, block_2, block_3, block_4, block_5, block_6)
#endif

#include "conv2d_neon.h"

#if defined(__aarch64__)

// armv8.0: bytes are multiplied to words and added in pairs to 32 bits, which is exact for all values. Each lane of an
// accumulator holds half of a channel's sum.

#define MAX_PIXELS 3

MARTLET_INLINE void block(const conv2d_run *run, int32_t panel, const conv2d_pixels_neon *at, int pixels) {
  const conv2d_grid *g = run->grid;
  const int8_t *w = (const int8_t *)run->panel + panel * g->panel_bytes + sizeof(martlet_channels);
  const int8_t *a = at->a;
  int32x4_t acc[MAX_PIXELS][8];
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; j++) acc[i][j] = vdupq_n_s32(0);
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int8_t *x = a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      for (int32_t quad = 0; quad < g->segment_quads; quad++, x += 4, w += 64) {
        int8x16_t value[MAX_PIXELS];
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++) {
          int32_t word;
          memcpy(&word, x + i * run->pixel_stride, 4);
          value[i] = vreinterpretq_s8_s32(vdupq_n_s32(word));
        }
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) {
          int8x16_t four = vld1q_s8(w + 16 * j);
#pragma clang loop unroll(full)
          for (int i = 0; i < pixels; i++) {
            acc[i][2 * j] = vpadalq_s16(acc[i][2 * j], vmull_s8(vget_low_s8(four), vget_low_s8(value[i])));
            acc[i][2 * j + 1] = vpadalq_s16(acc[i][2 * j + 1], vmull_high_s8(four, value[i]));
          }
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) {
    int32x4_t sums[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) sums[j] = vpaddq_s32(acc[i][2 * j], acc[i][2 * j + 1]);
    conv2d_store_neon(run, panel, at, i, sums);
  }
}

MARTLET_CONV2D_BLOCK(neon, 1)
MARTLET_CONV2D_BLOCK(neon, 2)
MARTLET_CONV2D_BLOCK(neon, 3)
MARTLET_CONV2D_NEON(neon, block_1, block_2, block_3)
#endif

#include "conv2d_neon.h"

#if defined(__aarch64__)

// armv8.2 dot product: a quad of depth per channel and instruction.

#define TARGET MARTLET_TARGET_dotprod
#define MAX_PIXELS 6

TARGET MARTLET_INLINE void block(const conv2d_run *run, int32_t panel, const conv2d_pixels_neon *at, int pixels) {
  const conv2d_grid *g = run->grid;
  const int8_t *w = (const int8_t *)run->panel + panel * g->panel_bytes + sizeof(martlet_channels);
  const int8_t *a = at->a;
  int32x4_t acc[MAX_PIXELS][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) acc[i][j] = vdupq_n_s32(0);
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int8_t *x = a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      for (int32_t quad = 0; quad < g->segment_quads; quad++, x += 4, w += 64) {
        int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16), w2 = vld1q_s8(w + 32), w3 = vld1q_s8(w + 48);
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++) {
          int32_t word;
          memcpy(&word, x + i * run->pixel_stride, 4);
          int8x16_t value = vreinterpretq_s8_s32(vdupq_n_s32(word));
          acc[i][0] = vdotq_s32(acc[i][0], w0, value);
          acc[i][1] = vdotq_s32(acc[i][1], w1, value);
          acc[i][2] = vdotq_s32(acc[i][2], w2, value);
          acc[i][3] = vdotq_s32(acc[i][3], w3, value);
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) conv2d_store_neon(run, panel, at, i, acc[i]);
}

MARTLET_CONV2D_BLOCK(dotprod, 1)
MARTLET_CONV2D_BLOCK(dotprod, 2)
MARTLET_CONV2D_BLOCK(dotprod, 3)
MARTLET_CONV2D_BLOCK(dotprod, 4)
MARTLET_CONV2D_BLOCK(dotprod, 5)
MARTLET_CONV2D_BLOCK(dotprod, 6)
MARTLET_CONV2D_NEON(dotprod, block_1, block_2, block_3, block_4, block_5, block_6)
#endif

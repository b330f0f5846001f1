#include "conv2d_neon.h"

#if defined(__aarch64__)

// armv8.2 dot product: a quad of depth per channel and instruction.

#define TARGET __attribute__((target("dotprod")))
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

#define DEFINE_BLOCK(N) \
  TARGET static void block_##N(const conv2d_run *r, int32_t p, const conv2d_pixels_neon *at) { block(r, p, at, N); }
DEFINE_BLOCK(1)
DEFINE_BLOCK(2)
DEFINE_BLOCK(3)
DEFINE_BLOCK(4)
DEFINE_BLOCK(5)
DEFINE_BLOCK(6)
static const conv2d_block_neon blocks[MAX_PIXELS] = {block_1, block_2, block_3, block_4, block_5, block_6};

static void run_dotprod(const conv2d_run *run) { conv2d_blocks_neon(run, blocks, MAX_PIXELS); }

void martlet_conv2d_dotprod(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                            void *scratch) {
  static const conv2d_variant variant = {.copy_window = conv2d_window_neon,
                                         .in_place = true,
                                         .run = run_dotprod,
                                         .sum = conv2d_sum_neon};
  martlet_conv2d_drive(params, buffers, first, last, scratch, &variant);
}
#endif

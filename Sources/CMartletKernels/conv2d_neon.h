/// What the three aarch64 convolutions share: everything but the multiplication.
#ifndef MARTLET_CONV2D_NEON_H
#define MARTLET_CONV2D_NEON_H

#include "channels_neon.h"
#include "conv2d_sum_neon.h"
#include "conv2d_window.h"
#include "variants.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define MARTLET_INLINE static inline __attribute__((always_inline))

/// A block of pixels in one row.
typedef struct conv2d_pixels_neon {
  const int8_t *a;
  const int32_t *sums;
  int8_t *out;
} conv2d_pixels_neon;

/// Rescales, packs and stores one pixel's 16 channels of a panel, bias not yet added.
MARTLET_INLINE void conv2d_store_neon(const conv2d_run *run, int32_t panel, const conv2d_pixels_neon *at, int32_t pixel,
                                      int32x4_t sums[4]) {
  const martlet_conv2d_params *p = &run->grid->p;
  const martlet_channels *c = (const martlet_channels *)(run->panel + panel * run->grid->panel_bytes);
  int32_t lanes = martlet_min(16, run->channels - panel * 16);
  int8_t *out = at->out + (ptrdiff_t)pixel * p->out_c + panel * 16;
  const int32x4_t correction = vdupq_n_s32(at->sums ? at->sums[pixel] : 0);
  for (int j = 0; j < 4; j++) sums[j] = vsubq_s32(vaddq_s32(sums[j], vld1q_s32(c->bias + 4 * j)), correction);
  if (p->double_rescale) {
    int32_t acc[16];
    for (int j = 0; j < 4; j++) vst1q_s32(acc + 4 * j, sums[j]);
    for (int32_t lane = 0; lane < lanes; lane++) out[lane] = martlet_conv2d_output(p, c, lane, acc[lane]);
    return;
  }
  martlet_store_channels_neon(sums, c, p->output_zero_point, p->clamp_min, p->clamp_max, lanes, out);
}

typedef void (*conv2d_block_neon)(const conv2d_run *run, int32_t panel, const conv2d_pixels_neon *at);

/// Runs `blocks`, [1 ... most] pixels each, over the run's pixels and panels.
MARTLET_INLINE void conv2d_blocks_neon(const conv2d_run *run, const conv2d_block_neon *blocks, int32_t most) {
  const int32_t parts = (run->count + most - 1) / most;
  const int32_t size = run->count / parts, larger = run->count % parts;
  for (int32_t panel = 0; panel < run->panels; panel++) {
    for (int32_t y = 0; y < run->rows; y++) {
      conv2d_pixels_neon at = {.a = (const int8_t *)run->a + y * run->row_stride,
                               .sums = run->sums ? run->sums + (ptrdiff_t)y * run->count : NULL,
                               .out = run->out + y * run->out_stride};
      for (int32_t i = 0; i < parts; i++) {
        const int32_t pixels = size + (i < larger);
        blocks[pixels - 1](run, panel, &at);
        at.a += pixels * run->pixel_stride;
        at.out += (ptrdiff_t)pixels * run->grid->p.out_c;
        if (at.sums) at.sums += pixels;
      }
    }
  }
}

#define MARTLET_SAME(x) ((int8_t)(x))
MARTLET_DEFINE_CONV2D_WINDOW(conv2d_window_neon, int8_t, MARTLET_SAME, )

/// block_N: `block` for exactly N pixels, compiled for ISA.
#define MARTLET_CONV2D_BLOCK(ISA, N)                                                                               \
  MARTLET_TARGET_##ISA static void block_##N(const conv2d_run *run, int32_t panel, const conv2d_pixels_neon *at) { \
    block(run, panel, at, N);                                                                                      \
  }

/// The convolution of ISA, made of its blocks for 1, 2, ... pixels.
#define MARTLET_CONV2D_NEON(ISA, ...)                                           \
  static const conv2d_block_neon blocks[] = {__VA_ARGS__};                      \
  static void run_##ISA(const conv2d_run *run) {                                \
    conv2d_blocks_neon(run, blocks, (int32_t)(sizeof blocks / sizeof *blocks)); \
  }                                                                             \
  MARTLET_KERNEL(conv2d, ISA, p) {                                              \
    static const conv2d_variant variant = {.copy_window = conv2d_window_neon,   \
                                           .in_place = true,                    \
                                           .run = run_##ISA,                    \
                                           .sum = conv2d_sum_neon};             \
    martlet_conv2d_drive(p, buffers, first, last, scratch, &variant);           \
  }

#endif
#endif

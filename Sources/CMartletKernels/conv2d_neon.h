/// What the three aarch64 convolutions share: everything but the multiplication.
///
/// Blocks of pixels are convolved with one panel, whose constants are prepared once for all of a run's pixels.
#ifndef MARTLET_CONV2D_NEON_H
#define MARTLET_CONV2D_NEON_H

#include "conv2d_panel_neon.h"
#include "conv2d_sum_neon.h"
#include "conv2d_window.h"
#include "variants.h"

#if defined(__aarch64__)

/// Convolves `times` blocks of pixels, and moves on.
typedef void (*conv2d_blocks_neon)(const conv2d_panel_neon *panel, conv2d_pixels_neon *at, int32_t times);

/// How an instruction set cuts a row: `wide[n - 1]` convolves n units of `unit` pixels, at most `most`; `narrow` so
/// many pixels at once with half a panel, where no more channels are left.
typedef struct conv2d_cut_neon {
  const conv2d_blocks_neon *wide;
  int32_t most, unit;
  conv2d_blocks_neon narrow;
  int32_t narrow_pixels;
} conv2d_cut_neon;

MARTLET_INLINE void conv2d_walk_neon(const conv2d_run *run, const conv2d_panel_neon *panel,
                                     const conv2d_cut_neon *cut) {
  const bool half = panel->lanes <= 8 && cut->narrow;
  // Rows whose outputs follow each other are cut as one.
  const bool joined = run->out_stride == run->count * panel->out_stride &&
                      run->count >= martlet_max(cut->most * cut->unit, half ? cut->narrow_pixels : 0);
  const int32_t rows = joined ? 1 : run->rows;
  for (int32_t y = 0; y < rows; y++) {
    conv2d_pixels_neon at = {.a = (const int8_t *)run->a + y * run->row_stride,
                             .sums = run->sums ? run->sums + (ptrdiff_t)y * run->count : NULL,
                             .out = panel->out + y * run->out_stride,
                             .left = joined ? run->rows * run->count : run->count,
                             .row_left = run->count};
    if (half && at.left >= cut->narrow_pixels) cut->narrow(panel, &at, at.left / cut->narrow_pixels);
    if (at.left == 0) continue;
    // Even shares: full blocks and a small rest would leave the multiplier waiting for itself.
    const int32_t units = (at.left + cut->unit - 1) / cut->unit, parts = (units + cut->most - 1) / cut->most;
    const int32_t size = units / parts, larger = units % parts;
    if (larger > 0) cut->wide[size](panel, &at, larger);
    cut->wide[size - 1](panel, &at, parts - larger);
  }
}

#define MARTLET_SAME(x) ((int8_t)(x))
MARTLET_DEFINE_CONV2D_WINDOW(conv2d_window_neon, int8_t, MARTLET_SAME, )

/// The convolution of ISA by its functions RUN and SINGLE, which may be NULL.
#define MARTLET_CONV2D_NEON(ISA, RUN, SINGLE)                                 \
  MARTLET_KERNEL(conv2d, ISA, p) {                                            \
    static const conv2d_variant variant = {.copy_window = conv2d_window_neon, \
                                           .in_place = true,                  \
                                           .run = RUN,                        \
                                           .sum = conv2d_sum_neon,            \
                                           .single = SINGLE};                 \
    martlet_conv2d_drive(p, buffers, first, last, scratch, &variant);         \
  }

#endif
#endif

/// Sums over rows of 8 neighbouring int8 channels.
#ifndef MARTLET_SUM_NEON_H
#define MARTLET_SUM_NEON_H

#include "kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/// Twice 4 sums, in the channels' order.
typedef struct martlet_sums_neon {
  int32x4_t half[2];
} martlet_sums_neon;

/// Adds `rows` x `columns` pixels, `stride` bytes between pixels, `row_bytes` between rows, to `sums`.
/// 16-bit partial sums are widened every 256 pixels: 256 x -128 just fits.
static inline __attribute__((always_inline)) void martlet_sum_neon(martlet_sums_neon *sums, const int8_t *in,
                                                                   int64_t stride, int32_t columns, int64_t row_bytes,
                                                                   int32_t rows) {
  int16x8_t partial = vdupq_n_s16(0);
  int32_t pending = 0;
  for (int32_t y = 0; y < rows; y++, in += row_bytes) {
    const int8_t *at = in;
    for (int32_t x = 0; x < columns; x++, at += stride) {
      partial = vaddw_s8(partial, vld1_s8(at));
      if (++pending == 256 || (y == rows - 1 && x == columns - 1)) {
        sums->half[0] = vaddw_s16(sums->half[0], vget_low_s16(partial));
        sums->half[1] = vaddw_high_s16(sums->half[1], partial);
        partial = vdupq_n_s16(0);
        pending = 0;
      }
    }
  }
}

#endif
#endif

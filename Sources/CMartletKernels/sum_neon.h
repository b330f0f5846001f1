/// Sums over rows of 16 or 8 neighbouring int8 channels.
#ifndef MARTLET_SUM_NEON_H
#define MARTLET_SUM_NEON_H

#include "kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/// Four times 4 sums, in the channels' order; of 8 channels the first two.
typedef struct martlet_sums_neon {
  int32x4_t quarter[4];
} martlet_sums_neon;

/// Adds the `wide` 16, or 8, bytes at `at` to 16-bit sums.
static inline __attribute__((always_inline)) void martlet_sum_add_neon(int16x8_t partial[2], const int8_t *at,
                                                                       bool wide) {
  if (wide) {
    int8x16_t x = vld1q_s8(at);
    partial[0] = vaddw_s8(partial[0], vget_low_s8(x));
    partial[1] = vaddw_high_s8(partial[1], x);
  } else {
    partial[0] = vaddw_s8(partial[0], vld1_s8(at));
  }
}

/// Adds `rows` x `columns` pixels, `stride` bytes between pixels, `row_bytes` between rows, to `sums`; in pieces of at
/// most 256 pixels, whose 16-bit partial sums just fit: 256 x -128.
static inline __attribute__((always_inline)) void martlet_sum_neon(martlet_sums_neon *sums, const int8_t *in,
                                                                   int64_t stride, int32_t columns, int64_t row_bytes,
                                                                   int32_t rows, bool wide) {
  const int32_t piece_columns = martlet_min(columns, 256), piece_rows = 256 / piece_columns;
  for (int32_t top = 0; top < rows; top += piece_rows) {
    const int32_t bottom = martlet_min(rows, top + piece_rows);
    for (int32_t left = 0; left < columns; left += piece_columns) {
      const int32_t width = martlet_min(piece_columns, columns - left);
      int16x8_t partial[2] = {vdupq_n_s16(0), vdupq_n_s16(0)};
      for (int32_t y = top; y < bottom; y++) {
        const int8_t *at = in + y * row_bytes + left * stride;
        int32_t x = 0;
        for (; x + 4 <= width; x += 4, at += 4 * stride) {
          martlet_sum_add_neon(partial, at, wide);
          martlet_sum_add_neon(partial, at + stride, wide);
          martlet_sum_add_neon(partial, at + 2 * stride, wide);
          martlet_sum_add_neon(partial, at + 3 * stride, wide);
        }
        MARTLET_REST
        for (; x < width; x++, at += stride) martlet_sum_add_neon(partial, at, wide);
      }
      for (int i = 0; i < (wide ? 2 : 1); i++) {
        sums->quarter[2 * i] = vaddw_s16(sums->quarter[2 * i], vget_low_s16(partial[i]));
        sums->quarter[2 * i + 1] = vaddw_high_s16(sums->quarter[2 * i + 1], partial[i]);
      }
    }
  }
}

#endif
#endif

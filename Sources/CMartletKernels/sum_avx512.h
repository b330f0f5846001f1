/// Sums over rows of up to 64 neighbouring int8 channels.
#ifndef MARTLET_SUM_AVX512_H
#define MARTLET_SUM_AVX512_H

#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// Four times 16 sums, in the channels' order.
typedef struct martlet_sums_avx512 {
  __m512i quarter[4];
} martlet_sums_avx512;

/// Adds `rows` x `columns` pixels, `stride` bytes between pixels, `row_bytes` between rows, to `sums`.
/// 16-bit partial sums are widened every 256 pixels: 256 x -128 just fits.
MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) void
martlet_sum_avx512(martlet_sums_avx512 *sums, const int8_t *in, int64_t stride, int32_t columns, int64_t row_bytes,
                   int32_t rows, __mmask64 mask) {
  __m512i low = _mm512_setzero_si512(), high = low;
  int32_t pending = 0;
  for (int32_t y = 0; y < rows; y++, in += row_bytes) {
    const int8_t *at = in;
    for (int32_t x = 0; x < columns; x++, at += stride) {
      __m512i v = _mm512_maskz_loadu_epi8(mask, at);
      low = _mm512_add_epi16(low, _mm512_cvtepi8_epi16(_mm512_castsi512_si256(v)));
      high = _mm512_add_epi16(high, _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(v, 1)));
      if (++pending == 256 || (y == rows - 1 && x == columns - 1)) {
        __m512i *q = sums->quarter;
        q[0] = _mm512_add_epi32(q[0], _mm512_cvtepi16_epi32(_mm512_castsi512_si256(low)));
        q[1] = _mm512_add_epi32(q[1], _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(low, 1)));
        q[2] = _mm512_add_epi32(q[2], _mm512_cvtepi16_epi32(_mm512_castsi512_si256(high)));
        q[3] = _mm512_add_epi32(q[3], _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(high, 1)));
        low = high = _mm512_setzero_si512();
        pending = 0;
      }
    }
  }
}

#endif
#endif

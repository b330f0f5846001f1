/// Sums over rows of 16 or 8 neighbouring int8 channels.
#ifndef MARTLET_SUM_AVX2_H
#define MARTLET_SUM_AVX2_H

#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// Twice 8 sums, in the channels' order; of 8 channels the first half.
typedef struct martlet_sums_avx2 {
  __m256i half[2];
} martlet_sums_avx2;

/// Adds `rows` x `columns` pixels of 16 channels, or if not `wide` of 8; `stride` bytes between pixels, `row_bytes`
/// between rows. 16-bit partial sums are widened every 256 pixels: 256 x -128 just fits.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) void
martlet_sum_avx2(martlet_sums_avx2 *sums, const int8_t *in, int64_t stride, int32_t columns, int64_t row_bytes,
                 int32_t rows, bool wide) {
  __m256i partial = _mm256_setzero_si256();
  int32_t pending = 0;
  for (int32_t y = 0; y < rows; y++, in += row_bytes) {
    const int8_t *at = in;
    for (int32_t x = 0; x < columns; x++, at += stride) {
      __m128i pixel = wide ? _mm_loadu_si128((const __m128i *)at) : _mm_loadl_epi64((const __m128i *)at);
      partial = _mm256_add_epi16(partial, _mm256_cvtepi8_epi16(pixel));
      if (++pending == 256 || (y == rows - 1 && x == columns - 1)) {
        __m256i *h = sums->half;
        h[0] = _mm256_add_epi32(h[0], _mm256_cvtepi16_epi32(_mm256_castsi256_si128(partial)));
        h[1] = _mm256_add_epi32(h[1], _mm256_cvtepi16_epi32(_mm256_extracti128_si256(partial, 1)));
        partial = _mm256_setzero_si256();
        pending = 0;
      }
    }
  }
}

/// 2 x 8 int32 to 16 int8 with saturation, in order.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m128i martlet_narrow_avx2(__m256i a, __m256i b) {
  __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
  return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

#endif
#endif

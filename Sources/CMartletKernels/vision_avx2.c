/// The resize's inner loops with AVX2.
#include "vision.h"

#if defined(__x86_64__)
#include <immintrin.h>

MARTLET_VISION_LOOPS(MARTLET_TARGET_avx2)

/// 32 samples. Two rows at a time: their samples, side by side in 16 bits, meet both weights in one multiply-add.
MARTLET_TARGET_avx2 static inline void row_block(int16_t *out, const uint8_t *const *rows, const int16_t *weights,
                                                 int32_t taps, int32_t i) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i half = _mm256_set1_epi32(1 << (MARTLET_VISION_DROPPED - 1));
  __m256i s0 = half, s1 = half, s2 = half, s3 = half;
  for (int32_t k = 0; k < taps; k += 2) {
    const bool has_next = k + 1 < taps;
    const __m256i a = _mm256_loadu_si256((const __m256i *)(rows[k] + i));
    const __m256i b = has_next ? _mm256_loadu_si256((const __m256i *)(rows[k + 1] + i)) : zero;
    const uint32_t pair = (uint16_t)weights[k] | (has_next ? (uint32_t)(uint16_t)weights[k + 1] << 16 : 0);
    const __m256i weight = _mm256_set1_epi32((int32_t)pair);
    const __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
    s0 = _mm256_add_epi32(s0, _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), weight));
    s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), weight));
    s2 = _mm256_add_epi32(s2, _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), weight));
    s3 = _mm256_add_epi32(s3, _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), weight));
  }
  s0 = _mm256_srai_epi32(s0, MARTLET_VISION_DROPPED);
  s1 = _mm256_srai_epi32(s1, MARTLET_VISION_DROPPED);
  s2 = _mm256_srai_epi32(s2, MARTLET_VISION_DROPPED);
  s3 = _mm256_srai_epi32(s3, MARTLET_VISION_DROPPED);
  // Each half of a register holds 16 samples in order.
  const __m256i left = _mm256_packs_epi32(s0, s1), right = _mm256_packs_epi32(s2, s3);
  _mm256_storeu_si256((__m256i *)(out + i), _mm256_permute2x128_si256(left, right, 0x20));
  _mm256_storeu_si256((__m256i *)(out + i + 16), _mm256_permute2x128_si256(left, right, 0x31));
}

MARTLET_TARGET_avx2 static void rows(int16_t *out, const uint8_t *const *rows, const int16_t *weights, int32_t taps,
                                     int32_t count) {
  if (count < 32) {
    for (int32_t i = 0; i < count; i++) out[i] = martlet_vision_row_sample(rows, weights, taps, i);
    return;
  }
  int32_t i = 0;
  for (; i + 32 <= count; i += 32) row_block(out, rows, weights, taps, i);
  // The last block overlaps the one before: it gives the same samples again.
  if (i < count) row_block(out, rows, weights, taps, count - 32);
}

MARTLET_TARGET_avx2 static inline __m128i dot(const int16_t *samples, const int16_t *weights, int32_t taps) {
  __m128i sum = _mm_setzero_si128();
  for (int32_t k = 0; k < taps; k += 8) {
    const __m128i a = _mm_loadu_si128((const __m128i *)(samples + k));
    const __m128i b = _mm_loadu_si128((const __m128i *)(weights + k));
    sum = _mm_add_epi32(sum, _mm_madd_epi16(a, b));
  }
  return sum;
}

MARTLET_TARGET_avx2 static void columns(int16_t *out, const int16_t *samples, const int32_t *first,
                                        const int16_t *weights, int32_t taps, int32_t count, int32_t bits) {
  const __m128i half = _mm_set1_epi32(1 << (bits - 1)), shift = _mm_cvtsi32_si128(bits);
  int32_t x = 0;
  for (; x + 4 <= count; x += 4) {
    const int16_t *w = weights + x * (ptrdiff_t)taps;
    const __m128i s0 = dot(samples + first[x], w, taps), s1 = dot(samples + first[x + 1], w + taps, taps);
    const __m128i s2 = dot(samples + first[x + 2], w + 2 * (ptrdiff_t)taps, taps);
    const __m128i s3 = dot(samples + first[x + 3], w + 3 * (ptrdiff_t)taps, taps);
    const __m128i sums = _mm_hadd_epi32(_mm_hadd_epi32(s0, s1), _mm_hadd_epi32(s2, s3));
    const __m128i values = _mm_sra_epi32(_mm_add_epi32(sums, half), shift);
    _mm_storel_epi64((__m128i *)(out + x), _mm_packs_epi32(values, values));
  }
  for (; x < count; x++) {
    out[x] = martlet_vision_column(samples + first[x], weights + x * (ptrdiff_t)taps, taps, bits);
  }
}

const martlet_vision_table martlet_vision_avx2 = {weigh, weigh_more, rows, columns, split, split3, colour, expand};
#endif

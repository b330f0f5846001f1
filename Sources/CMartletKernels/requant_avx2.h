/// martlet_rescale on 8 lanes, bit for bit, each lane with a multiplier and shifts of its own.
#ifndef MARTLET_REQUANT_AVX2_H
#define MARTLET_REQUANT_AVX2_H

#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// martlet_high_mul. `multiplier` >= 0.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i martlet_high_mul_avx2(__m256i x,
                                                                                               __m256i multiplier) {
  const __m256i nudge = _mm256_set1_epi64x((int64_t)1 << 30);
  __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, multiplier), nudge);
  __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(multiplier, 32));
  odd = _mm256_add_epi64(odd, nudge);
  // Bits 31...62 of each product, into the low half of even lanes and the high half of odd ones.
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_add_epi64(odd, odd), 0xAA);
}

/// martlet_round_shift for values that martlet_high_mul can give (never INT32_MIN). `right` in 0...31.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i martlet_round_shift_avx2(__m256i x,
                                                                                                  __m256i right) {
  const __m256i one = _mm256_set1_epi32(1);
  // 0 - right is negative unless right is 0: then its sign bit masks the correction of negative values away.
  __m256i negative = _mm256_srai_epi32(_mm256_and_si256(x, _mm256_sub_epi32(_mm256_setzero_si256(), right)), 31);
  __m256i t = _mm256_add_epi32(x, negative);
  // The bit below the last one kept rounds up; a shift by right - 1 = -1 yields 0.
  __m256i half = _mm256_and_si256(_mm256_srlv_epi32(t, _mm256_sub_epi32(right, one)), one);
  return _mm256_add_epi32(_mm256_srav_epi32(t, right), half);
}

/// `left` = max(shift, 0), `right` = max(-shift, 0).
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i martlet_rescale_avx2(__m256i x,
                                                                                              __m256i multiplier,
                                                                                              __m256i left,
                                                                                              __m256i right) {
  return martlet_round_shift_avx2(martlet_high_mul_avx2(_mm256_sllv_epi32(x, left), multiplier), right);
}

/// 4 x 8 int32 to 32 int8 with saturation, in order.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i martlet_pack_avx2(__m256i a, __m256i b,
                                                                                           __m256i c, __m256i d) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)), order);
}

#endif
#endif

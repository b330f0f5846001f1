/// The rescaling of 8 channels on AVX2 where a ReLU follows.
#ifndef MARTLET_CHANNELS_AVX2_H
#define MARTLET_CHANNELS_AVX2_H

#include "requant_avx2.h"

#if defined(__x86_64__)

/// What martlet_rescale_rectified_avx2 derives from the channels alone, for even and odd lanes.
typedef struct martlet_rectified_avx2 {
  __m256i multiplier_even, multiplier_odd, sum_even, sum_odd, total_even, total_odd;
} martlet_rectified_avx2;

/// Whether every channel shifts to the right by 1 or more: only then martlet_rescale_rectified_avx2 is right.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) bool
martlet_rescale_rectify_avx2(__m256i multiplier, __m256i shift, martlet_rectified_avx2 *out) {
  const __m256i right = _mm256_min_epi32(_mm256_sub_epi32(_mm256_setzero_si256(), shift), _mm256_set1_epi32(31));
  const __m256i even = _mm256_and_si256(right, _mm256_set1_epi64x(0xFFFFFFFF)), odd = _mm256_srli_epi64(right, 32);
  const __m256i nudge = _mm256_set1_epi64x((int64_t)1 << 30);
  out->multiplier_even = multiplier;
  out->multiplier_odd = _mm256_srli_epi64(multiplier, 32);
  out->sum_even = _mm256_add_epi64(nudge, _mm256_sllv_epi64(nudge, even));
  out->sum_odd = _mm256_add_epi64(nudge, _mm256_sllv_epi64(nudge, odd));
  out->total_even = _mm256_add_epi64(even, _mm256_set1_epi64x(31));
  // One less than n leaves the odd lanes' results in the upper halves, where they belong.
  out->total_odd = _mm256_sub_epi64(odd, _mm256_set1_epi64x(1));
  return _mm256_movemask_epi8(_mm256_cmpgt_epi32(shift, _mm256_set1_epi32(-1))) == 0;
}

/// martlet_rescale of 8 accumulators for a caller that will clamp negative results to 0 or above: they come out as 0.
/// For the others both roundings are half up, one 64-bit sum: (x * multiplier + 2^30 + 2^(30 + n)) >> (31 + n).
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i
martlet_rescale_rectified_avx2(__m256i x, const martlet_rectified_avx2 *c) {
  x = _mm256_max_epi32(x, _mm256_setzero_si256());
  __m256i even = _mm256_add_epi64(_mm256_mul_epu32(x, c->multiplier_even), c->sum_even);
  __m256i odd = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(x, 32), c->multiplier_odd), c->sum_odd);
  return _mm256_blend_epi32(_mm256_srlv_epi64(even, c->total_even), _mm256_srlv_epi64(odd, c->total_odd), 0xAA);
}

#endif
#endif

/// The rescaling of 8 channels on AVX2, with what follows from the channels alone computed before.
#ifndef MARTLET_CHANNELS_AVX2_H
#define MARTLET_CHANNELS_AVX2_H

#include "requant_avx2.h"

#if defined(__x86_64__)

/// Multipliers and what both roundings add, for even and odd lanes. With n >= 1 to the right and results of 0 and above
/// both roundings are half up, one 64-bit sum: (x * multiplier + 2^30 + 2^(30 + n)) >> (31 + n). `right` is n - 1, by
/// which the sums' upper halves are shifted.
typedef struct martlet_channels_avx2 {
  __m256i multiplier_even, multiplier_odd, sum_even, sum_odd, right;
  /// The sums less 2^31.
  __m256i less_even, less_odd;
} martlet_channels_avx2;

/// False where a channel does not shift to the right by 1 or more: what follows is then wrong. `shift` may be anything.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) bool
martlet_channels_prepare_avx2(__m256i multiplier, __m256i shift, martlet_channels_avx2 *out) {
  const __m256i none = _mm256_setzero_si256(), nudge = _mm256_set1_epi64x((int64_t)1 << 30);
  const __m256i n = _mm256_sub_epi32(none, _mm256_max_epi32(shift, _mm256_set1_epi32(-31)));
  const __m256i even = _mm256_and_si256(n, _mm256_set1_epi64x(0xFFFFFFFF)), odd = _mm256_srli_epi64(n, 32);
  out->multiplier_even = _mm256_and_si256(multiplier, _mm256_set1_epi32(INT32_MAX));
  out->multiplier_odd = _mm256_srli_epi64(out->multiplier_even, 32);
  out->sum_even = _mm256_add_epi64(nudge, _mm256_sllv_epi64(nudge, even));
  out->sum_odd = _mm256_add_epi64(nudge, _mm256_sllv_epi64(nudge, odd));
  const __m256i less = _mm256_set1_epi64x((int64_t)1 << 31);
  out->less_even = _mm256_sub_epi64(out->sum_even, less);
  out->less_odd = _mm256_sub_epi64(out->sum_odd, less);
  out->right = _mm256_sub_epi32(n, _mm256_set1_epi32(1));
  return _mm256_movemask_epi8(_mm256_cmpgt_epi32(shift, _mm256_set1_epi32(-1))) == 0;
}

/// martlet_rescale of 8 accumulators. `rectified`: for a caller that takes results below 0 as 0; they come out as some
/// value of 0 or below. Otherwise the second rounding is half away from zero: products below 0 add 2^31 less, which
/// for one that the first rounding makes 0 changes nothing.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i
martlet_rescale_channels_avx2(__m256i x, const martlet_channels_avx2 *c, bool rectified) {
  __m256i even = _mm256_mul_epi32(x, c->multiplier_even);
  __m256i odd = _mm256_mul_epi32(_mm256_shuffle_epi32(x, _MM_SHUFFLE(3, 3, 1, 1)), c->multiplier_odd);
  if (rectified) {
    even = _mm256_add_epi64(even, c->sum_even);
    odd = _mm256_add_epi64(odd, c->sum_odd);
  } else {
    const __m256d less_even = _mm256_castsi256_pd(c->less_even), less_odd = _mm256_castsi256_pd(c->less_odd);
    const __m256d sum_even = _mm256_castsi256_pd(c->sum_even), sum_odd = _mm256_castsi256_pd(c->sum_odd);
    const __m256d sign_even = _mm256_castsi256_pd(even), sign_odd = _mm256_castsi256_pd(odd);
    even = _mm256_add_epi64(even, _mm256_castpd_si256(_mm256_blendv_pd(sum_even, less_even, sign_even)));
    odd = _mm256_add_epi64(odd, _mm256_castpd_si256(_mm256_blendv_pd(sum_odd, less_odd, sign_odd)));
  }
  const __m256i high = _mm256_blend_epi32(_mm256_shuffle_epi32(even, _MM_SHUFFLE(3, 3, 1, 1)), odd, 0xAA);
  return _mm256_srav_epi32(high, c->right);
}

#endif
#endif

/// martlet_rescale on 16 lanes, bit for bit, each lane with a multiplier and shifts of its own: at once, or with all
/// that depends on the channels alone spread out once for many pixels.
#ifndef MARTLET_REQUANT_AVX512_H
#define MARTLET_REQUANT_AVX512_H

#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// What the rescaling needs of 16 channels, for even and odd lanes.
///
/// Both roundings are one 64-bit sum: with p = x * multiplier and n the shift to the right,
/// floor((floor((p + 2^30) / 2^31) + k) / 2^n) = floor((p + 2^30 + k 2^31) / 2^(31 + n)), where k is the second
/// rounding's 2^(n-1), less 1 for a negative value (half away from zero); for n = 0 there is no k. The sign of x serves
/// as that of the value: they differ only where the value is 0, and there the 1 changes nothing.
typedef struct martlet_channels_avx512 {
  __m512i bias, multiplier_even, multiplier_odd, sum_even, sum_odd, sign_even, sign_odd, total_even, total_odd;
} martlet_channels_avx512;

/// Whether no channel shifts to the left: only then martlet_rescale_prepared_avx512 is right.
MARTLET_TARGET_avx512vnni static inline __attribute__((always_inline)) bool
martlet_rescale_prepare_avx512(__m512i bias, __m512i multiplier, __m512i shift, martlet_channels_avx512 *out) {
  const __m512i none = _mm512_setzero_si512();
  multiplier = _mm512_and_si512(multiplier, _mm512_set1_epi32(INT32_MAX));
  __m512i right = _mm512_sub_epi32(none, _mm512_max_epi32(shift, _mm512_set1_epi32(-31)));
  __m512i even = _mm512_and_si512(right, _mm512_set1_epi64(0xFFFFFFFF)), odd = _mm512_srli_epi64(right, 32);
  __mmask8 shifts_even = _mm512_test_epi64_mask(even, even), shifts_odd = _mm512_test_epi64_mask(odd, odd);
  const __m512i nudge = _mm512_set1_epi64((int64_t)1 << 30), sign = _mm512_set1_epi64((int64_t)1 << 31);
  out->bias = bias;
  out->multiplier_even = multiplier;
  out->multiplier_odd = _mm512_srli_epi64(multiplier, 32);
  out->sum_even = _mm512_mask_add_epi64(nudge, shifts_even, nudge, _mm512_sllv_epi64(nudge, even));
  out->sum_odd = _mm512_mask_add_epi64(nudge, shifts_odd, nudge, _mm512_sllv_epi64(nudge, odd));
  out->sign_even = _mm512_maskz_mov_epi64(shifts_even, sign);
  out->sign_odd = _mm512_maskz_mov_epi64(shifts_odd, sign);
  out->total_even = _mm512_add_epi64(even, _mm512_set1_epi64(31));
  out->total_odd = _mm512_add_epi64(odd, _mm512_set1_epi64(31));
  return _mm512_cmpgt_epi32_mask(shift, none) == 0;
}

/// martlet_rescale of 16 accumulators.
///
/// `rectified`: the caller will clamp negative results to 0 or above, so how they round is nothing to care about:
/// without the sign's correction they still come out at or below 0.
MARTLET_TARGET_avx512vnni static inline __attribute__((always_inline)) __m512i
martlet_rescale_prepared_avx512(__m512i x, const martlet_channels_avx512 *c, bool rectified) {
  __m512i odd = _mm512_srli_epi64(x, 32);
  __m512i e = _mm512_add_epi64(_mm512_mul_epi32(x, c->multiplier_even), c->sum_even);
  __m512i o = _mm512_add_epi64(_mm512_mul_epi32(odd, c->multiplier_odd), c->sum_odd);
  if (!rectified) {
    e = _mm512_sub_epi64(e, _mm512_and_si512(x, c->sign_even));
    o = _mm512_sub_epi64(o, _mm512_and_si512(odd, c->sign_odd));
  }
  e = _mm512_srav_epi64(e, c->total_even);
  o = _mm512_srav_epi64(o, c->total_odd);
  return _mm512_mask_shuffle_epi32(e, 0xAAAA, o, _MM_PERM_CCAA);
}

/// martlet_rescale. `left` = max(shift, 0), `right` = max(-shift, 0).
MARTLET_TARGET_avx512vnni static inline __attribute__((always_inline)) __m512i
martlet_rescale_avx512(__m512i x, __m512i multiplier, __m512i left, __m512i right) {
  const __m512i none = _mm512_setzero_si512();
  martlet_channels_avx512 channels;
  martlet_rescale_prepare_avx512(none, multiplier, _mm512_sub_epi32(none, right), &channels);
  return martlet_rescale_prepared_avx512(_mm512_sllv_epi32(x, left), &channels, false);
}

#endif
#endif

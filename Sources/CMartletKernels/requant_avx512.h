/// martlet_rescale on 16 lanes, bit for bit, each lane with a multiplier and shifts of its own.
#ifndef MARTLET_REQUANT_AVX512_H
#define MARTLET_REQUANT_AVX512_H

#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// martlet_high_mul. `multiplier` >= 0.
MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) __m512i
martlet_high_mul_avx512(__m512i x, __m512i multiplier) {
  const __m512i nudge = _mm512_set1_epi64((int64_t)1 << 30);
  __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, multiplier), nudge);
  __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(multiplier, 32));
  odd = _mm512_add_epi64(odd, nudge);
  return _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_add_epi64(odd, odd));
}

/// martlet_rescale. `left` = max(shift, 0), `right` = max(-shift, 0).
///
/// Both roundings in one 64-bit sum: floor((floor(p / 2^31) + k) / 2^n) = floor((p + k 2^31) / 2^(31 + n)), where
/// k is the second rounding's 2^(n-1), less 1 for a negative value. The sign of x serves as that of the value: they
/// differ only where the value is 0, and there the 1 changes nothing. For n = 0 there is no k.
MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) __m512i
martlet_rescale_avx512(__m512i x, __m512i multiplier, __m512i left, __m512i right) {
  const __m512i low_half = _mm512_set1_epi64(0xFFFFFFFF);
  __m512i right_even = _mm512_and_si512(right, low_half), right_odd = _mm512_srli_epi64(right, 32);
  __m512i total_even = _mm512_add_epi64(right_even, _mm512_set1_epi64(31));
  __m512i total_odd = _mm512_add_epi64(right_odd, _mm512_set1_epi64(31));
  __mmask8 shifts_even = _mm512_test_epi64_mask(right_even, right_even);
  __mmask8 shifts_odd = _mm512_test_epi64_mask(right_odd, right_odd);
  const __m512i nudge = _mm512_set1_epi64((int64_t)1 << 30), sign_bit = _mm512_set1_epi64((int64_t)1 << 31);
  __m512i sum_even = _mm512_mask_add_epi64(nudge, shifts_even, nudge, _mm512_sllv_epi64(nudge, right_even));
  __m512i sum_odd = _mm512_mask_add_epi64(nudge, shifts_odd, nudge, _mm512_sllv_epi64(nudge, right_odd));
  __m512i sign_even = _mm512_maskz_mov_epi64(shifts_even, sign_bit);
  __m512i sign_odd = _mm512_maskz_mov_epi64(shifts_odd, sign_bit);
  // All above depends on the channel alone and leaves the caller's loop over pixels.
  __m512i e = _mm512_sllv_epi32(x, left), o = _mm512_srli_epi64(e, 32);
  __m512i pe = _mm512_add_epi64(_mm512_mul_epi32(e, multiplier), sum_even);
  __m512i po = _mm512_add_epi64(_mm512_mul_epi32(o, _mm512_srli_epi64(multiplier, 32)), sum_odd);
  pe = _mm512_srav_epi64(_mm512_sub_epi64(pe, _mm512_and_si512(e, sign_even)), total_even);
  po = _mm512_srav_epi64(_mm512_sub_epi64(po, _mm512_and_si512(o, sign_odd)), total_odd);
  return _mm512_mask_shuffle_epi32(pe, 0xAAAA, po, _MM_PERM_CCAA);
}

#endif
#endif

#include "operators.h"
#include "pool.h"
#include "sum_avx512.h"

#if defined(__x86_64__)

typedef struct rounding {
  /// What is added to a sum to make it the dividend, and what is taken from the quotient.
  __m512i multiplier, half, bias, back, low, high;
  __m128i shift;
  bool is_unsigned;
} rounding;

/// v / count for 16 lanes, by martlet_divisor_of.
MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) __m512i quotient(__m512i v, const rounding *r) {
  __m512i even = _mm512_srl_epi64(_mm512_mul_epu32(v, r->multiplier), r->shift);
  __m512i odd = _mm512_srl_epi64(_mm512_mul_epu32(_mm512_srli_epi64(v, 32), r->multiplier), r->shift);
  return _mm512_mask_shuffle_epi32(even, 0xAAAA, odd, _MM_PERM_CCAA);
}

MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) __m128i average(__m512i sum, const rounding *r) {
  __m512i y;
  if (r->is_unsigned) {
    y = _mm512_sub_epi32(quotient(_mm512_add_epi32(sum, r->bias), r), r->back);
  } else {
    __m512i magnitude = quotient(_mm512_add_epi32(_mm512_abs_epi32(sum), r->half), r);
    y = _mm512_mask_sub_epi32(magnitude, _mm512_movepi32_mask(sum), _mm512_setzero_si512(), magnitude);
  }
  return _mm512_cvtepi32_epi8(_mm512_max_epi32(_mm512_min_epi32(y, r->high), r->low));
}

MARTLET_TARGET_AVX512 static void pixel(const martlet_pool_params *p, const martlet_pool_item *item) {
  martlet_window w = item->window;
  int8_t *out = item->out;
  int32_t count = w.rows * w.columns;
  martlet_divisor divisor = martlet_divisor_of(count);
  rounding r;
  r.multiplier = _mm512_set1_epi64((int64_t)divisor.multiplier);
  r.half = _mm512_set1_epi32(count / 2);
  r.bias = _mm512_set1_epi32(128 * count + count / 2);
  r.back = _mm512_set1_epi32(128);
  r.low = _mm512_set1_epi32(p->clamp_min);
  r.high = _mm512_set1_epi32(p->clamp_max);
  r.shift = _mm_cvtsi32_si128(divisor.shift);
  r.is_unsigned = p->unsigned_rounding != 0;
  for (int32_t c = 0; c < item->channels; c += 64) {
    int32_t left = item->channels - c;
    __mmask64 mask = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
    martlet_sums_avx512 sums = {{_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                                 _mm512_setzero_si512()}};
    martlet_sum_avx512(&sums, w.in + c, p->channels, w.columns, w.row_bytes, w.rows, mask);
    for (int i = 0; i < 4 && 16 * i < left; i++) {
      _mm_mask_storeu_epi8(out + c + 16 * i, (__mmask16)(mask >> (16 * i)), average(sums.quarter[i], &r));
    }
  }
}

MARTLET_TARGET_AVX512 void martlet_average_pool_avx512(const void *params, const martlet_buffers *buffers,
                                                       int32_t first, int32_t last, void *scratch) {
  const martlet_pool_params *p = params;
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DIVISOR_LIMIT) {
    return martlet_average_pool_scalar(params, buffers, first, last, scratch);
  }
  martlet_pool_run(p, buffers, first, last, pixel);
}
#endif

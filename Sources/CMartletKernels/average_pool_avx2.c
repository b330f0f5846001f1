#include "pool.h"
#include "sum_avx2.h"
#include "variants.h"

#if defined(__x86_64__)

typedef struct rounding {
  /// Of the window that this is for; 0 at first.
  int32_t count;
  /// What is added to a sum to make it the dividend, and what is taken from the quotient.
  __m256i multiplier, half, bias, back, low, high;
  __m128i shift;
  bool is_unsigned;
} rounding;

/// v / count for 8 lanes, by martlet_divisor_of.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i quotient(__m256i v, const rounding *r) {
  __m256i even = _mm256_srl_epi64(_mm256_mul_epu32(v, r->multiplier), r->shift);
  __m256i odd = _mm256_srl_epi64(_mm256_mul_epu32(_mm256_srli_epi64(v, 32), r->multiplier), r->shift);
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
}

MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i average(__m256i sum, const rounding *r) {
  __m256i y;
  if (r->is_unsigned) {
    y = _mm256_sub_epi32(quotient(_mm256_add_epi32(sum, r->bias), r), r->back);
  } else {
    y = _mm256_sign_epi32(quotient(_mm256_add_epi32(_mm256_abs_epi32(sum), r->half), r), sum);
  }
  return _mm256_max_epi32(_mm256_min_epi32(y, r->high), r->low);
}

MARTLET_TARGET_avx2 static void prepare(const martlet_pool_params *p, int32_t count, rounding *r) {
  martlet_divisor divisor = martlet_divisor_of(count);
  r->count = count;
  r->multiplier = _mm256_set1_epi64x((int64_t)divisor.multiplier);
  r->half = _mm256_set1_epi32(count / 2);
  r->bias = _mm256_set1_epi32(128 * count + count / 2);
  r->back = _mm256_set1_epi32(128);
  r->low = _mm256_set1_epi32(p->clamp_min);
  r->high = _mm256_set1_epi32(p->clamp_max);
  r->shift = _mm_cvtsi32_si128(divisor.shift);
  r->is_unsigned = p->unsigned_rounding != 0;
}

MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) void
channels(const martlet_pool_params *p, const martlet_window *w, int8_t *out, int32_t c, const rounding *r, bool wide) {
  martlet_sums_avx2 sums = {{_mm256_setzero_si256(), _mm256_setzero_si256()}};
  martlet_sum_avx2(&sums, w->in + c, p->channels, w->columns, w->row_bytes, w->rows, wide);
  __m128i bytes = martlet_narrow_avx2(average(sums.half[0], r), wide ? average(sums.half[1], r) : sums.half[1]);
  if (wide) _mm_storeu_si128((__m128i *)(out + c), bytes);
  else _mm_storel_epi64((__m128i *)(out + c), bytes);
}

MARTLET_TARGET_avx2 static void pixel(const martlet_pool_params *p, const martlet_pool_item *item, void *context) {
  martlet_window w = item->window;
  int8_t *out = item->out;
  const int32_t count = w.rows * w.columns, n = item->channels;
  int32_t c = 0;
  rounding *r = context;
  if (r->count != count) prepare(p, count, r);
  if (n >= 16) {
    for (; c < n; c = martlet_next_channels(c, 16, n)) channels(p, &w, out, c, r, true);
  } else if (n >= 8) {
    for (; c < n; c = martlet_next_channels(c, 8, n)) channels(p, &w, out, c, r, false);
  }
  MARTLET_REST
  for (; c < n; c++) out[c] = martlet_pool_average(p, martlet_pool_sum(p, w, c), count);
}

MARTLET_KERNEL(average_pool, avx2, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DIVISOR_LIMIT) {
    return martlet_average_pool_scalar(p, buffers, first, last, scratch);
  }
  rounding r = {.count = 0};
  martlet_pool_run(p, buffers, first, last, pixel, &r);
}
#endif

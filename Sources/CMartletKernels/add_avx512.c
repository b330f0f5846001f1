#include "elementwise.h"
#include "operators.h"
#include "walk.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// A rescale whose input is below 2^30 and whose shift is not positive: all in 32 bits but the product.
typedef struct narrow {
  __m512i multiplier, half;
  __m128i right;
  /// The multiplier is 1/2, there is no shift and the input is even: exactly one bit less.
  bool halves;
} narrow;

MARTLET_TARGET_AVX512 static narrow narrow_of(int32_t multiplier, int32_t shift, bool even) {
  narrow r;
  r.multiplier = _mm512_set1_epi32(multiplier);
  r.half = _mm512_set1_epi32(shift < 0 ? 1 << (-shift - 1) : 0);
  r.right = _mm_cvtsi32_si128(-shift);
  r.halves = even && multiplier == 1 << 30 && shift == 0;
  return r;
}

/// Rescales half of `doubled`, which must be even.
MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) __m512i
rescale_half(__m512i doubled, const narrow *r) {
  if (r->halves) return _mm512_srai_epi32(doubled, 2);
  const __m512i nudge = _mm512_set1_epi64((int64_t)1 << 31);
  __m512i even = _mm512_add_epi64(_mm512_mul_epi32(doubled, r->multiplier), nudge);
  __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(doubled, 32), r->multiplier), nudge);
  __m512i y = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
  if (_mm_cvtsi128_si32(r->right) == 0) return y;
  return _mm512_sra_epi32(_mm512_add_epi32(_mm512_add_epi32(y, r->half), _mm512_srai_epi32(y, 31)), r->right);
}

typedef struct prepared {
  narrow a, b, out;
  __m512i zero_point_a, zero_point_b, zero_point_out;
  __m128i clamp_min, clamp_max, left;
  bool subtract;
} prepared;

MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) __m128i
add_16(const prepared *c, __m128i a, __m128i b) {
  __m512i x = _mm512_sub_epi32(_mm512_cvtepi8_epi32(a), c->zero_point_a);
  __m512i y = _mm512_sub_epi32(_mm512_cvtepi8_epi32(b), c->zero_point_b);
  x = rescale_half(_mm512_sll_epi32(x, c->left), &c->a);
  y = rescale_half(_mm512_sll_epi32(y, c->left), &c->b);
  __m512i sum = c->subtract ? _mm512_sub_epi32(x, y) : _mm512_add_epi32(x, y);
  sum = _mm512_add_epi32(rescale_half(_mm512_add_epi32(sum, sum), &c->out), c->zero_point_out);
  return _mm_max_epi8(_mm_min_epi8(_mm512_cvtsepi32_epi8(sum), c->clamp_max), c->clamp_min);
}

MARTLET_TARGET_AVX512 static void row(const void *params, const int8_t *a, int64_t stride_a, const int8_t *b,
                                      int64_t stride_b, int8_t *out, int32_t n) {
  const martlet_add_params *p = params;
  if ((stride_a != 1 && stride_a != 0) || (stride_b != 1 && stride_b != 0)) {
    for (int32_t i = 0; i < n; i++) out[i] = martlet_add_one(p, a[i * stride_a], b[i * stride_b]);
    return;
  }
  prepared c;
  c.a = narrow_of(p->multiplier0, p->shift0, true);
  c.b = narrow_of(p->multiplier1, p->shift1, true);
  c.out = narrow_of(p->output_multiplier, p->output_shift, false);
  c.zero_point_a = _mm512_set1_epi32(p->zero_point0);
  c.zero_point_b = _mm512_set1_epi32(p->zero_point1);
  c.zero_point_out = _mm512_set1_epi32(p->output_zero_point);
  c.clamp_min = _mm_set1_epi8((char)p->clamp_min);
  c.clamp_max = _mm_set1_epi8((char)p->clamp_max);
  c.left = _mm_cvtsi32_si128(p->left_shift + 1);
  c.subtract = p->subtract != 0;
  __m128i x = _mm_set1_epi8(a[0]), y = _mm_set1_epi8(b[0]);
  for (int32_t i = 0; i < n; i += 16) {
    __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    if (stride_a) x = _mm_maskz_loadu_epi8(mask, a + i);
    if (stride_b) y = _mm_maskz_loadu_epi8(mask, b + i);
    _mm_mask_storeu_epi8(out + i, mask, add_16(&c, x, y));
  }
}

MARTLET_TARGET_AVX512 void martlet_add_avx512(const void *params, const martlet_buffers *buffers, int32_t first,
                                              int32_t last, void *scratch) {
  const martlet_add_params *p = params;
  if (!martlet_add_is_narrow(p)) return martlet_add_scalar(params, buffers, first, last, scratch);
  martlet_binary_run(p, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}
#endif

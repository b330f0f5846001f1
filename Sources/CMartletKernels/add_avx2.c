#include "elementwise.h"
#include "operators.h"
#include "walk.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// A rescale whose input is below 2^30 and whose shift is not positive: all in 32 bits but the product.
typedef struct narrow {
  __m256i multiplier, half;
  __m128i right;
  bool shifts;
  /// The multiplier is 1/2, there is no shift and the input is even: exactly one bit less.
  bool halves;
} narrow;

typedef struct prepared {
  const martlet_add_params *params;
  narrow a, b, out;
  __m256i zero_point_a, zero_point_b, zero_point_out;
  __m128i clamp_min, clamp_max, left;
  bool subtract;
} prepared;

MARTLET_TARGET_AVX2 static narrow narrow_of(int32_t multiplier, int32_t shift, bool even) {
  narrow r;
  r.multiplier = _mm256_set1_epi32(multiplier);
  r.half = _mm256_set1_epi32(shift < 0 ? 1 << (-shift - 1) : 0);
  r.right = _mm_cvtsi32_si128(-shift);
  r.shifts = shift < 0;
  r.halves = even && multiplier == 1 << 30 && shift == 0;
  return r;
}

/// Rescales half of `doubled`, which is even.
MARTLET_TARGET_AVX2 static inline __attribute__((always_inline)) __m256i
rescale_half(__m256i doubled, const narrow *r) {
  if (r->halves) return _mm256_srai_epi32(doubled, 2);
  const __m256i nudge = _mm256_set1_epi64x((int64_t)1 << 31);
  __m256i even = _mm256_add_epi64(_mm256_mul_epi32(doubled, r->multiplier), nudge);
  __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(doubled, 32), r->multiplier), nudge);
  __m256i y = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
  if (!r->shifts) return y;
  return _mm256_sra_epi32(_mm256_add_epi32(_mm256_add_epi32(y, r->half), _mm256_srai_epi32(y, 31)), r->right);
}

/// 8 sums in the low half.
MARTLET_TARGET_AVX2 static inline __attribute__((always_inline)) __m128i
add_8(const prepared *c, __m128i a, __m128i b) {
  __m256i x = _mm256_sub_epi32(_mm256_cvtepi8_epi32(a), c->zero_point_a);
  __m256i y = _mm256_sub_epi32(_mm256_cvtepi8_epi32(b), c->zero_point_b);
  x = rescale_half(_mm256_sll_epi32(x, c->left), &c->a);
  y = rescale_half(_mm256_sll_epi32(y, c->left), &c->b);
  __m256i sum = c->subtract ? _mm256_sub_epi32(x, y) : _mm256_add_epi32(x, y);
  sum = _mm256_add_epi32(rescale_half(_mm256_add_epi32(sum, sum), &c->out), c->zero_point_out);
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return _mm_max_epi8(_mm_min_epi8(_mm_packs_epi16(words, words), c->clamp_max), c->clamp_min);
}

MARTLET_TARGET_AVX2 static void row(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b,
                                    int64_t stride_b, int8_t *out, int32_t n) {
  const prepared *c = context;
  int32_t i = 0;
  if ((stride_a == 1 || stride_a == 0) && (stride_b == 1 || stride_b == 0)) {
    __m128i x = _mm_set1_epi8(a[0]), y = _mm_set1_epi8(b[0]);
    for (; i + 8 <= n; i += 8) {
      if (stride_a) x = _mm_loadl_epi64((const __m128i *)(a + i));
      if (stride_b) y = _mm_loadl_epi64((const __m128i *)(b + i));
      _mm_storel_epi64((__m128i *)(out + i), add_8(c, x, y));
    }
  }
  for (; i < n; i++) out[i] = martlet_add_one(c->params, a[i * stride_a], b[i * stride_b]);
}

MARTLET_TARGET_AVX2 void martlet_add_avx2(const void *params, const martlet_buffers *buffers, int32_t first,
                                          int32_t last, void *scratch) {
  const martlet_add_params *p = params;
  if (!martlet_add_is_narrow(p)) return martlet_add_scalar(params, buffers, first, last, scratch);
  prepared c;
  c.params = p;
  c.a = narrow_of(p->multiplier0, p->shift0, true);
  c.b = narrow_of(p->multiplier1, p->shift1, true);
  c.out = narrow_of(p->output_multiplier, p->output_shift, false);
  c.zero_point_a = _mm256_set1_epi32(p->zero_point0);
  c.zero_point_b = _mm256_set1_epi32(p->zero_point1);
  c.zero_point_out = _mm256_set1_epi32(p->output_zero_point);
  c.clamp_min = _mm_set1_epi8((char)p->clamp_min);
  c.clamp_max = _mm_set1_epi8((char)p->clamp_max);
  c.left = _mm_cvtsi32_si128(p->left_shift + 1);
  c.subtract = p->subtract != 0;
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}
#endif

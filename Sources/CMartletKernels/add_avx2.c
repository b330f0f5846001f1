#include "binary.h"
#include "elementwise.h"

#if defined(__x86_64__)
#include <immintrin.h>

typedef struct term {
  bool halves;
  __m256i zero_point, high, low, bias;
  __m128i right;
} term;

typedef struct prepared {
  const martlet_add_params *params;
  term a, b;
  __m256i multiplier, nudge, negative_below;
  __m128i clamp_min, clamp_max, right;
  bool subtract;
} prepared;

/// A 32-bit lane holds a 9-bit number with its sign extended; the upper 16 bits meet a zero in the constant.
MARTLET_TARGET_avx2 static term term_of(const martlet_add_term *from, int32_t zero_point) {
  term t = {.halves = from->halves, .zero_point = _mm256_set1_epi32(zero_point)};
  if (from->halves) return t;
  t.high = _mm256_set1_epi32(from->high & 0xFFFF);
  t.low = _mm256_set1_epi32(from->low & 0xFFFF);
  t.bias = _mm256_set1_epi32(from->bias);
  t.right = _mm_cvtsi32_si128(from->right);
  return t;
}

/// A term of the sum; where it is just shifted its zero point is still in it.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i term_8(const term *t, __m128i bytes) {
  __m256i x = _mm256_cvtepi8_epi32(bytes);
  if (t->halves) return _mm256_slli_epi32(x, 19);
  x = _mm256_sub_epi32(x, t->zero_point);
  __m256i high = _mm256_slli_epi32(_mm256_madd_epi16(x, t->high), 5);
  __m256i low = _mm256_srai_epi32(_mm256_add_epi32(_mm256_madd_epi16(x, t->low), t->bias), 11);
  // Half away from zero: one less for negative values.
  __m256i y = _mm256_add_epi32(_mm256_add_epi32(high, low), _mm256_srai_epi32(x, 31));
  return _mm256_sra_epi32(y, t->right);
}

/// 8 sums in the low half.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m128i add_8(const prepared *c, __m128i a,
                                                                               __m128i b) {
  __m256i x = term_8(&c->a, a), y = term_8(&c->b, b);
  __m256i sum = c->subtract ? _mm256_sub_epi32(x, y) : _mm256_add_epi32(x, y);
  __m256i doubled = _mm256_add_epi32(sum, sum);
  __m256i even = _mm256_add_epi64(_mm256_mul_epi32(doubled, c->multiplier), c->nudge);
  __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(doubled, 32), c->multiplier), c->nudge);
  __m256i out = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
  out = _mm256_sra_epi32(_mm256_add_epi32(out, _mm256_cmpgt_epi32(c->negative_below, doubled)), c->right);
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(out), _mm256_extracti128_si256(out, 1));
  return _mm_max_epi8(_mm_min_epi8(_mm_packs_epi16(words, words), c->clamp_max), c->clamp_min);
}

MARTLET_BINARY_ROW(add, avx2)

MARTLET_KERNEL(add, avx2, p) {
  martlet_add_plan plan;
  if (!martlet_add_plan_of(&plan, p)) return martlet_add_scalar(p, buffers, first, last, scratch);
  prepared c;
  c.params = p;
  c.a = term_of(&plan.a, p->zero_point0);
  c.b = term_of(&plan.b, p->zero_point1);
  c.multiplier = _mm256_set1_epi32(p->output_multiplier);
  c.nudge = _mm256_set1_epi64x(plan.nudge);
  c.negative_below = _mm256_set1_epi32(-2 * plan.offset);
  c.clamp_min = _mm_set1_epi8((char)p->clamp_min);
  c.clamp_max = _mm_set1_epi8((char)p->clamp_max);
  c.right = _mm_cvtsi32_si128(plan.right);
  c.subtract = p->subtract != 0;
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, add_row);
}
#endif

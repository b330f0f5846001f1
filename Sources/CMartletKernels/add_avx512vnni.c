#include "binary.h"
#include "elementwise.h"

#if defined(__x86_64__)
#include <immintrin.h>

typedef struct term {
  bool halves;
  __m512i zero_point, high, high_bias, low, low_bias;
  __m128i right;
} term;

typedef struct prepared {
  const martlet_add_params *params;
  term a, b;
  __m512i multiplier, nudge, negative_below, clamp_min, clamp_max;
  __m128i right;
  bool subtract;
} prepared;

/// What is the same for a whole call. `common`: a sum whose first term is just shifted and whose second is not, as
/// nearly all are. `rectified`: the clamp leaves nothing of negative sums, so it does not matter how they round.
typedef struct shape {
  bool common, rectified;
} shape;

#define INLINE static inline __attribute__((always_inline))

/// A 32-bit lane holds x with its sign extended; the upper 16 bits meet a zero in the constant.
MARTLET_TARGET_avx512vnni static term term_of(const martlet_add_term *from, int32_t zero_point) {
  term t = {.halves = from->halves, .zero_point = _mm512_set1_epi32(zero_point)};
  if (from->halves) return t;
  t.high = _mm512_set1_epi32(from->high & 0xFFFF);
  t.low = _mm512_set1_epi32(from->low & 0xFFFF);
  t.high_bias = _mm512_set1_epi32(-zero_point * from->high);
  t.low_bias = _mm512_set1_epi32(from->bias - zero_point * from->low);
  t.right = _mm_cvtsi32_si128(from->right);
  return t;
}

/// A term of the sum; where it is just shifted its zero point is still in it.
MARTLET_TARGET_avx512vnni INLINE __m512i term_16(const term *t, __m512i x, bool halves) {
  if (halves) return _mm512_slli_epi32(x, 19);
  __m512i high = _mm512_slli_epi32(_mm512_dpwssd_epi32(t->high_bias, x, t->high), 5);
  __m512i low = _mm512_srai_epi32(_mm512_dpwssd_epi32(t->low_bias, x, t->low), 11);
  __m512i y = _mm512_add_epi32(high, low);
  // Half away from zero: one less for negative values.
  y = _mm512_mask_sub_epi32(y, _mm512_cmplt_epi32_mask(x, t->zero_point), y, _mm512_set1_epi32(1));
  return _mm512_sra_epi32(y, t->right);
}

MARTLET_TARGET_avx512vnni INLINE __m512i add_16(const prepared *c, __m128i a, __m128i b, shape s) {
  __m512i x = term_16(&c->a, _mm512_cvtepi8_epi32(a), s.common || c->a.halves);
  __m512i y = term_16(&c->b, _mm512_cvtepi8_epi32(b), !s.common && c->b.halves);
  __m512i sum = !s.common && c->subtract ? _mm512_sub_epi32(x, y) : _mm512_add_epi32(x, y);
  __m512i doubled = _mm512_add_epi32(sum, sum);
  __m512i even = _mm512_add_epi64(_mm512_mul_epi32(doubled, c->multiplier), c->nudge);
  __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(doubled, 32), c->multiplier), c->nudge);
  __m512i out = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
  if (s.rectified) return _mm512_sra_epi32(out, c->right);
  __mmask16 negative = _mm512_cmplt_epi32_mask(doubled, c->negative_below);
  return _mm512_sra_epi32(_mm512_mask_sub_epi32(out, negative, out, _mm512_set1_epi32(1)), c->right);
}

/// 64 sums of inputs that either step or repeat. Packing works on lanes of 128 bits: the 32-bit elements of the
/// result are put in order last.
MARTLET_TARGET_avx512vnni INLINE __m512i add_64(const prepared *c, const int8_t *a, bool step_a, __m128i x,
                                                const int8_t *b, bool step_b, __m128i y, shape s) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  __m512i out[4];
  for (int i = 0; i < 4; i++) {
    if (step_a) x = _mm_loadu_si128((const __m128i *)(a + 16 * i));
    if (step_b) y = _mm_loadu_si128((const __m128i *)(b + 16 * i));
    out[i] = add_16(c, x, y, s);
  }
  __m512i packed = _mm512_packs_epi16(_mm512_packs_epi32(out[0], out[1]), _mm512_packs_epi32(out[2], out[3]));
  packed = _mm512_max_epi8(_mm512_min_epi8(packed, c->clamp_max), c->clamp_min);
  return _mm512_permutexvar_epi32(order, packed);
}

MARTLET_TARGET_avx512vnni INLINE void row(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b,
                                          int64_t stride_b, int8_t *out, int32_t n, shape s) {
  // A copy, which the output cannot be an alias of: it stays in registers.
  const prepared copy = *(const prepared *)context, *c = &copy;
  if ((stride_a != 1 && stride_a != 0) || (stride_b != 1 && stride_b != 0)) {
    MARTLET_REST
    for (int32_t i = 0; i < n; i++) out[i] = martlet_add_one(c->params, a[i * stride_a], b[i * stride_b]);
    return;
  }
  __m128i x = _mm_set1_epi8(a[0]), y = _mm_set1_epi8(b[0]);
  int32_t i = 0;
  for (; i + 64 <= n; i += 64) {
    _mm512_storeu_si512(out + i, add_64(c, a + i * stride_a, stride_a, x, b + i * stride_b, stride_b, y, s));
  }
  __m128i low = _mm512_castsi512_si128(c->clamp_min), high = _mm512_castsi512_si128(c->clamp_max);
  for (; i < n; i += 16) {
    __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    if (stride_a) x = _mm_maskz_loadu_epi8(mask, a + i);
    if (stride_b) y = _mm_maskz_loadu_epi8(mask, b + i);
    __m128i sum = _mm512_cvtsepi32_epi8(add_16(c, x, y, s));
    _mm_mask_storeu_epi8(out + i, mask, _mm_max_epi8(_mm_min_epi8(sum, high), low));
  }
}

#define ROW(NAME, ...)                                                                                                \
  MARTLET_TARGET_avx512vnni static void NAME(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b, \
                                             int64_t stride_b, int8_t *out, int32_t n) {                              \
    row(context, a, stride_a, b, stride_b, out, n, (shape){__VA_ARGS__});                                             \
  }
ROW(any_row, .common = false)
ROW(common_row, .common = true)
ROW(common_relu_row, .common = true, .rectified = true)

MARTLET_KERNEL(add, avx512vnni, p) {
  martlet_add_plan plan;
  if (!martlet_add_plan_of(&plan, p)) return martlet_add_scalar(p, buffers, first, last, scratch);
  prepared c;
  c.params = p;
  c.a = term_of(&plan.a, p->zero_point0);
  c.b = term_of(&plan.b, p->zero_point1);
  c.multiplier = _mm512_set1_epi32(p->output_multiplier);
  c.nudge = _mm512_set1_epi64(plan.nudge);
  c.negative_below = _mm512_set1_epi32(-2 * plan.offset);
  c.clamp_min = _mm512_set1_epi8((char)p->clamp_min);
  c.clamp_max = _mm512_set1_epi8((char)p->clamp_max);
  c.right = _mm_cvtsi32_si128(plan.right);
  c.subtract = p->subtract != 0;
  if (p->subtract || c.a.halves == c.b.halves) {
    martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, any_row);
    return;
  }
  const martlet_binary_row run = p->clamp_min >= p->output_zero_point ? common_relu_row : common_row;
  if (c.a.halves) {
    martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, run);
    return;
  }
  const martlet_buffers swapped = {{buffers->input[1], buffers->input[0]}, buffers->output, buffers->weights};
  const term a = c.a;
  c.a = c.b;
  c.b = a;
  martlet_binary_run(&c, p->shape, p->stride1, p->stride0, &swapped, first, last, run);
}
#endif

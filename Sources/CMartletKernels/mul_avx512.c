#include "elementwise.h"
#include "operators.h"
#include "requant_avx512.h"
#include "walk.h"

#if defined(__x86_64__)

typedef struct prepared {
  const martlet_mul_params *params;
  __m512i zero_point_a, zero_point_b, zero_point_out, multiplier, left, right, low, high;
} prepared;

MARTLET_TARGET_AVX512 static void row(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b,
                                      int64_t stride_b, int8_t *out, int32_t n) {
  const prepared *c = context;
  if ((stride_a != 1 && stride_a != 0) || (stride_b != 1 && stride_b != 0)) {
    for (int32_t i = 0; i < n; i++) out[i] = martlet_mul_one(c->params, a[i * stride_a], b[i * stride_b]);
    return;
  }
  __m128i x = _mm_set1_epi8(a[0]), y = _mm_set1_epi8(b[0]);
  for (int32_t i = 0; i < n; i += 16) {
    __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    if (stride_a) x = _mm_maskz_loadu_epi8(mask, a + i);
    if (stride_b) y = _mm_maskz_loadu_epi8(mask, b + i);
    __m512i product = _mm512_mullo_epi32(_mm512_sub_epi32(_mm512_cvtepi8_epi32(x), c->zero_point_a),
                                         _mm512_sub_epi32(_mm512_cvtepi8_epi32(y), c->zero_point_b));
    // The rescaled value may wrap when the zero point is added, as the scalar one does: clamp in 32 bits.
    product = _mm512_add_epi32(martlet_rescale_avx512(product, c->multiplier, c->left, c->right), c->zero_point_out);
    product = _mm512_max_epi32(_mm512_min_epi32(product, c->high), c->low);
    _mm_mask_storeu_epi8(out + i, mask, _mm512_cvtepi32_epi8(product));
  }
}

MARTLET_TARGET_AVX512 void martlet_mul_avx512(const void *params, const martlet_buffers *buffers, int32_t first,
                                              int32_t last, void *scratch) {
  const martlet_mul_params *p = params;
  (void)scratch;
  prepared c;
  c.params = p;
  c.zero_point_a = _mm512_set1_epi32(p->zero_point0);
  c.zero_point_b = _mm512_set1_epi32(p->zero_point1);
  c.zero_point_out = _mm512_set1_epi32(p->output_zero_point);
  c.multiplier = _mm512_set1_epi32(p->multiplier);
  c.left = _mm512_set1_epi32(martlet_max(p->shift, 0));
  c.right = _mm512_set1_epi32(martlet_max(-p->shift, 0));
  c.low = _mm512_set1_epi32(p->clamp_min);
  c.high = _mm512_set1_epi32(p->clamp_max);
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}
#endif

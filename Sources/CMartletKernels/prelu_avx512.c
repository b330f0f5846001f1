#include "elementwise.h"
#include "operators.h"
#include "requant_avx512.h"
#include "walk.h"

#if defined(__x86_64__)

/// One side's rescale.
typedef struct side {
  __m512i multiplier, left, right;
} side;

typedef struct prepared {
  const martlet_prelu_params *params;
  __m512i zero_point_in, zero_point_alpha, zero_point_out;
  side positive, negative;
} prepared;

MARTLET_TARGET_AVX512 static side side_of(int32_t multiplier, int32_t shift) {
  side s = {_mm512_set1_epi32(multiplier), _mm512_set1_epi32(martlet_max(shift, 0)),
            _mm512_set1_epi32(martlet_max(-shift, 0))};
  return s;
}

MARTLET_TARGET_AVX512 static inline __attribute__((always_inline)) __m128i
prelu_16(const prepared *c, __m128i a, __m128i b) {
  __m512i x = _mm512_sub_epi32(_mm512_cvtepi8_epi32(a), c->zero_point_in);
  __m512i slope = _mm512_sub_epi32(_mm512_cvtepi8_epi32(b), c->zero_point_alpha);
  __mmask16 negative = _mm512_movepi32_mask(x);
  // One rescale with each lane's own constants.
  __m512i y = martlet_rescale_avx512(_mm512_mask_mullo_epi32(x, negative, x, slope),
                                     _mm512_mask_mov_epi32(c->positive.multiplier, negative, c->negative.multiplier),
                                     _mm512_mask_mov_epi32(c->positive.left, negative, c->negative.left),
                                     _mm512_mask_mov_epi32(c->positive.right, negative, c->negative.right));
  return _mm512_cvtsepi32_epi8(_mm512_add_epi32(y, c->zero_point_out));
}

MARTLET_TARGET_AVX512 static void row(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b,
                                      int64_t stride_b, int8_t *out, int32_t n) {
  const prepared *c = context;
  if ((stride_a != 1 && stride_a != 0) || (stride_b != 1 && stride_b != 0)) {
    for (int32_t i = 0; i < n; i++) out[i] = martlet_prelu_one(c->params, a[i * stride_a], b[i * stride_b]);
    return;
  }
  __m128i x = _mm_set1_epi8(a[0]), alpha = _mm_set1_epi8(b[0]);
  for (int32_t i = 0; i < n; i += 16) {
    __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    if (stride_a) x = _mm_maskz_loadu_epi8(mask, a + i);
    if (stride_b) alpha = _mm_maskz_loadu_epi8(mask, b + i);
    _mm_mask_storeu_epi8(out + i, mask, prelu_16(c, x, alpha));
  }
}

MARTLET_TARGET_AVX512 void martlet_prelu_avx512(const void *params, const martlet_buffers *buffers, int32_t first,
                                                int32_t last, void *scratch) {
  const martlet_prelu_params *p = params;
  (void)scratch;
  prepared c;
  c.params = p;
  c.zero_point_in = _mm512_set1_epi32(p->input_zero_point);
  c.zero_point_alpha = _mm512_set1_epi32(p->alpha_zero_point);
  c.zero_point_out = _mm512_set1_epi32(p->output_zero_point);
  c.positive = side_of(p->positive_multiplier, p->positive_shift);
  c.negative = side_of(p->negative_multiplier, p->negative_shift);
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}
#endif

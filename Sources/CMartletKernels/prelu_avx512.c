#include "elementwise.h"
#include "operators.h"
#include "requant_avx512.h"
#include "walk.h"

#if defined(__x86_64__)

MARTLET_TARGET_AVX512 static void row(const void *params, const int8_t *a, int64_t stride_a, const int8_t *b,
                                      int64_t stride_b, int8_t *out, int32_t n) {
  const martlet_prelu_params *p = params;
  if ((stride_a != 1 && stride_a != 0) || (stride_b != 1 && stride_b != 0)) {
    for (int32_t i = 0; i < n; i++) out[i] = martlet_prelu_one(p, a[i * stride_a], b[i * stride_b]);
    return;
  }
  const __m512i zero_point_in = _mm512_set1_epi32(p->input_zero_point), zero = _mm512_setzero_si512();
  const __m512i zero_point_alpha = _mm512_set1_epi32(p->alpha_zero_point);
  const __m512i zero_point_out = _mm512_set1_epi32(p->output_zero_point);
  const __m512i low = _mm512_set1_epi32(-128), high = _mm512_set1_epi32(127);
  const __m512i pm = _mm512_set1_epi32(p->positive_multiplier), nm = _mm512_set1_epi32(p->negative_multiplier);
  const __m512i pl = _mm512_set1_epi32(martlet_max(p->positive_shift, 0));
  const __m512i pr = _mm512_set1_epi32(martlet_max(-p->positive_shift, 0));
  const __m512i nl = _mm512_set1_epi32(martlet_max(p->negative_shift, 0));
  const __m512i nr = _mm512_set1_epi32(martlet_max(-p->negative_shift, 0));
  __m128i x = _mm_set1_epi8(a[0]), alpha = _mm_set1_epi8(b[0]);
  for (int32_t i = 0; i < n; i += 16) {
    __mmask16 mask = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    if (stride_a) x = _mm_maskz_loadu_epi8(mask, a + i);
    if (stride_b) alpha = _mm_maskz_loadu_epi8(mask, b + i);
    __m512i v = _mm512_sub_epi32(_mm512_cvtepi8_epi32(x), zero_point_in);
    __mmask16 negative = _mm512_cmplt_epi32_mask(v, zero);
    __m512i slope = _mm512_sub_epi32(_mm512_cvtepi8_epi32(alpha), zero_point_alpha);
    __m512i scaled = _mm512_mask_mullo_epi32(v, negative, v, slope);
    // One rescale with each lane's own constants.
    __m512i y = martlet_rescale_avx512(scaled, _mm512_mask_mov_epi32(pm, negative, nm),
                                       _mm512_mask_mov_epi32(pl, negative, nl), _mm512_mask_mov_epi32(pr, negative, nr));
    y = _mm512_max_epi32(_mm512_min_epi32(_mm512_add_epi32(y, zero_point_out), high), low);
    _mm_mask_storeu_epi8(out + i, mask, _mm512_cvtepi32_epi8(y));
  }
}

MARTLET_TARGET_AVX512 void martlet_prelu_avx512(const void *params, const martlet_buffers *buffers, int32_t first,
                                                int32_t last, void *scratch) {
  const martlet_prelu_params *p = params;
  (void)scratch;
  martlet_binary_run(p, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}
#endif

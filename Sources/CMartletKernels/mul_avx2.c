#include "elementwise.h"
#include "operators.h"
#include "requant_avx2.h"
#include "walk.h"

#if defined(__x86_64__)

typedef struct prepared {
  const martlet_mul_params *params;
  __m256i zero_point_a, zero_point_b, zero_point_out, multiplier, left, right, low, high;
} prepared;

/// 8 products in the low half.
MARTLET_TARGET_AVX2 static inline __attribute__((always_inline)) __m128i
mul_8(const prepared *c, __m128i a, __m128i b) {
  __m256i y = _mm256_mullo_epi32(_mm256_sub_epi32(_mm256_cvtepi8_epi32(a), c->zero_point_a),
                                 _mm256_sub_epi32(_mm256_cvtepi8_epi32(b), c->zero_point_b));
  // The rescaled value may wrap when the zero point is added, as the scalar one does: clamp in 32 bits.
  y = _mm256_add_epi32(martlet_rescale_avx2(y, c->multiplier, c->left, c->right), c->zero_point_out);
  y = _mm256_max_epi32(_mm256_min_epi32(y, c->high), c->low);
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
  return _mm_packs_epi16(words, words);
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
      _mm_storel_epi64((__m128i *)(out + i), mul_8(c, x, y));
    }
  }
  MARTLET_REST
  for (; i < n; i++) out[i] = martlet_mul_one(c->params, a[i * stride_a], b[i * stride_b]);
}

MARTLET_TARGET_AVX2 void martlet_mul_avx2(const void *params, const martlet_buffers *buffers, int32_t first,
                                          int32_t last, void *scratch) {
  const martlet_mul_params *p = params;
  (void)scratch;
  prepared c;
  c.params = p;
  c.zero_point_a = _mm256_set1_epi32(p->zero_point0);
  c.zero_point_b = _mm256_set1_epi32(p->zero_point1);
  c.zero_point_out = _mm256_set1_epi32(p->output_zero_point);
  c.multiplier = _mm256_set1_epi32(p->multiplier);
  c.left = _mm256_set1_epi32(martlet_max(p->shift, 0));
  c.right = _mm256_set1_epi32(martlet_max(-p->shift, 0));
  c.low = _mm256_set1_epi32(p->clamp_min);
  c.high = _mm256_set1_epi32(p->clamp_max);
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}
#endif

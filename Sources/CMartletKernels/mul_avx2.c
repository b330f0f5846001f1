#include "binary.h"
#include "elementwise.h"
#include "requant_avx2.h"

#if defined(__x86_64__)

typedef struct prepared {
  const martlet_mul_params *params;
  __m256i zero_point_a, zero_point_b, zero_point_out, multiplier, left, right, low, high;
} prepared;

/// 8 products in the low half.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m128i mul_8(const prepared *c, __m128i a,
                                                                               __m128i b) {
  __m256i y = _mm256_mullo_epi32(_mm256_sub_epi32(_mm256_cvtepi8_epi32(a), c->zero_point_a),
                                 _mm256_sub_epi32(_mm256_cvtepi8_epi32(b), c->zero_point_b));
  // The rescaled value may wrap when the zero point is added, as the scalar one does: clamp in 32 bits.
  y = _mm256_add_epi32(martlet_rescale_avx2(y, c->multiplier, c->left, c->right), c->zero_point_out);
  y = _mm256_max_epi32(_mm256_min_epi32(y, c->high), c->low);
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
  return _mm_packs_epi16(words, words);
}

MARTLET_BINARY_ROW(mul, avx2)

MARTLET_KERNEL(mul, avx2, p) {
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
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, mul_row);
}
#endif

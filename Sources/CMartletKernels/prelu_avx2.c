#include "binary.h"
#include "elementwise.h"
#include "requant_avx2.h"

#if defined(__x86_64__)

/// One side's rescale.
typedef struct side {
  __m256i multiplier, left, right;
} side;

typedef struct prepared {
  const martlet_prelu_params *params;
  __m256i zero_point_in, zero_point_alpha, zero_point_out;
  side positive, negative;
} prepared;

MARTLET_TARGET_avx2 static side side_of(int32_t multiplier, int32_t shift) {
  side s = {_mm256_set1_epi32(multiplier), _mm256_set1_epi32(martlet_max(shift, 0)),
            _mm256_set1_epi32(martlet_max(-shift, 0))};
  return s;
}

/// 8 results in the low half.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m128i prelu_8(const prepared *c, __m128i a,
                                                                                 __m128i b) {
  __m256i x = _mm256_sub_epi32(_mm256_cvtepi8_epi32(a), c->zero_point_in);
  __m256i negative = _mm256_srai_epi32(x, 31);
  __m256i slope = _mm256_sub_epi32(_mm256_cvtepi8_epi32(b), c->zero_point_alpha);
  // One rescale with each lane's own constants.
  __m256i y = martlet_rescale_avx2(_mm256_blendv_epi8(x, _mm256_mullo_epi32(x, slope), negative),
                                   _mm256_blendv_epi8(c->positive.multiplier, c->negative.multiplier, negative),
                                   _mm256_blendv_epi8(c->positive.left, c->negative.left, negative),
                                   _mm256_blendv_epi8(c->positive.right, c->negative.right, negative));
  y = _mm256_add_epi32(y, c->zero_point_out);
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
  return _mm_packs_epi16(words, words);
}

MARTLET_BINARY_ROW(prelu, avx2)

MARTLET_KERNEL(prelu, avx2, p) {
  prepared c;
  c.params = p;
  c.zero_point_in = _mm256_set1_epi32(p->input_zero_point);
  c.zero_point_alpha = _mm256_set1_epi32(p->alpha_zero_point);
  c.zero_point_out = _mm256_set1_epi32(p->output_zero_point);
  c.positive = side_of(p->positive_multiplier, p->positive_shift);
  c.negative = side_of(p->negative_multiplier, p->negative_shift);
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, prelu_row);
}
#endif

#include "quantize.h"
#include "variants.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// martlet_quantize_one on 8 lanes.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i quantize_8(__m256 x, __m256 scale,
                                                                                    __m256i zero_point) {
  __m256 quotient = _mm256_div_ps(x, scale);
  quotient = _mm256_and_ps(quotient, _mm256_cmp_ps(quotient, quotient, _CMP_ORD_Q));
  quotient = _mm256_max_ps(_mm256_min_ps(quotient, _mm256_set1_ps(512)), _mm256_set1_ps(-512));
  __m256i whole = _mm256_cvttps_epi32(quotient);
  __m256 rest = _mm256_sub_ps(quotient, _mm256_cvtepi32_ps(whole));
  // A comparison that holds is -1.
  __m256i up = _mm256_castps_si256(_mm256_cmp_ps(rest, _mm256_set1_ps(0.5f), _CMP_GE_OQ));
  __m256i down = _mm256_castps_si256(_mm256_cmp_ps(rest, _mm256_set1_ps(-0.5f), _CMP_LE_OQ));
  return _mm256_add_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, up), down), zero_point);
}

MARTLET_KERNEL(quantize, avx2, p) {
  const float *in = buffers->input[0];
  int8_t *out = buffers->output;
  martlet_span span = martlet_span_of(p->count, first, last);
  const __m256 scale = _mm256_set1_ps(p->scale);
  const __m256i zero_point = _mm256_set1_epi32(p->zero_point);
  int64_t i = span.begin;
  for (; i + 8 <= span.end; i += 8) {
    __m256i y = quantize_8(_mm256_loadu_ps(in + i), scale, zero_point);
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
    _mm_storel_epi64((__m128i *)(out + i), _mm_packs_epi16(words, words));
  }
  MARTLET_REST
  for (; i < span.end; i++) out[i] = martlet_quantize_one(p, in[i]);
}
#endif

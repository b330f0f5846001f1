#include "variants.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// 32 look-ups: one byte shuffle for each of the table's 16 lines, in which the indices of other lines give 0.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i look_up(const __m256i lines[16], __m256i x) {
  const __m256i step = _mm256_set1_epi8(16), outside = _mm256_set1_epi8(0x70);
  // Now 0...255 from the first entry on.
  x = _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
  __m256i y = _mm256_setzero_si256();
  for (int i = 0; i < 16; i++) {
    // Indices 16...255 (also those that have wrapped around) saturate to a set sign bit: the shuffle's zero.
    y = _mm256_or_si256(y, _mm256_shuffle_epi8(lines[i], _mm256_adds_epu8(x, outside)));
    x = _mm256_sub_epi8(x, step);
  }
  return y;
}

MARTLET_KERNEL(table, avx2, p) {
  const int8_t *in = buffers->input[0], *table = buffers->weights;
  int8_t *out = buffers->output;
  martlet_span span = martlet_span_of(p->count, first, last);
  __m256i lines[16];
  for (int i = 0; i < 16; i++) {
    lines[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table + 16 * i)));
  }
  int64_t i = span.begin;
  for (; i + 32 <= span.end; i += 32) {
    _mm256_storeu_si256((__m256i *)(out + i), look_up(lines, _mm256_loadu_si256((const __m256i *)(in + i))));
  }
  MARTLET_REST
  for (; i < span.end; i++) out[i] = table[in[i] + 128];
}
#endif

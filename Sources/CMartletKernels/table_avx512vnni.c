#include "variants.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// 64 look-ups: one byte shuffle for each of the table's 16 lines, in which the indices of other lines give 0.
MARTLET_TARGET_avx512vnni static inline __attribute__((always_inline)) __m512i look_up(const __m512i lines[16],
                                                                                       __m512i x) {
  const __m512i step = _mm512_set1_epi8(16), outside = _mm512_set1_epi8(0x70);
  // Now 0...255 from the first entry on.
  x = _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
  __m512i y = _mm512_setzero_si512();
  for (int i = 0; i < 16; i++) {
    // Indices 16...255 (also those that have wrapped around) saturate to a set sign bit: the shuffle's zero.
    y = _mm512_or_si512(y, _mm512_shuffle_epi8(lines[i], _mm512_adds_epu8(x, outside)));
    x = _mm512_sub_epi8(x, step);
  }
  return y;
}

MARTLET_KERNEL(table, avx512vnni, p) {
  const int8_t *in = buffers->input[0], *table = buffers->weights;
  int8_t *out = buffers->output;
  martlet_span span = martlet_span_of(p->count, first, last);
  __m512i lines[16];
  for (int i = 0; i < 16; i++) {
    lines[i] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(table + 16 * i)));
  }
  for (int64_t i = span.begin; i < span.end; i += 64) {
    __mmask64 mask = span.end - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (span.end - i)) - 1;
    _mm512_mask_storeu_epi8(out + i, mask, look_up(lines, _mm512_maskz_loadu_epi8(mask, in + i)));
  }
}
#endif

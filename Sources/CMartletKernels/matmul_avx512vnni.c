#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpdpbusd multiplies unsigned by signed bytes. A weight is used as w + 128; what that adds, 128 * sum x, starts the
// accumulator with the opposite sign.

#define TARGET MARTLET_TARGET_avx512vnni
#define INLINE static inline __attribute__((always_inline))

TARGET INLINE __m512i broadcast(const int8_t *x) {
  int32_t word;
  memcpy(&word, x, 4);
  return _mm512_set1_epi32(word);
}

TARGET INLINE void tile(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                        int tokens, bool is_int4, float out[][16]) {
  const __m512i flip = _mm512_set1_epi8((char)0x80), nibble = _mm512_set1_epi8(15);
  const uint8_t *w = block + s->scale_bytes;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  const int32_t *sums = p->x.sums + (size_t)token * (size_t)s->groups;
  __m512 acc[MARTLET_TILE];
  for (int t = 0; t < tokens; t++) acc[t] = _mm512_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++, x += p->matrix.group) {
    const int32_t quads = g == s->groups - 1 ? s->last_quads : s->quads, steps = is_int4 ? quads / 2 : quads;
    __m512i sum[MARTLET_TILE];
    for (int t = 0; t < tokens; t++) sum[t] = _mm512_set1_epi32((is_int4 ? -8 : -128) * sums[t * s->groups + g]);
    for (int32_t q = 0; q < steps; q++, w += 64) {
      const __m512i bytes = _mm512_load_si512(w);
      const __m512i low = is_int4 ? _mm512_and_si512(bytes, nibble) : _mm512_xor_si512(bytes, flip);
      const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const int8_t *at = x + (ptrdiff_t)t * p->x.stride + q * 4;
        sum[t] = _mm512_dpbusd_epi32(sum[t], low, broadcast(at));
        if (is_int4) sum[t] = _mm512_dpbusd_epi32(sum[t], high, broadcast(at + steps * 4));
      }
    }
    const __m512i halves = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)(block + g * 32)));
    const __m512 scale = _mm512_castsi512_ps(_mm512_slli_epi32(halves, 16));
    for (int t = 0; t < tokens; t++) {
      const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[t]), scale);
      acc[t] = _mm512_add_ps(acc[t], _mm512_mul_ps(product, _mm512_set1_ps(scales[t * s->groups + g])));
    }
  }
  for (int t = 0; t < tokens; t++) _mm512_storeu_ps(out[t], acc[t]);
}

#define DEFINE_TILE(NAME, IS_INT4)                                                                                    \
  TARGET static void NAME(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token, \
                          int32_t tokens, float out[MARTLET_TILE][16]) {                                              \
    switch (tokens) {                                                                                                 \
      case 1: tile(p, s, block, token, 1, IS_INT4, out); break;                                                       \
      case 2: tile(p, s, block, token, 2, IS_INT4, out); break;                                                       \
      default: tile(p, s, block, token, 4, IS_INT4, out); break;                                                      \
    }                                                                                                                 \
  }
DEFINE_TILE(tile_int8, false)
DEFINE_TILE(tile_int4, true)

MARTLET_KERNEL(matmul, avx512vnni, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8, tile_int4}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

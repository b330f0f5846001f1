#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpdpbusd multiplies unsigned by signed bytes. A weight is used as w + 128; what that adds, 128 * sum x, starts the
// accumulator with the opposite sign.

#define TARGET MARTLET_TARGET_avx512vnni
#define INLINE static inline __attribute__((always_inline))
#define MOST 4

TARGET INLINE __m512i broadcast(const int8_t *x) {
  int32_t word;
  memcpy(&word, x, 4);
  return _mm512_set1_epi32(word);
}

/// 16 bfloat16 to floats.
TARGET INLINE __m512 load_bfloats(const uint8_t *at) {
  const __m512i halves = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)at));
  return _mm512_castsi512_ps(_mm512_slli_epi32(halves, 16));
}

TARGET INLINE void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  const uint8_t *w = block + s->head_bytes;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  const int32_t *sums = p->x.sums + (size_t)token * (size_t)s->groups * 2;
  __m512 acc[MOST];
  for (int t = 0; t < tokens; t++) acc[t] = _mm512_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++, x += MARTLET_GROUP) {
    __m512i dots[MOST];
    for (int t = 0; t < tokens; t++) {
      const int32_t *halves = sums + (t * s->groups + g) * 2;
      dots[t] = _mm512_set1_epi32(-128 * (halves[0] + halves[1]));
    }
    for (int32_t q = 0; q < MARTLET_GROUP / 4; q++, w += 64) {
      const __m512i bytes = _mm512_xor_si512(_mm512_load_si512(w), flip);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++)
        dots[t] = _mm512_dpbusd_epi32(dots[t], bytes, broadcast(x + (ptrdiff_t)t * p->x.stride + q * 4));
    }
    const __m512 scale = load_bfloats(block + g * 32);
    for (int t = 0; t < tokens; t++)
      acc[t] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(dots[t]), scale),
                               _mm512_set1_ps(scales[t * s->groups + g]), acc[t]);
  }
  for (int t = 0; t < tokens; t++) _mm512_storeu_ps(out[t], acc[t]);
}

TARGET INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const __m512i low = _mm512_set1_epi8(15);
  const uint8_t *w = block + s->head_bytes, *levels = block + 64;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  const int32_t *sums = p->x.sums + (size_t)token * (size_t)s->groups * 2;
  __m512 acc[MOST], below[MOST];
  for (int t = 0; t < tokens; t++) acc[t] = below[t] = _mm512_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++, x += MARTLET_GROUP, levels += 64) {
    __m512i dots[2][MOST];
    for (int t = 0; t < tokens; t++) dots[0][t] = dots[1][t] = _mm512_setzero_si512();
    for (int32_t q = 0; q < MARTLET_HALF_GROUP / 4; q++, w += 64) {
      const __m512i bytes = _mm512_load_si512(w);
      const __m512i first = _mm512_and_si512(bytes, low), second = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const int8_t *at = x + (ptrdiff_t)t * p->x.stride + q * 4;
        dots[0][t] = _mm512_dpbusd_epi32(dots[0][t], first, broadcast(at));
        dots[1][t] = _mm512_dpbusd_epi32(dots[1][t], second, broadcast(at + MARTLET_HALF_GROUP));
      }
    }
    const __m512i first = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)levels));
    const __m512i second = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(levels + 16)));
    for (int t = 0; t < tokens; t++) {
      const __m512i dot =
          _mm512_add_epi32(_mm512_mullo_epi32(dots[0][t], first), _mm512_mullo_epi32(dots[1][t], second));
      acc[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_set1_ps(scales[t * s->groups + g]), acc[t]);
    }
    for (int half = 0; half < 2; half++) {
      const __m512 floor =
          _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(levels + 32 + half * 16))));
      for (int t = 0; t < tokens; t++) {
        const float sum = scales[t * s->groups + g] * (float)sums[(t * s->groups + g) * 2 + half];
        below[t] = _mm512_fmadd_ps(floor, _mm512_set1_ps(sum), below[t]);
      }
    }
  }
  const __m512 step = load_bfloats(block), floor_step = load_bfloats(block + 32);
  for (int t = 0; t < tokens; t++)
    _mm512_storeu_ps(out[t], _mm512_sub_ps(_mm512_mul_ps(acc[t], step), _mm512_mul_ps(below[t], floor_step)));
}

#define DEFINE_TILE(NAME)                                                                                    \
  TARGET static void NAME##_any(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, \
                                int32_t token, int32_t tokens, float out[MARTLET_TILE][16]) {                \
    switch (tokens) {                                                                                        \
      case 1: NAME(p, s, block, token, 1, out); break;                                                       \
      case 2: NAME(p, s, block, token, 2, out); break;                                                       \
      case 3: NAME(p, s, block, token, 3, out); break;                                                       \
      default: NAME(p, s, block, token, MOST, out); break;                                                   \
    }                                                                                                        \
  }
DEFINE_TILE(tile_int8)
DEFINE_TILE(tile_int4)

MARTLET_KERNEL(matmul, avx512vnni, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8_any, tile_int4_any},
                                         .most = {4, MOST, MOST}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

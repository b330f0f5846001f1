#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpmaddubsw multiplies unsigned by signed bytes: |w| by x with the sign of w. Exact for every weight, -128 too, since
// x is never -128: two products are at most 2 * 128 * 127 < 2^15.

#define TARGET MARTLET_TARGET_avx2
#define INLINE static inline __attribute__((always_inline))
#define MOST 4

typedef struct tile_state {
  const int8_t *x[MOST];
  const float *scales[MOST];
  const int32_t *sums[MOST];
} tile_state;

INLINE tile_state start(const martlet_matmul_params *p, const matmul_shape *s, int32_t token, int tokens) {
  tile_state at;
  for (int t = 0; t < tokens; t++) {
    at.x[t] = p->x.quants + (size_t)(token + t) * (size_t)p->x.stride;
    at.scales[t] = p->x.scales + (size_t)(token + t) * (size_t)s->groups;
    at.sums[t] = p->x.sums + (size_t)(token + t) * (size_t)s->groups * 2;
  }
  return at;
}

TARGET INLINE __m256i broadcast(const int8_t *x) {
  int32_t word;
  memcpy(&word, x, 4);
  return _mm256_set1_epi32(word);
}

/// 8 bfloat16 to floats.
TARGET INLINE __m256 load_bfloats(const uint8_t *at) {
  const __m256i halves = _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)at));
  return _mm256_castsi256_ps(_mm256_slli_epi32(halves, 16));
}

TARGET INLINE void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const __m256i ones = _mm256_set1_epi16(1);
  const tile_state at = start(p, s, token, tokens);
  const uint8_t *weights = block + s->head_bytes;
  __m256 acc[MOST][2];
  for (int t = 0; t < tokens; t++) acc[t][0] = acc[t][1] = _mm256_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++) {
    __m256i sums[MOST][2];
    for (int t = 0; t < tokens; t++) sums[t][0] = sums[t][1] = _mm256_setzero_si256();
    for (int32_t q = 0; q < MARTLET_GROUP / 4; q++, weights += 64) {
      if (tokens == 1) __builtin_prefetch(weights + MARTLET_MATMUL_AHEAD);
      const __m256i w0 = _mm256_load_si256((const __m256i *)weights);
      const __m256i w1 = _mm256_load_si256((const __m256i *)(weights + 32));
      const __m256i a0 = _mm256_abs_epi8(w0), a1 = _mm256_abs_epi8(w1);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const __m256i x = broadcast(at.x[t] + g * MARTLET_GROUP + q * 4);
        const __m256i p0 = _mm256_maddubs_epi16(a0, _mm256_sign_epi8(x, w0));
        const __m256i p1 = _mm256_maddubs_epi16(a1, _mm256_sign_epi8(x, w1));
        sums[t][0] = _mm256_add_epi32(sums[t][0], _mm256_madd_epi16(p0, ones));
        sums[t][1] = _mm256_add_epi32(sums[t][1], _mm256_madd_epi16(p1, ones));
      }
    }
    for (int h = 0; h < 2; h++) {
      const __m256 scale = load_bfloats(block + g * 32 + h * 16);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++)
        acc[t][h] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums[t][h]), scale),
                                    _mm256_set1_ps(at.scales[t][g]), acc[t][h]);
    }
  }
  for (int t = 0; t < tokens; t++)
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(out[t] + h * 8, acc[t][h]);
}

/// Nibbles are unsigned: no sign to carry, and a half group's 8 sums of two products, 8 * 2 * 15 * 127, fit 16 bits.
/// The sum of the pairs' sums is taken with the multiplier in place of 1.
TARGET INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const __m256i low = _mm256_set1_epi8(15);
  const tile_state at = start(p, s, token, tokens);
  const uint8_t *weights = block + s->head_bytes, *levels = block + 64;
  __m256 acc[MOST][2], below[MOST][2];
  for (int t = 0; t < tokens; t++)
    for (int h = 0; h < 2; h++) acc[t][h] = below[t][h] = _mm256_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++, levels += 64) {
    __m256i words[2][MOST][2];
    for (int t = 0; t < tokens; t++)
      for (int h = 0; h < 2; h++) words[0][t][h] = words[1][t][h] = _mm256_setzero_si256();
    for (int32_t q = 0; q < MARTLET_HALF_GROUP / 4; q++, weights += 64) {
      if (tokens == 1) __builtin_prefetch(weights + MARTLET_MATMUL_AHEAD);
      for (int h = 0; h < 2; h++) {
        const __m256i w = _mm256_load_si256((const __m256i *)(weights + h * 32));
        const __m256i first = _mm256_and_si256(w, low), second = _mm256_and_si256(_mm256_srli_epi16(w, 4), low);
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++) {
          const int8_t *x = at.x[t] + g * MARTLET_GROUP + q * 4;
          words[0][t][h] = _mm256_add_epi16(words[0][t][h], _mm256_maddubs_epi16(first, broadcast(x)));
          words[1][t][h] =
              _mm256_add_epi16(words[1][t][h], _mm256_maddubs_epi16(second, broadcast(x + MARTLET_HALF_GROUP)));
        }
      }
    }
    for (int h = 0; h < 2; h++) {
      __m256i sums[MOST];
      for (int half = 0; half < 2; half++) {
        const __m256i bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(levels + half * 16 + h * 8)));
        const __m256i multiplier = _mm256_or_si256(bytes, _mm256_slli_epi32(bytes, 16));
        const __m256 floor = _mm256_cvtepi32_ps(
            _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(levels + 32 + half * 16 + h * 8))));
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++) {
          const __m256i product = _mm256_madd_epi16(words[half][t][h], multiplier);
          sums[t] = half ? _mm256_add_epi32(sums[t], product) : product;
          const float sum = at.scales[t][g] * (float)at.sums[t][g * 2 + half];
          below[t][h] = _mm256_fmadd_ps(floor, _mm256_set1_ps(sum), below[t][h]);
        }
      }
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++)
        acc[t][h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[t]), _mm256_set1_ps(at.scales[t][g]), acc[t][h]);
    }
  }
  for (int h = 0; h < 2; h++) {
    const __m256 step = load_bfloats(block + h * 16), floor_step = load_bfloats(block + 32 + h * 16);
    for (int t = 0; t < tokens; t++)
      _mm256_storeu_ps(out[t] + h * 8,
                       _mm256_sub_ps(_mm256_mul_ps(acc[t][h], step), _mm256_mul_ps(below[t][h], floor_step)));
  }
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

MARTLET_KERNEL(matmul, avx2, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8_any, tile_int4_any},
                                         .most = {4, MOST, MOST}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

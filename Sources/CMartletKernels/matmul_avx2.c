#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpmaddubsw multiplies unsigned by signed bytes: |w| by x with the sign of w. Exact for every weight, -128 too, since
// x is never -128: two products are at most 2 * 128 * 127 < 2^15.

#define TARGET MARTLET_TARGET_avx2
#define INLINE static inline __attribute__((always_inline))

typedef struct tile_state {
  const uint8_t *weights;
  const int8_t *x[MARTLET_TILE];
  const float *scales[MARTLET_TILE];
  const int32_t *sums[MARTLET_TILE];
} tile_state;

INLINE tile_state start(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                        int tokens) {
  tile_state at = {.weights = block + s->scale_bytes};
  for (int t = 0; t < tokens; t++) {
    at.x[t] = p->x.quants + (size_t)(token + t) * (size_t)p->x.stride;
    at.scales[t] = p->x.scales + (size_t)(token + t) * (size_t)s->groups;
    at.sums[t] = p->x.sums + (size_t)(token + t) * (size_t)s->groups;
  }
  return at;
}

TARGET INLINE __m256i broadcast(const int8_t *x) {
  int32_t word;
  memcpy(&word, x, 4);
  return _mm256_set1_epi32(word);
}

/// 16 bfloat16 to 2 x 8 floats.
TARGET INLINE void load_scales(const uint8_t *at, __m256 scales[2]) {
  for (int h = 0; h < 2; h++) {
    __m256i halves = _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)(at + h * 16)));
    scales[h] = _mm256_castsi256_ps(_mm256_slli_epi32(halves, 16));
  }
}

/// One group is done: its integers join the floats.
TARGET INLINE void join(__m256 acc[][2], const __m256i sums[][2], const uint8_t *scale_at, tile_state *at, int tokens) {
  __m256 scales[2];
  load_scales(scale_at, scales);
#pragma clang loop unroll(full)
  for (int t = 0; t < tokens; t++) {
    const __m256 x = _mm256_set1_ps(*at->scales[t]++);
    for (int h = 0; h < 2; h++) {
      __m256 product = _mm256_mul_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums[t][h]), scales[h]), x);
      acc[t][h] = _mm256_add_ps(acc[t][h], product);
    }
  }
}

TARGET INLINE void finish(const __m256 acc[][2], float out[][16], int tokens) {
  for (int t = 0; t < tokens; t++) {
    _mm256_storeu_ps(out[t], acc[t][0]);
    _mm256_storeu_ps(out[t] + 8, acc[t][1]);
  }
}

TARGET INLINE void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const __m256i ones = _mm256_set1_epi16(1);
  tile_state at = start(p, s, block, token, tokens);
  __m256 acc[MARTLET_TILE][2];
  for (int t = 0; t < tokens; t++) acc[t][0] = acc[t][1] = _mm256_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++) {
    const int32_t quads = g == s->groups - 1 ? s->last_quads : s->quads;
    __m256i sums[MARTLET_TILE][2];
    for (int t = 0; t < tokens; t++) sums[t][0] = sums[t][1] = _mm256_setzero_si256();
    for (int32_t q = 0; q < quads; q++, at.weights += 64) {
      if (tokens == 1) __builtin_prefetch(at.weights + MARTLET_MATMUL_AHEAD);
      const __m256i w0 = _mm256_load_si256((const __m256i *)at.weights);
      const __m256i w1 = _mm256_load_si256((const __m256i *)(at.weights + 32));
      const __m256i a0 = _mm256_abs_epi8(w0), a1 = _mm256_abs_epi8(w1);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const __m256i x = broadcast(at.x[t] + q * 4);
        const __m256i p0 = _mm256_maddubs_epi16(a0, _mm256_sign_epi8(x, w0));
        const __m256i p1 = _mm256_maddubs_epi16(a1, _mm256_sign_epi8(x, w1));
        sums[t][0] = _mm256_add_epi32(sums[t][0], _mm256_madd_epi16(p0, ones));
        sums[t][1] = _mm256_add_epi32(sums[t][1], _mm256_madd_epi16(p1, ones));
      }
    }
    join(acc, sums, block + g * 32, &at, tokens);
    for (int t = 0; t < tokens; t++) at.x[t] += p->matrix.group;
  }
  finish(acc, out, tokens);
}

/// Nibbles are unsigned: no sign to carry, and 8 sums of two products, 8 * 2 * 15 * 127, fit 16 bits.
TARGET INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const __m256i ones = _mm256_set1_epi16(1), nibble = _mm256_set1_epi8(15);
  tile_state at = start(p, s, block, token, tokens);
  __m256 acc[MARTLET_TILE][2];
  for (int t = 0; t < tokens; t++) acc[t][0] = acc[t][1] = _mm256_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++) {
    const int32_t pairs = (g == s->groups - 1 ? s->last_quads : s->quads) / 2;
    __m256i sums[MARTLET_TILE][2];
    for (int t = 0; t < tokens; t++) sums[t][0] = sums[t][1] = _mm256_set1_epi32(-8 * *at.sums[t]++);
    for (int32_t first = 0; first < pairs; first += 4) {
      const int32_t count = martlet_min(4, pairs - first);
      __m256i words[MARTLET_TILE][2];
      for (int t = 0; t < tokens; t++) words[t][0] = words[t][1] = _mm256_setzero_si256();
      for (int32_t q = first; q < first + count; q++, at.weights += 64) {
        if (tokens == 1) __builtin_prefetch(at.weights + MARTLET_MATMUL_AHEAD);
        const __m256i w0 = _mm256_load_si256((const __m256i *)at.weights);
        const __m256i w1 = _mm256_load_si256((const __m256i *)(at.weights + 32));
        const __m256i low0 = _mm256_and_si256(w0, nibble), low1 = _mm256_and_si256(w1, nibble);
        const __m256i high0 = _mm256_and_si256(_mm256_srli_epi16(w0, 4), nibble);
        const __m256i high1 = _mm256_and_si256(_mm256_srli_epi16(w1, 4), nibble);
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++) {
          const __m256i x = broadcast(at.x[t] + q * 4), y = broadcast(at.x[t] + (pairs + q) * 4);
          words[t][0] = _mm256_add_epi16(words[t][0], _mm256_maddubs_epi16(low0, x));
          words[t][1] = _mm256_add_epi16(words[t][1], _mm256_maddubs_epi16(low1, x));
          words[t][0] = _mm256_add_epi16(words[t][0], _mm256_maddubs_epi16(high0, y));
          words[t][1] = _mm256_add_epi16(words[t][1], _mm256_maddubs_epi16(high1, y));
        }
      }
      for (int t = 0; t < tokens; t++)
        for (int h = 0; h < 2; h++) sums[t][h] = _mm256_add_epi32(sums[t][h], _mm256_madd_epi16(words[t][h], ones));
    }
    join(acc, sums, block + g * 32, &at, tokens);
    for (int t = 0; t < tokens; t++) at.x[t] += p->matrix.group;
  }
  finish(acc, out, tokens);
}

#define DEFINE_TILE(NAME)                                                                                    \
  TARGET static void NAME##_any(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, \
                                int32_t token, int32_t tokens, float out[MARTLET_TILE][16]) {                \
    switch (tokens) {                                                                                        \
      case 1: NAME(p, s, block, token, 1, out); break;                                                       \
      case 2: NAME(p, s, block, token, 2, out); break;                                                       \
      default: NAME(p, s, block, token, 4, out); break;                                                      \
    }                                                                                                        \
  }
DEFINE_TILE(tile_int8)
DEFINE_TILE(tile_int4)

MARTLET_KERNEL(matmul, avx2, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8_any, tile_int4_any}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpmaddubsw multiplies unsigned by signed bytes: |w| by x with the sign of w. Exact for every weight, -128 too, since
// x is never -128: two products are at most 2 * 128 * 127 < 2^15.
//
// A tile's integer sums, two registers a token, stay in registers within a group; floats wait in memory between groups.

#define TARGET MARTLET_TARGET_avx2
#define INLINE static inline __attribute__((always_inline))
/// Tokens of a tile.
#define MOST_INT8 4
#define MOST_INT4 6
/// Groups whose sums of quants are prepared together.
#define CHUNK 4

TARGET INLINE __m256i broadcast(const int8_t *x) {
  int32_t word;
  memcpy(&word, x, 4);
  return _mm256_set1_epi32(word);
}

TARGET INLINE __m256i load(const uint8_t *at) { return _mm256_load_si256((const __m256i *)at); }

/// 8 bfloat16 to floats.
TARGET INLINE __m256 load_bfloats(const uint8_t *at) {
  const __m256i halves = _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)at));
  return _mm256_castsi256_ps(_mm256_slli_epi32(halves, 16));
}

/// 8 bytes to words.
TARGET INLINE __m256i load_levels(const uint8_t *at) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)at));
}

TARGET INLINE __m256i first_lanes(int32_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

TARGET INLINE void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             const int tokens, float out[][16]) {
  const __m256i ones = _mm256_set1_epi16(1);
  const uint8_t *weights = block + s->head_bytes;
  const ptrdiff_t stride = p->x.stride;
  const int8_t *x = p->x.quants + token * stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  __m256 acc[MOST_INT8][2];
  for (int t = 0; t < tokens; t++) acc[t][0] = acc[t][1] = _mm256_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++, scales++) {
    __m256i sums[MOST_INT8][2];
    for (int t = 0; t < tokens; t++) sums[t][0] = sums[t][1] = _mm256_setzero_si256();
#pragma clang loop unroll(disable)
    for (int32_t q = 0; q < MARTLET_GROUP / 4; q++, weights += 64, x += 4) {
      if (tokens == 1) __builtin_prefetch(weights + MARTLET_MATMUL_AHEAD);
      const __m256i w0 = load(weights), w1 = load(weights + 32);
      const __m256i a0 = _mm256_abs_epi8(w0), a1 = _mm256_abs_epi8(w1);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const __m256i v = broadcast(x + t * stride);
        const __m256i p0 = _mm256_maddubs_epi16(a0, _mm256_sign_epi8(v, w0));
        const __m256i p1 = _mm256_maddubs_epi16(a1, _mm256_sign_epi8(v, w1));
        sums[t][0] = _mm256_add_epi32(sums[t][0], _mm256_madd_epi16(p0, ones));
        sums[t][1] = _mm256_add_epi32(sums[t][1], _mm256_madd_epi16(p1, ones));
      }
    }
    const __m256 scale0 = load_bfloats(block + g * 32), scale1 = load_bfloats(block + g * 32 + 16);
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) {
      const __m256 of_token = _mm256_broadcast_ss(scales + t * s->groups);
      acc[t][0] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums[t][0]), scale0), of_token, acc[t][0]);
      acc[t][1] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums[t][1]), scale1), of_token, acc[t][1]);
    }
  }
  for (int t = 0; t < tokens; t++)
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(out[t] + h * 8, acc[t][h]);
}

/// 16-bit sums of two products each, of both halves' columns (low and high nibbles of `w`) or of one's only. Nibbles
/// are unsigned, there is no sign to carry, and 8 sums of two products, 8 * 2 * 15 * 127, fit 16 bits.
TARGET INLINE void multiply_nibbles(const uint8_t *w, const int8_t *x, ptrdiff_t stride, const int tokens,
                                    const bool is_low, const bool is_high, __m256i words[2][MOST_INT4][2]) {
  const __m256i low = _mm256_set1_epi8(15);
  for (int half = is_low ? 0 : 1; half < 1 + is_high; half++)
    for (int t = 0; t < tokens; t++) words[half][t][0] = words[half][t][1] = _mm256_setzero_si256();
#pragma clang loop unroll(disable)
  for (int32_t q = 0; q < MARTLET_HALF_GROUP / 4; q++, w += 64, x += 4) {
    if (tokens == 1) __builtin_prefetch(w + MARTLET_MATMUL_AHEAD);
    const __m256i w0 = load(w), w1 = load(w + 32);
#pragma clang loop unroll(full)
    for (int half = is_low ? 0 : 1; half < 1 + is_high; half++) {
      const __m256i n0 = _mm256_and_si256(half ? _mm256_srli_epi16(w0, 4) : w0, low);
      const __m256i n1 = _mm256_and_si256(half ? _mm256_srli_epi16(w1, 4) : w1, low);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const __m256i v = broadcast(x + half * MARTLET_HALF_GROUP + t * stride);
        words[half][t][0] = _mm256_add_epi16(words[half][t][0], _mm256_maddubs_epi16(n0, v));
        words[half][t][1] = _mm256_add_epi16(words[half][t][1], _mm256_maddubs_epi16(n1, v));
      }
    }
  }
}

/// The sum of products, without the floors. The sum of the pairs' sums is taken with the multiplier in place of 1.
TARGET INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             const int tokens, float out[][16]) {
  const uint8_t *weights = block + s->head_bytes, *levels = block + 64;
  const ptrdiff_t stride = p->x.stride;
  const int8_t *x = p->x.quants + token * stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  __m256 acc[MOST_INT4][2];
  for (int t = 0; t < tokens; t++) acc[t][0] = acc[t][1] = _mm256_setzero_ps();
  for (int32_t g = 0; g < s->groups; g++, levels += 64, weights += 512, x += MARTLET_GROUP, scales++) {
    // The weights are read once, or, so that more tokens fit the registers, once for each half.
    const bool is_once = tokens <= 2;
    __m256i words[2][MOST_INT4][2], sums[MOST_INT4][2];
    if (is_once) multiply_nibbles(weights, x, stride, tokens, true, true, words);
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
      if (!is_once) multiply_nibbles(weights, x, stride, tokens, half == 0, half == 1, words);
#pragma clang loop unroll(full)
      for (int h = 0; h < 2; h++) {
        const __m256i bytes = load_levels(levels + half * 16 + h * 8);
        const __m256i multiplier = _mm256_or_si256(bytes, _mm256_slli_epi32(bytes, 16));
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++) {
          const __m256i product = _mm256_madd_epi16(words[half][t][h], multiplier);
          sums[t][h] = half ? _mm256_add_epi32(sums[t][h], product) : product;
        }
      }
    }
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) {
      const __m256 of_token = _mm256_broadcast_ss(scales + t * s->groups);
      for (int h = 0; h < 2; h++) acc[t][h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[t][h]), of_token, acc[t][h]);
    }
  }
  const __m256 step0 = load_bfloats(block), step1 = load_bfloats(block + 16);
  for (int t = 0; t < tokens; t++) {
    _mm256_storeu_ps(out[t], _mm256_mul_ps(acc[t][0], step0));
    _mm256_storeu_ps(out[t] + 8, _mm256_mul_ps(acc[t][1], step1));
  }
}

/// What lies below the nibbles' sums: floors times the sums of quants, subtracted from `out`.
TARGET INLINE void lower_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                              int32_t token, const int tokens, float out[][16]) {
  const uint8_t *floors = block + 64 + 32;
  _Alignas(32) float quants[MOST_INT4][CHUNK * 2];
  __m256 below[MOST_INT4][2];
  for (int t = 0; t < tokens; t++) below[t][0] = below[t][1] = _mm256_setzero_ps();
  for (int32_t chunk = 0; chunk < s->groups; chunk += CHUNK) {
    const int32_t count = martlet_min(CHUNK, s->groups - chunk);
    const size_t at = (size_t)token * (size_t)s->groups + (size_t)chunk;
    const float *scales = p->x.scales + at;
    const int32_t *sums = p->x.sums + at * 2;
    const __m256i lanes = first_lanes(count), twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
#pragma clang loop unroll(disable)
    for (int t = 0; t < tokens; t++, scales += s->groups, sums += s->groups * 2) {
      const __m256 scale = _mm256_permutevar8x32_ps(_mm256_maskload_ps(scales, lanes), twice);
      const __m256 sum = _mm256_cvtepi32_ps(_mm256_maskload_epi32(sums, first_lanes(count * 2)));
      _mm256_store_ps(quants[t], _mm256_mul_ps(scale, sum));
    }
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < count * 2; i++, floors += i % 2 ? 16 : 48) {
      const __m256 floor0 = _mm256_cvtepi32_ps(load_levels(floors)),
                   floor1 = _mm256_cvtepi32_ps(load_levels(floors + 8));
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const __m256 sum = _mm256_broadcast_ss(&quants[t][i]);
        below[t][0] = _mm256_fmadd_ps(floor0, sum, below[t][0]);
        below[t][1] = _mm256_fmadd_ps(floor1, sum, below[t][1]);
      }
    }
  }
  for (int h = 0; h < 2; h++) {
    const __m256 floor_step = load_bfloats(block + 32 + h * 16);
    for (int t = 0; t < tokens; t++) {
      float *to = out[t] + h * 8;
      _mm256_storeu_ps(to, _mm256_sub_ps(_mm256_loadu_ps(to), _mm256_mul_ps(below[t][h], floor_step)));
    }
  }
}

// The largest tile that there are tokens for, until none is left.
#define TILE(NAME, TOKENS)                               \
  else if (tokens - done >= TOKENS) {                    \
    NAME(p, s, block, token + done, TOKENS, out + done); \
    done += TOKENS;                                      \
  }
#define DEFINE_TILE(NAME, ...)                                                                               \
  TARGET static void NAME##_any(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, \
                                int32_t token, int32_t tokens, float out[MARTLET_TILE][16]) {                \
    for (int32_t done = 0; done < tokens;) {                                                                 \
      if (0) {}                                                                                              \
      __VA_ARGS__                                                                                            \
      TILE(NAME, 4)                                                                                          \
      TILE(NAME, 3)                                                                                          \
      TILE(NAME, 2)                                                                                          \
      TILE(NAME, 1)                                                                                          \
    }                                                                                                        \
  }
DEFINE_TILE(tile_int8)
DEFINE_TILE(tile_int4, TILE(tile_int4, MOST_INT4))
DEFINE_TILE(lower_int4, TILE(lower_int4, MOST_INT4))

TARGET static void int4_any(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                            int32_t tokens, float out[MARTLET_TILE][16]) {
  tile_int4_any(p, s, block, token, tokens, out);
  lower_int4_any(p, s, block, token, tokens, out);
}

TARGET static void finish(const martlet_matmul_params *p, int32_t block, int32_t token, int32_t tokens,
                          float out[MARTLET_TILE][16]) {
  const int32_t rows = p->matrix.rows - block * 16;
  const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FC00000));
  const size_t begin = (size_t)token * (size_t)p->out_stride + (size_t)block * 16;
  for (int h = 0; h < 2; h++) {
    const __m256i lanes = first_lanes(rows - h * 8);
    const __m256 bias = p->bias ? _mm256_maskload_ps(p->bias + block * 16 + h * 8, lanes) : _mm256_setzero_ps();
    for (int32_t t = 0; t < tokens; t++) {
      __m256 v = _mm256_loadu_ps(out[t] + h * 8);
      // Adding zero would change one bit of a -0.
      if (p->bias) v = _mm256_add_ps(v, bias);
      v = _mm256_blendv_ps(nan, v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
      float *to = p->out + begin + (size_t)t * (size_t)p->out_stride + h * 8;
      if (rows >= 16) _mm256_storeu_ps(to, v);
      else _mm256_maskstore_ps(to, lanes, v);
    }
  }
}

MARTLET_KERNEL(matmul, avx2, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8_any, int4_any},
                                         .most = {4, MOST_INT8, MOST_INT4},
                                         .finish = finish};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

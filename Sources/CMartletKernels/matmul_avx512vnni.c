#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpdpbusd multiplies unsigned by signed bytes. A weight is used as w + 128; what that adds, 128 * sum x, starts the
// accumulator with the opposite sign. Nibbles are unsigned already.
//
// A tile keeps all its sums in registers, and each multiplication takes its four quants from memory, broadcast by the
// instruction itself: what is bound by the two loads of a cycle is nearly bound by its two multiplications.

#define TARGET MARTLET_TARGET_avx512vnni
#define INLINE static inline __attribute__((always_inline))
/// Tokens of a tile: two sums each, or three, in 32 registers.
#define MOST_INT8 13
#define MOST_INT4 8
/// Groups whose numbers of each token are prepared together: 16 starts, or 8 times two sums of quants.
#define CHUNK_INT8 16
#define CHUNK_INT4 8

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

/// 16 bytes to floats.
TARGET INLINE __m512 load_levels(const uint8_t *at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)at)));
}

INLINE __mmask16 first_lanes(int32_t count) { return (__mmask16)(count >= 16 ? 0xFFFF : (1u << count) - 1); }

/// Where each token's quants are: every third row has a pointer, the others are one or two strides from it. With a
/// pointer each, the general registers would not do.
typedef struct tile_rows {
  const int8_t *third[(MOST_INT8 + 2) / 3];
  ptrdiff_t stride;
} tile_rows;

INLINE tile_rows rows_of(const martlet_matmul_params *p, int32_t token, int tokens) {
  tile_rows rows = {.stride = p->x.stride};
  for (int t = 0; t < tokens; t += 3) rows.third[t / 3] = p->x.quants + (ptrdiff_t)(token + t) * rows.stride;
  return rows;
}

INLINE const int8_t *row_at(const tile_rows *rows, int t, ptrdiff_t column) {
  return rows->third[t / 3] + t % 3 * rows->stride + column;
}

TARGET INLINE void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             const int tokens, float out[][16]) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const uint8_t *w = block + s->head_bytes;
  const tile_rows x = rows_of(p, token, tokens);
  ptrdiff_t column = 0;
  _Alignas(64) int32_t starts[MOST_INT8][CHUNK_INT8];
  _Alignas(64) float scales[MOST_INT8][CHUNK_INT8];
  __m512 acc[MOST_INT8];
  for (int t = 0; t < tokens; t++) acc[t] = _mm512_setzero_ps();
  for (int32_t chunk = 0; chunk < s->groups; chunk += CHUNK_INT8) {
    const int32_t count = martlet_min(CHUNK_INT8, s->groups - chunk);
    const int32_t *sums = p->x.sums + ((size_t)token * (size_t)s->groups + (size_t)chunk) * 2;
    const float *t_scales = p->x.scales + (size_t)token * (size_t)s->groups + (size_t)chunk;
#pragma clang loop unroll(disable)
    for (int t = 0; t < tokens; t++, sums += s->groups * 2, t_scales += s->groups) {
      const __m512i low = _mm512_maskz_loadu_epi32(first_lanes(count * 2), sums);
      const __m512i high = _mm512_maskz_loadu_epi32(first_lanes(martlet_max(count * 2 - 16, 0)), sums + 16);
      const __m512i sum =
          _mm512_add_epi32(_mm512_permutex2var_epi32(low, even, high), _mm512_permutex2var_epi32(low, odd, high));
      _mm512_store_si512(starts[t], _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum, 7)));
      _mm512_store_ps(scales[t], _mm512_maskz_loadu_ps(first_lanes(count), t_scales));
    }
    for (int32_t g = 0; g < count; g++) {
      __m512i dots[MOST_INT8];
      for (int t = 0; t < tokens; t++) dots[t] = _mm512_set1_epi32(starts[t][g]);
#pragma clang loop unroll_count(2)
      for (int32_t q = 0; q < MARTLET_GROUP / 4; q++, w += 64, column += 4) {
        const __m512i bytes = _mm512_xor_si512(_mm512_load_si512(w), flip);
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++)
          dots[t] = _mm512_dpbusd_epi32(dots[t], bytes, broadcast(row_at(&x, t, column)));
      }
      const __m512 scale = load_bfloats(block + (chunk + g) * 32);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++)
        acc[t] =
            _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(dots[t]), scale), _mm512_set1_ps(scales[t][g]), acc[t]);
    }
  }
  for (int t = 0; t < tokens; t++) _mm512_storeu_ps(out[t], acc[t]);
}

/// The sum of products, without the floors. A half's sum times its multiplier is below 2^24: of two exact floats, a
/// fused multiply-add gives what the exact sum of integers would be rounded to.
TARGET INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             const int tokens, float out[][16]) {
  const __m512i low = _mm512_set1_epi8(15);
  const uint8_t *w = block + s->head_bytes, *levels = block + 64;
  const tile_rows x = rows_of(p, token, tokens);
  ptrdiff_t column = 0;
  _Alignas(64) float scales[MOST_INT4][CHUNK_INT4 * 2];
  __m512 acc[MOST_INT4];
  for (int t = 0; t < tokens; t++) acc[t] = _mm512_setzero_ps();
#pragma clang loop unroll(disable)
  for (int32_t g = 0; g < s->groups; g++, levels += 64, column += MARTLET_HALF_GROUP) {
    if (g % CHUNK_INT4 == 0) {
      const float *from = p->x.scales + (size_t)token * (size_t)s->groups + (size_t)g;
      const __mmask16 lanes = first_lanes(martlet_min(CHUNK_INT4, s->groups - g));
#pragma clang loop unroll(disable)
      for (int t = 0; t < tokens; t++, from += s->groups)
        _mm512_store_ps(scales[t], _mm512_maskz_loadu_ps(lanes, from));
    }
    __m512i dots[2][MOST_INT4];
    for (int t = 0; t < tokens; t++) dots[0][t] = dots[1][t] = _mm512_setzero_si512();
#pragma clang loop unroll(disable)
    for (int32_t q = 0; q < MARTLET_HALF_GROUP / 4; q++, w += 64, column += 4) {
      const __m512i bytes = _mm512_load_si512(w);
      const __m512i first = _mm512_and_si512(bytes, low), second = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        dots[0][t] = _mm512_dpbusd_epi32(dots[0][t], first, broadcast(row_at(&x, t, column)));
        dots[1][t] = _mm512_dpbusd_epi32(dots[1][t], second, broadcast(row_at(&x, t, column + MARTLET_HALF_GROUP)));
      }
    }
    const __m512 first = load_levels(levels), second = load_levels(levels + 16);
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) {
      const __m512 sum =
          _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[1][t]), second, _mm512_mul_ps(_mm512_cvtepi32_ps(dots[0][t]), first));
      acc[t] = _mm512_fmadd_ps(sum, _mm512_set1_ps(scales[t][g % CHUNK_INT4]), acc[t]);
    }
  }
  const __m512 step = load_bfloats(block);
  for (int t = 0; t < tokens; t++) _mm512_storeu_ps(out[t], _mm512_mul_ps(acc[t], step));
}

/// What lies below the nibbles' sums: floors times the sums of quants, subtracted from `out`.
TARGET INLINE void lower_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                              int32_t token, const int tokens, float out[][16]) {
  const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  const uint8_t *floors = block + 64 + 32;
  _Alignas(64) float quants[MOST_INT4][CHUNK_INT4 * 2];
  __m512 below[MOST_INT4];
  for (int t = 0; t < tokens; t++) below[t] = _mm512_setzero_ps();
  for (int32_t chunk = 0; chunk < s->groups; chunk += CHUNK_INT4) {
    const int32_t count = martlet_min(CHUNK_INT4, s->groups - chunk);
    const size_t at = (size_t)token * (size_t)s->groups + (size_t)chunk;
    const float *scales = p->x.scales + at;
    const int32_t *sums = p->x.sums + at * 2;
#pragma clang loop unroll(disable)
    for (int t = 0; t < tokens; t++, scales += s->groups, sums += s->groups * 2) {
      const __m512 scale = _mm512_permutexvar_ps(twice, _mm512_maskz_loadu_ps(first_lanes(count), scales));
      const __m512 sum = _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(first_lanes(count * 2), sums));
      _mm512_store_ps(quants[t], _mm512_mul_ps(scale, sum));
    }
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < count * 2; i++, floors += i % 2 ? 16 : 48) {
      const __m512 floor = load_levels(floors);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) below[t] = _mm512_fmadd_ps(floor, _mm512_set1_ps(quants[t][i]), below[t]);
    }
  }
  const __m512 floor_step = load_bfloats(block + 32);
  for (int t = 0; t < tokens; t++)
    _mm512_storeu_ps(out[t], _mm512_sub_ps(_mm512_loadu_ps(out[t]), _mm512_mul_ps(below[t], floor_step)));
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
DEFINE_TILE(tile_int8, TILE(tile_int8, 13) TILE(tile_int8, 6))
DEFINE_TILE(tile_int4, TILE(tile_int4, 8))
DEFINE_TILE(lower_int4, TILE(lower_int4, 8))

TARGET static void int4_any(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                            int32_t tokens, float out[MARTLET_TILE][16]) {
  tile_int4_any(p, s, block, token, tokens, out);
  lower_int4_any(p, s, block, token, tokens, out);
}

TARGET static void finish(const martlet_matmul_params *p, int32_t block, int32_t token, int32_t tokens,
                          float out[MARTLET_TILE][16]) {
  const __mmask16 lanes = first_lanes(p->matrix.rows - block * 16);
  const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(0x7FC00000));
  const __m512 bias = p->bias ? _mm512_maskz_loadu_ps(lanes, p->bias + block * 16) : _mm512_setzero_ps();
  float *to = p->out + (size_t)token * (size_t)p->out_stride + (size_t)block * 16;
  for (int32_t t = 0; t < tokens; t++, to += p->out_stride) {
    __m512 v = _mm512_loadu_ps(out[t]);
    // Adding zero would change one bit of a -0.
    if (p->bias) v = _mm512_add_ps(v, bias);
    _mm512_mask_storeu_ps(to, lanes, _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), nan, v));
  }
}

MARTLET_KERNEL(matmul, avx512vnni, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8_any, int4_any},
                                         .most = {4, MOST_INT8, MOST_INT4},
                                         .finish = finish};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

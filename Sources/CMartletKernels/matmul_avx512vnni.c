#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpdpbusd multiplies unsigned by signed bytes. A weight is used as w + 128; what that adds, 128 * sum x, starts the
// accumulator with the opposite sign. Nibbles are unsigned already.
//
// A tile keeps all its sums in registers, and each multiplication takes its four quants from memory, broadcast by the
// instruction itself: what is bound by the two loads of a cycle is nearly bound by its two multiplications. What depends
// on tokens alone is prepared once for all blocks of a call.

#define TARGET MARTLET_TARGET_avx512vnni
#define INLINE static inline __attribute__((always_inline))
/// Tokens of a tile: two sums each, or three, in 32 registers.
#define MOST_INT8 13
#define MOST_INT4 8
/// Groups of INT8 that a call takes together, and of INT4 whose numbers of each token are prepared together: 8 times two
/// sums of quants.
#define RUN 32
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

/// The next block, of which each group of each tile asks for a part: a block is read faster than memory gives one.
/// Measured on Zen 4, weights beyond the caches: a sixth more products per second.
typedef struct block_ahead {
  const uint8_t *at;
  ptrdiff_t step;
} block_ahead;

/// A single token waits for memory anyway.
INLINE block_ahead ahead_of(const uint8_t *next, ptrdiff_t bytes, int32_t groups, int32_t tokens, int32_t tile) {
  const ptrdiff_t parts = (ptrdiff_t)groups * martlet_ceil_div(tokens, tile);
  return (block_ahead){.at = next, .step = tokens == 1 ? 0 : (bytes / parts + 63) / 64 * 64};
}

INLINE void ask(block_ahead *ahead) {
#pragma clang loop unroll(disable)
  for (ptrdiff_t i = 0; i < ahead->step; i += 64) __builtin_prefetch(ahead->at + i);
  ahead->at += ahead->step;
}

/// What a run of groups needs of the tokens: what their accumulators start with, and their scales.
typedef struct int8_run {
  _Alignas(64) int32_t starts[MARTLET_TILE][RUN];
  _Alignas(64) float scales[MARTLET_TILE][RUN];
  int32_t first, count;
} int8_run;

TARGET static void prepare_run(const martlet_matmul_params *p, int32_t groups, int8_run *run) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  for (int32_t t = 0; t < p->tokens; t++)
    for (int32_t g = 0; g < run->count; g += 16) {
      const size_t at = (size_t)t * (size_t)groups + (size_t)(run->first + g);
      const int32_t left = run->count - g, *sums = p->x.sums + at * 2;
      const __m512i low = _mm512_maskz_loadu_epi32(first_lanes(left * 2), sums);
      const __m512i high = _mm512_maskz_loadu_epi32(first_lanes(martlet_max(left * 2 - 16, 0)), sums + 16);
      const __m512i sum =
          _mm512_add_epi32(_mm512_permutex2var_epi32(low, even, high), _mm512_permutex2var_epi32(low, odd, high));
      _mm512_store_si512(run->starts[t] + g, _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum, 7)));
      _mm512_store_ps(run->scales[t] + g, _mm512_maskz_loadu_ps(first_lanes(left), p->x.scales + at));
    }
}

/// A run of one block's groups, `scales` and `w`. What the groups before left is in `out`.
TARGET INLINE void tile_int8(const martlet_matmul_params *p, const int8_run *run, const uint8_t *scales,
                             const uint8_t *w, block_ahead *ahead, int32_t token, const int tokens, float out[][16]) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  const tile_rows x = rows_of(p, token, tokens);
  const int32_t *starts = run->starts[token];
  const float *t_scales = run->scales[token];
  ptrdiff_t column = (ptrdiff_t)run->first * MARTLET_GROUP;
  __m512 acc[MOST_INT8];
  for (int t = 0; t < tokens; t++) acc[t] = run->first > 0 ? _mm512_loadu_ps(out[t]) : _mm512_setzero_ps();
#pragma clang loop unroll(disable)
  for (int32_t g = 0; g < run->count; g++) {
    ask(ahead);
    __m512i dots[MOST_INT8];
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) dots[t] = _mm512_set1_epi32(starts[t * RUN + g]);
#pragma clang loop unroll_count(2)
    for (int32_t q = 0; q < MARTLET_GROUP / 4; q++, w += 64, column += 4) {
      const __m512i bytes = _mm512_xor_si512(_mm512_load_si512(w), flip);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) dots[t] = _mm512_dpbusd_epi32(dots[t], bytes, broadcast(row_at(&x, t, column)));
    }
    const __m512 scale = load_bfloats(scales + g * 32);
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++)
      acc[t] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(dots[t]), scale), _mm512_set1_ps(t_scales[t * RUN + g]),
                               acc[t]);
  }
  for (int t = 0; t < tokens; t++) _mm512_storeu_ps(out[t], acc[t]);
}

/// The sum of products, without the floors. A half's sum times its multiplier is below 2^24: of two exact floats, a
/// fused multiply-add gives what the exact sum of integers would be rounded to.
TARGET INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                             block_ahead *ahead, int32_t token, const int tokens, float out[][16]) {
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
    ask(ahead);
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

TARGET static void finish(const martlet_matmul_params *p, int32_t block, float out[MARTLET_TILE][16]) {
  if (p->cap > 0) {
    martlet_matmul_finish(p, block, 0, p->tokens, out);
    return;
  }
  const __mmask16 lanes = first_lanes(p->matrix.rows - block * 16);
  const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(0x7FC00000));
  const __m512 bias = p->bias ? _mm512_maskz_loadu_ps(lanes, p->bias + block * 16) : _mm512_setzero_ps();
  float *to = p->out + (size_t)block * 16;
  for (int32_t t = 0; t < p->tokens; t++, to += p->out_stride) {
    __m512 v = _mm512_loadu_ps(out[t]);
    // Adding zero would change one bit of a -0.
    if (p->bias) v = _mm512_add_ps(v, bias);
    _mm512_mask_storeu_ps(to, lanes, _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), nan, v));
  }
}

// Tiles until no token is left, each the largest that there are tokens for; TILE sees `t` and `count`.
#define ONE(COUNT)                   \
  else if (p->tokens - t >= COUNT) { \
    enum { count = COUNT };          \
    TILE;                            \
    t += count;                      \
  }
#define TILES(...)                          \
  for (int32_t t = 0; t < p->tokens;) {     \
    if (0) {}                               \
    __VA_ARGS__ ONE(4) ONE(3) ONE(2) ONE(1) \
  }

TARGET static void walk_int8(const martlet_matmul_params *p, int32_t first, int32_t last) {
  const matmul_shape s = martlet_matmul_shape(&p->matrix);
  const size_t block_bytes = martlet_matrix_block_bytes(&p->matrix);
  int8_run run;
  for (run.first = 0; run.first < s.groups; run.first += run.count) {
    run.count = martlet_min(RUN, s.groups - run.first);
    prepare_run(p, s.groups, &run);
    for (int32_t b = first; b < last; b++) {
      const uint8_t *block = p->matrix.weights + (size_t)b * block_bytes;
      const uint8_t *scales = block + run.first * 32, *w = block + s.head_bytes + (size_t)run.first * s.group_bytes;
      // Of a single token's block they come first, of others with the block before.
      martlet_matmul_ask(scales + (p->tokens == 1 ? 0 : block_bytes), (size_t)run.count * 32);
      block_ahead ahead = ahead_of(w + block_bytes, run.count * 1024, run.count, p->tokens, MOST_INT8);
      float out[MARTLET_TILE][16];
      if (run.first > 0) martlet_matmul_move(p, b, false, out);
#define TILE tile_int8(p, &run, scales, w, &ahead, t, count, out + t)
      TILES(ONE(13) ONE(12) ONE(6))
#undef TILE
      if (run.first + run.count < s.groups) martlet_matmul_move(p, b, true, out);
      else finish(p, b, out);
    }
  }
}

TARGET static void walk_int4(const martlet_matmul_params *p, int32_t first, int32_t last) {
  const matmul_shape s = martlet_matmul_shape(&p->matrix);
  const size_t block_bytes = martlet_matrix_block_bytes(&p->matrix);
  for (int32_t b = first; b < last; b++) {
    const uint8_t *block = p->matrix.weights + (size_t)b * block_bytes;
    if (p->tokens == 1) martlet_matmul_ask(block, s.head_bytes);
    block_ahead ahead = ahead_of(block + block_bytes, (ptrdiff_t)block_bytes, s.groups, p->tokens, MOST_INT4);
    float out[MARTLET_TILE][16];
#define TILE                                          \
  tile_int4(p, &s, block, &ahead, t, count, out + t); \
  lower_int4(p, &s, block, t, count, out + t)
    TILES(ONE(8))
#undef TILE
    finish(p, b, out);
  }
}

MARTLET_KERNEL(matmul, avx512vnni, p) {
  static const matmul_variant floats = {.tile = {martlet_matmul_tile_f32}, .most = {4}};
  if (p->matrix.type == MARTLET_MATRIX_F32) martlet_matmul_drive(p, first, last, &floats);
  else (p->matrix.type == MARTLET_MATRIX_INT8 ? walk_int8 : walk_int4)(p, first, last);
}
#endif

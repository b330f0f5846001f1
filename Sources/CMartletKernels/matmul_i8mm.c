#include "matmul_arm.h"

#if defined(__aarch64__)

// armv8.6 matrix multiply: two rows times two tokens times eight columns. An accumulator holds [row][token], 2 x 2.
// Weights' quads are zipped once for all tokens, and tokens' columns once for a block of 16 rows, a run of groups at a
// time. A tile is 8 rows by three pairs of tokens (INT4, whose halves are summed apart: two), which fills the
// registers. Fewer tokens than a tile are better off without.

#define TARGET MARTLET_TARGET_i8mm
#define PAIRS 3
#define FEWEST 4

/// A run of groups of a block, by halves of 8 rows: for each eight columns four pairs of rows; and what each pair of
/// rows is multiplied with, [row][token].
typedef struct zipped_run {
  int8_t weights[2][RUN][8][4][16];
  union {
    float scales[2][RUN][4][4];
    int32_t multipliers[2][RUN][2][4][4];
  };
} zipped_run;

/// Pairs of tokens: quants [8 columns of one, 8 of the other], and scales.
typedef struct zipped_tokens {
  int8_t quants[PAIRS][RUN][8][16];
  float scales[PAIRS][RUN][2];
} zipped_tokens;

INLINE int8x16_t zip_low(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s32(vzip1q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}
INLINE int8x16_t zip_high(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s32(vzip2q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}
INLINE int8x16_t low_halves(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
INLINE int8x16_t high_halves(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}

/// Two quads of rows 4 * i ... 4 * i + 3.
INLINE void store_eight(zipped_run *run, int32_t g, int32_t eight, int i, int8x16_t a, int8x16_t b) {
  int8_t(*to)[16] = run->weights[i / 2][g][eight] + i % 2 * 2;
  vst1q_s8(to[0], zip_low(a, b));
  vst1q_s8(to[1], zip_high(a, b));
}

static void zip_int8(const matmul_shape *s, const uint8_t *block, int32_t group, int32_t groups, zipped_run *run) {
  const int8_t *w = (const int8_t *)block + s->head_bytes + (size_t)group * 1024;
  for (int32_t g = 0; g < groups; g++) {
    for (int32_t e = 0; e < 8; e++, w += 128) {
      UNROLL
      for (int i = 0; i < 4; i++) store_eight(run, g, e, i, vld1q_s8(w + i * 16), vld1q_s8(w + 64 + i * 16));
    }
    for (int half = 0; half < 2; half++) {
      const uint16x8_t halves = load_halves(block + (size_t)(group + g) * 32 + half * 16);
      const float32x4_t low = low_floats(halves), high = high_floats(halves);
      vst1q_f32(run->scales[half][g][0], vzip1q_f32(low, low));
      vst1q_f32(run->scales[half][g][1], vzip2q_f32(low, low));
      vst1q_f32(run->scales[half][g][2], vzip1q_f32(high, high));
      vst1q_f32(run->scales[half][g][3], vzip2q_f32(high, high));
    }
  }
}

static void zip_int4(const matmul_shape *s, const uint8_t *block, int32_t group, int32_t groups, zipped_run *run) {
  const uint8_t *w = block + s->head_bytes + (size_t)group * 512;
  const uint8_t *levels = block + LEVEL_BYTES + (size_t)group * LEVEL_BYTES;
  const uint8x16_t mask = vdupq_n_u8(15);
  for (int32_t g = 0; g < groups; g++, levels += LEVEL_BYTES) {
    for (int32_t e = 0; e < 4; e++, w += 128) {
      UNROLL
      for (int i = 0; i < 4; i++) {
        const uint8x16_t a = vld1q_u8(w + i * 16), b = vld1q_u8(w + 64 + i * 16);
        store_eight(run, g, e, i, vreinterpretq_s8_u8(vandq_u8(a, mask)), vreinterpretq_s8_u8(vandq_u8(b, mask)));
        store_eight(run, g, 4 + e, i, vreinterpretq_s8_u8(vshrq_n_u8(a, 4)), vreinterpretq_s8_u8(vshrq_n_u8(b, 4)));
      }
    }
    for (int part = 0; part < 2; part++) {
      uint32x4_t words[4];
      widen(vld1q_u8(levels + part * 16), words);
      UNROLL
      for (int i = 0; i < 4; i++) {
        int32_t(*to)[4] = run->multipliers[i / 2][g][part] + i % 2 * 2;
        vst1q_s32(to[0], vreinterpretq_s32_u32(vzip1q_u32(words[i], words[i])));
        vst1q_s32(to[1], vreinterpretq_s32_u32(vzip2q_u32(words[i], words[i])));
      }
    }
  }
}

/// `group` groups from `group` of tokens first ... of the `tokens` behind `token`.
INLINE void zip_tokens(const martlet_matmul_params *p, int32_t group, int32_t groups, int32_t token, int32_t first,
                       int32_t tokens, int pairs, zipped_tokens *zipped) {
  for (int i = 0; i < pairs; i++) {
    const size_t one = (size_t)(token + tile_token(first + 2 * i, tokens));
    const size_t other = (size_t)(token + tile_token(first + 2 * i + 1, tokens));
    const int8_t *x = p->x.quants + one * (size_t)p->x.stride + group * MARTLET_GROUP;
    const int8_t *y = p->x.quants + other * (size_t)p->x.stride + group * MARTLET_GROUP;
    const float *x_scales = p->x.scales + one * (size_t)p->x.groups + group;
    const float *y_scales = p->x.scales + other * (size_t)p->x.groups + group;
    for (int32_t g = 0; g < groups; g++, x += MARTLET_GROUP, y += MARTLET_GROUP) {
      UNROLL
      for (int e = 0; e < 4; e++) {
        const int8x16_t a = vld1q_s8(x + e * 16), b = vld1q_s8(y + e * 16);
        vst1q_s8(zipped->quants[i][g][2 * e], low_halves(a, b));
        vst1q_s8(zipped->quants[i][g][2 * e + 1], high_halves(a, b));
      }
      zipped->scales[i][g][0] = x_scales[g];
      zipped->scales[i][g][1] = y_scales[g];
    }
  }
}

/// The sums of 8 rows from those in memory, [token][row].
INLINE void load_sums(float out[MARTLET_TILE][16], int32_t half, int32_t first, int32_t tokens, int pairs,
                      float32x4_t sums[][4]) {
  UNROLL
  for (int i = 0; i < pairs; i++) {
    const float *one = out[tile_token(first + 2 * i, tokens)] + half * 8;
    const float *other = out[tile_token(first + 2 * i + 1, tokens)] + half * 8;
    UNROLL
    for (int r = 0; r < 2; r++) {
      const float32x4_t a = vld1q_f32(one + r * 4), b = vld1q_f32(other + r * 4);
      sums[i][2 * r] = vzip1q_f32(a, b);
      sums[i][2 * r + 1] = vzip2q_f32(a, b);
    }
  }
}

INLINE void store_sums(float out[MARTLET_TILE][16], int32_t half, int32_t first, int32_t tokens, int pairs,
                       float32x4_t sums[][4]) {
  UNROLL
  for (int i = 0; i < pairs; i++) {
    float *one = out[tile_token(first + 2 * i, tokens)] + half * 8;
    float *other = out[tile_token(first + 2 * i + 1, tokens)] + half * 8;
    UNROLL
    for (int r = 0; r < 2; r++) {
      vst1q_f32(one + r * 4, vuzp1q_f32(sums[i][2 * r], sums[i][2 * r + 1]));
      vst1q_f32(other + r * 4, vuzp2q_f32(sums[i][2 * r], sums[i][2 * r + 1]));
    }
  }
}

/// Products of `eights` times eight columns.
TARGET INLINE void multiply(const int8_t (*w)[4][16], const zipped_tokens *x, int32_t g, int eight, int eights,
                            int pairs, int32x4_t dots[][4]) {
  UNROLL
  for (int i = 0; i < pairs; i++) {
    UNROLL
    for (int r = 0; r < 4; r++) dots[i][r] = vdupq_n_s32(0);
  }
  UNROLL
  for (int e = eight; e < eight + eights; e++) {
    int8x16_t quants[PAIRS];
    UNROLL
    for (int i = 0; i < pairs; i++) quants[i] = vld1q_s8(x->quants[i][g][e]);
    UNROLL
    for (int r = 0; r < 4; r++) {
      const int8x16_t rows = vld1q_s8(w[e][r]);
      UNROLL
      for (int i = 0; i < pairs; i++) dots[i][r] = vmmlaq_s32(dots[i][r], rows, quants[i]);
    }
  }
}

/// The two tokens' scales, twice.
INLINE float32x4_t load_scales(const float scales[2]) {
  return vreinterpretq_f32_f64(vld1q_dup_f64((const double *)(const void *)scales));
}

TARGET INLINE void some_int8(const zipped_run *run, const zipped_tokens *x, int32_t groups, int32_t half, int32_t first,
                             int32_t tokens, int pairs, float out[MARTLET_TILE][16]) {
  float32x4_t sums[PAIRS][4];
  load_sums(out, half, first, tokens, pairs, sums);
  for (int32_t g = 0; g < groups; g++) {
    int32x4_t dots[PAIRS][4];
    multiply(run->weights[half][g], x, g, 0, 8, pairs, dots);
    UNROLL
    for (int i = 0; i < pairs; i++) {
      const float32x4_t scale = load_scales(x->scales[i][g]);
      UNROLL
      for (int r = 0; r < 4; r++)
        sums[i][r] = vfmaq_f32(sums[i][r], vmulq_f32(vcvtq_f32_s32(dots[i][r]), vld1q_f32(run->scales[half][g][r])),
                               scale);
    }
  }
  store_sums(out, half, first, tokens, pairs, sums);
}

TARGET static void some_int4(const zipped_run *run, const zipped_tokens *x, int32_t groups, int32_t half,
                             int32_t first, int32_t tokens, float out[MARTLET_TILE][16]) {
  float32x4_t sums[2][4];
  load_sums(out, half, first, tokens, 2, sums);
  for (int32_t g = 0; g < groups; g++) {
    int32x4_t dots[2][2][4];
    multiply(run->weights[half][g], x, g, 0, 4, 2, dots[0]);
    multiply(run->weights[half][g], x, g, 4, 4, 2, dots[1]);
    UNROLL
    for (int i = 0; i < 2; i++) {
      const float32x4_t scale = load_scales(x->scales[i][g]);
      UNROLL
      for (int r = 0; r < 4; r++) {
        const int32x4_t dot = vmlaq_s32(vmulq_s32(dots[0][i][r], vld1q_s32(run->multipliers[half][g][0][r])),
                                        dots[1][i][r], vld1q_s32(run->multipliers[half][g][1][r]));
        sums[i][r] = vfmaq_f32(sums[i][r], vcvtq_f32_s32(dot), scale);
      }
    }
  }
  store_sums(out, half, first, tokens, 2, sums);
}

TARGET static void three_int8(const zipped_run *run, const zipped_tokens *x, int32_t groups, int32_t half,
                              int32_t first, int32_t tokens, float out[MARTLET_TILE][16]) {
  some_int8(run, x, groups, half, first, tokens, 3, out);
}
TARGET static void two_int8(const zipped_run *run, const zipped_tokens *x, int32_t groups, int32_t half, int32_t first,
                            int32_t tokens, float out[MARTLET_TILE][16]) {
  some_int8(run, x, groups, half, first, tokens, 2, out);
}

static void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  if (tokens < FEWEST) {
    martlet_matmul_int8_dotprod(p, s, block, token, tokens, out);
    return;
  }
  zipped_run run;
  zipped_tokens x;
  memset(out, 0, (size_t)tokens * sizeof *out);
  for (int32_t group = 0, groups; group < s->groups; group += groups) {
    groups = martlet_min(RUN, s->groups - group);
    zip_int8(s, block, group, groups, &run);
    for (int32_t t = 0, pairs; t < tokens; t += 2 * pairs) {
      pairs = tokens - t <= 4 ? 2 : 3;
      zip_tokens(p, group, groups, token, t, tokens, pairs, &x);
      for (int32_t half = 0; half < 2; half++)
        (pairs == 2 ? two_int8 : three_int8)(&run, &x, groups, half, t, tokens, out);
    }
  }
}

static void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  if (tokens < FEWEST) {
    martlet_matmul_int4_dotprod(p, s, block, token, tokens, out);
    return;
  }
  zipped_run run;
  zipped_tokens x;
  float below[MARTLET_TILE][16];
  memset(out, 0, (size_t)tokens * sizeof *out);
  memset(below, 0, (size_t)tokens * sizeof *below);
  for (int32_t group = 0, groups; group < s->groups; group += groups) {
    groups = martlet_min(RUN, s->groups - group);
    zip_int4(s, block, group, groups, &run);
    for (int32_t t = 0; t < tokens; t += 4) {
      zip_tokens(p, group, groups, token, t, tokens, 2, &x);
      for (int32_t half = 0; half < 2; half++) some_int4(&run, &x, groups, half, t, tokens, out);
    }
    martlet_matmul_below_neon(p, block, group, groups, token, tokens, below);
  }
  martlet_matmul_steps_neon(block, tokens, below, out);
}

MARTLET_KERNEL(matmul, i8mm, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8, tile_int4},
                                         .most = {4, MARTLET_TILE, MARTLET_TILE}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

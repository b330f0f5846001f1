#include "matmul_zip_i8mm.h"

#if defined(__aarch64__)

// armv8.6 matrix multiply: two rows times two tokens times eight columns. An accumulator holds [row][token], 2 x 2.
// A tile is 8 rows by three pairs of tokens (INT4, whose halves are summed apart: two), which fills the registers.
// Both sides are zipped for it on the stack, a run of groups at a time: tokens once for all blocks of a call, a block
// once for all tokens. Sums wait in memory from one run to the next.

#define TARGET MARTLET_TARGET_i8mm
/// Fewer tokens do not pay for it.
#define FEWEST 4
#define TILES ((MARTLET_TILE + 2 * PAIRS - 1) / (2 * PAIRS))
#define INT4_TILES (MARTLET_TILE / 4)

/// The sums of 8 rows from those in memory, [token][row], or zero.
INLINE void load_sums(float out[MARTLET_TILE][16], bool is_first, int32_t half, int32_t pair, int32_t tokens, int pairs,
                      float32x4_t sums[][4]) {
  UNROLL
  for (int i = 0; i < pairs; i++) {
    const float *one = out[tile_token(2 * (pair + i), tokens)] + half * 8;
    const float *other = out[tile_token(2 * (pair + i) + 1, tokens)] + half * 8;
    UNROLL
    for (int r = 0; r < 2; r++) {
      const float32x4_t a = is_first ? vdupq_n_f32(0) : vld1q_f32(one + r * 4);
      const float32x4_t b = is_first ? vdupq_n_f32(0) : vld1q_f32(other + r * 4);
      sums[i][2 * r] = vzip1q_f32(a, b);
      sums[i][2 * r + 1] = vzip2q_f32(a, b);
    }
  }
}

INLINE void store_sums(float out[MARTLET_TILE][16], int32_t half, int32_t pair, int32_t tokens, int pairs,
                       float32x4_t sums[][4]) {
  UNROLL
  for (int i = 0; i < pairs; i++) {
    float *one = out[tile_token(2 * (pair + i), tokens)] + half * 8;
    float *other = out[tile_token(2 * (pair + i) + 1, tokens)] + half * 8;
    UNROLL
    for (int r = 0; r < 2; r++) {
      vst1q_f32(one + r * 4, vuzp1q_f32(sums[i][2 * r], sums[i][2 * r + 1]));
      vst1q_f32(other + r * 4, vuzp2q_f32(sums[i][2 * r], sums[i][2 * r + 1]));
    }
  }
}

/// Products of `eights` times eight columns; a tile has room for `places` pairs.
TARGET INLINE void multiply(const int8_t (*w)[4][16], const int8_t *x, int places, int eights, int pairs,
                            int32x4_t dots[][4]) {
  UNROLL
  for (int i = 0; i < pairs; i++) {
    UNROLL
    for (int r = 0; r < 4; r++) dots[i][r] = vdupq_n_s32(0);
  }
  UNROLL
  for (int e = 0; e < eights; e++) {
    int8x16_t quants[PAIRS];
    UNROLL
    for (int i = 0; i < pairs; i++) quants[i] = vld1q_s8(x + (e * places + i) * 16);
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

TARGET INLINE void some_int8(const zipped_int8 *w, const zipped_six *x, int32_t groups, bool is_first, int32_t half,
                             int32_t pair, int32_t tokens, int pairs, float out[MARTLET_TILE][16]) {
  float32x4_t sums[PAIRS][4];
  load_sums(out, is_first, half, pair, tokens, pairs, sums);
  for (int32_t g = 0; g < groups; g++, w++, x++) {
    int32x4_t dots[PAIRS][4];
    multiply(w->weights, x->quants[0][0], PAIRS, 8, pairs, dots);
    UNROLL
    for (int i = 0; i < pairs; i++) {
      const float32x4_t scale = load_scales(x->scales[i]);
      UNROLL
      for (int r = 0; r < 4; r++)
        sums[i][r] = vfmaq_f32(sums[i][r], vmulq_f32(vcvtq_f32_s32(dots[i][r]), vld1q_f32(w->scales[r])), scale);
    }
  }
  store_sums(out, half, pair, tokens, pairs, sums);
}

TARGET static void three_int8(const zipped_int8 *w, const zipped_six *x, int32_t groups, bool is_first, int32_t half,
                              int32_t pair, int32_t tokens, float out[MARTLET_TILE][16]) {
  some_int8(w, x, groups, is_first, half, pair, tokens, 3, out);
}
TARGET static void two_int8(const zipped_int8 *w, const zipped_six *x, int32_t groups, bool is_first, int32_t half,
                            int32_t pair, int32_t tokens, float out[MARTLET_TILE][16]) {
  some_int8(w, x, groups, is_first, half, pair, tokens, 2, out);
}

TARGET static void some_int4(const zipped_int4 *w, const zipped_four *x, int32_t groups, bool is_first, int32_t half,
                             int32_t pair, int32_t tokens, float out[MARTLET_TILE][16]) {
  float32x4_t sums[2][4];
  load_sums(out, is_first, half, pair, tokens, 2, sums);
  for (int32_t g = 0; g < groups; g++, w++, x++) {
    int32x4_t dots[2][2][4];
    multiply(w->weights, x->quants[0][0], 2, 4, 2, dots[0]);
    multiply(w->weights + 4, x->quants[4][0], 2, 4, 2, dots[1]);
    UNROLL
    for (int i = 0; i < 2; i++) {
      const float32x4_t scale = load_scales(x->scales[i]);
      UNROLL
      for (int r = 0; r < 4; r++) {
        const int32x4_t dot = vmlaq_s32(vmulq_s32(dots[0][i][r], vld1q_s32(w->multipliers[0][r])), dots[1][i][r],
                                        vld1q_s32(w->multipliers[1][r]));
        sums[i][r] = vfmaq_f32(sums[i][r], vcvtq_f32_s32(dot), scale);
      }
    }
  }
  store_sums(out, half, pair, tokens, 2, sums);
}

static void walk_int8(const martlet_matmul_params *p, int32_t first, int32_t last) {
  const matmul_shape s = martlet_matmul_shape(&p->matrix);
  const size_t block_bytes = martlet_matrix_block_bytes(&p->matrix);
  // A last tile has two pairs or three; the missing one is the last token's again.
  int32_t pairs = (p->tokens + 1) / 2;
  pairs += pairs % PAIRS == 1;
  zipped_six x[TILES][RUN];
  zipped_int8 w[2][RUN];
  for (int32_t group = 0, groups; group < s.groups; group += groups) {
    groups = martlet_min(RUN, s.groups - group);
    for (int32_t i = 0; i < pairs; i++) {
      zipped_six *tile = x[i / PAIRS];
      zip_pair(p, group, groups, i, tile->quants[0][i % PAIRS], sizeof tile->quants[0], tile->scales[i % PAIRS],
               sizeof *tile);
    }
    for (int32_t b = first; b < last; b++) {
      float out[MARTLET_TILE][16];
      if (group > 0) martlet_matmul_move(p, b, false, out);
      zip_int8(&s, p->matrix.weights + (size_t)b * block_bytes, group, groups, w);
      for (int32_t i = 0; i < pairs; i += PAIRS)
        for (int32_t half = 0; half < 2; half++)
          (pairs - i < PAIRS ? two_int8 : three_int8)(w[half], x[i / PAIRS], groups, group == 0, half, i, p->tokens,
                                                      out);
      if (group + groups < s.groups) martlet_matmul_move(p, b, true, out);
      else martlet_matmul_finish(p, b, 0, p->tokens, out);
    }
  }
}

static void walk_int4(const martlet_matmul_params *p, int32_t first, int32_t last) {
  const matmul_shape s = martlet_matmul_shape(&p->matrix);
  const size_t block_bytes = martlet_matrix_block_bytes(&p->matrix);
  const int32_t pairs = (p->tokens + 3) / 4 * 2;
  zipped_four x[INT4_TILES][RUN];
  zipped_int4 w[2][RUN];
  for (int32_t group = 0, groups; group < s.groups; group += groups) {
    groups = martlet_min(RUN, s.groups - group);
    for (int32_t i = 0; i < pairs; i++) {
      zipped_four *tile = x[i / 2];
      zip_pair(p, group, groups, i, tile->quants[0][i % 2], sizeof tile->quants[0], tile->scales[i % 2], sizeof *tile);
    }
    for (int32_t b = first; b < last; b++) {
      const uint8_t *block = p->matrix.weights + (size_t)b * block_bytes;
      float out[MARTLET_TILE][16];
      if (group > 0) martlet_matmul_move(p, b, false, out);
      zip_int4(&s, block, group, groups, w);
      for (int32_t i = 0; i < pairs; i += 2)
        for (int32_t half = 0; half < 2; half++)
          some_int4(w[half], x[i / 2], groups, group == 0, half, i, p->tokens, out);
      if (group + groups < s.groups) {
        martlet_matmul_move(p, b, true, out);
      } else {
        martlet_matmul_floors_neon(p, &s, block, 0, p->tokens, out);
        martlet_matmul_finish(p, b, 0, p->tokens, out);
      }
    }
  }
}

MARTLET_KERNEL(matmul, i8mm, p) {
  if (p->matrix.type == MARTLET_MATRIX_F32 || p->tokens < FEWEST) martlet_matmul_dotprod(p, NULL, first, last, NULL);
  else (p->matrix.type == MARTLET_MATRIX_INT8 ? walk_int8 : walk_int4)(p, first, last);
}
#endif

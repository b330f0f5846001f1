/// How the matrix multiply instruction wants weights and activations: eight columns of two rows in a register.
#ifndef MARTLET_MATMUL_ZIP_I8MM_H
#define MARTLET_MATMUL_ZIP_I8MM_H

#include "matmul_arm.h"

#if defined(__aarch64__)
/// Pairs of tokens of an INT8 tile.
#define PAIRS 3

/// A group of 8 rows: for each eight columns four pairs of rows; and what each pair is multiplied with, [row][token].
typedef struct zipped_int8 {
  int8_t weights[8][4][16];
  float scales[4][4];
} zipped_int8;
typedef struct zipped_int4 {
  int8_t weights[8][4][16];
  int32_t multipliers[2][4][4];
} zipped_int4;

/// A group of a tile's tokens: pairs [8 columns of one, 8 of the other], and their scales.
typedef struct zipped_six {
  int8_t quants[8][PAIRS][16];
  float scales[PAIRS][2];
} zipped_six;
typedef struct zipped_four {
  int8_t quants[8][2][16];
  float scales[2][2];
} zipped_four;

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

/// Two quads of 8 rows.
INLINE void store_eight(int8_t to[4][16], int8x16_t a0, int8x16_t a1, int8x16_t b0, int8x16_t b1) {
  vst1q_s8(to[0], zip_low(a0, b0));
  vst1q_s8(to[1], zip_high(a0, b0));
  vst1q_s8(to[2], zip_low(a1, b1));
  vst1q_s8(to[3], zip_high(a1, b1));
}

static void zip_int8(const matmul_shape *s, const uint8_t *block, int32_t group, int32_t groups,
                     zipped_int8 to[2][RUN]) {
  const int8_t *w = (const int8_t *)block + s->head_bytes + (size_t)group * 1024;
  for (int32_t g = 0; g < groups; g++) {
    ROLLED
    for (int32_t e = 0; e < 8; e++, w += 128) {
      const int8x16x4_t a = vld1q_s8_x4(w), b = vld1q_s8_x4(w + 64);
      store_eight(to[0][g].weights[e], a.val[0], a.val[1], b.val[0], b.val[1]);
      store_eight(to[1][g].weights[e], a.val[2], a.val[3], b.val[2], b.val[3]);
    }
    for (int half = 0; half < 2; half++) {
      const uint16x8_t halves = load_halves(block + (size_t)(group + g) * 32 + half * 16);
      const float32x4_t low = low_floats(halves), high = high_floats(halves);
      float (*scales)[4] = to[half][g].scales;
      vst1q_f32(scales[0], vzip1q_f32(low, low));
      vst1q_f32(scales[1], vzip2q_f32(low, low));
      vst1q_f32(scales[2], vzip1q_f32(high, high));
      vst1q_f32(scales[3], vzip2q_f32(high, high));
    }
  }
}

INLINE int8x16_t low_nibbles(uint8x16_t a) { return vreinterpretq_s8_u8(vandq_u8(a, vdupq_n_u8(15))); }
INLINE int8x16_t high_nibbles(uint8x16_t a) { return vreinterpretq_s8_u8(vshrq_n_u8(a, 4)); }

static void zip_int4(const matmul_shape *s, const uint8_t *block, int32_t group, int32_t groups,
                     zipped_int4 to[2][RUN]) {
  const uint8_t *w = block + s->head_bytes + (size_t)group * 512;
  const uint8_t *levels = block + LEVEL_BYTES + (size_t)group * LEVEL_BYTES;
  for (int32_t g = 0; g < groups; g++, levels += LEVEL_BYTES) {
    for (int32_t e = 0; e < 4; e++, w += 128) {
      const uint8x16x4_t a = vld1q_u8_x4(w), b = vld1q_u8_x4(w + 64);
      UNROLL
      for (int half = 0; half < 2; half++) {
        const uint8x16_t a0 = a.val[2 * half], a1 = a.val[2 * half + 1];
        const uint8x16_t b0 = b.val[2 * half], b1 = b.val[2 * half + 1];
        int8_t (*weights)[4][16] = to[half][g].weights;
        store_eight(weights[e], low_nibbles(a0), low_nibbles(a1), low_nibbles(b0), low_nibbles(b1));
        store_eight(weights[4 + e], high_nibbles(a0), high_nibbles(a1), high_nibbles(b0), high_nibbles(b1));
      }
    }
    for (int part = 0; part < 2; part++) {
      uint32x4_t words[4];
      widen(vld1q_u8(levels + part * 16), words);
      UNROLL
      for (int i = 0; i < 4; i++) {
        int32_t (*multipliers)[4] = to[i / 2][g].multipliers[part] + i % 2 * 2;
        vst1q_s32(multipliers[0], vreinterpretq_s32_u32(vzip1q_u32(words[i], words[i])));
        vst1q_s32(multipliers[1], vreinterpretq_s32_u32(vzip2q_u32(words[i], words[i])));
      }
    }
  }
}

/// Tokens 2 * pair and 2 * pair + 1: `eight` columns of a group are `step` bytes apart, groups `group_step`.
INLINE void zip_pair(const martlet_matmul_params *p, int32_t group, int32_t groups, int32_t pair, int8_t *quants,
                     size_t step, float *scales, size_t group_step) {
  const size_t one = (size_t)tile_token(2 * pair, p->tokens), other = (size_t)tile_token(2 * pair + 1, p->tokens);
  const int8_t *x = p->x.quants + one * (size_t)p->x.stride + group * MARTLET_GROUP;
  const int8_t *y = p->x.quants + other * (size_t)p->x.stride + group * MARTLET_GROUP;
  const float *x_scales = p->x.scales + one * (size_t)p->x.groups + group;
  const float *y_scales = p->x.scales + other * (size_t)p->x.groups + group;
  for (int32_t g = 0; g < groups; g++, x += MARTLET_GROUP, y += MARTLET_GROUP) {
    UNROLL
    for (int e = 0; e < 4; e++) {
      const int8x16_t a = vld1q_s8(x + e * 16), b = vld1q_s8(y + e * 16);
      vst1q_s8(quants + 2 * (size_t)e * step, low_halves(a, b));
      vst1q_s8(quants + (2 * (size_t)e + 1) * step, high_halves(a, b));
    }
    scales[0] = x_scales[g];
    scales[1] = y_scales[g];
    quants += group_step;
    scales += group_step / sizeof *scales;
  }
}
#endif
#endif

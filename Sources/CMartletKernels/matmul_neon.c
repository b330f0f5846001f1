#include "matmul_arm.h"

#if defined(__aarch64__)
#define TARGET

/// The quads 0...3 of 16 quants, each in all lanes.
INLINE int8x16_t spread(int32x4_t quants, int lane) {
  return vreinterpretq_s8_s32(lane == 0   ? vdupq_laneq_s32(quants, 0)
                              : lane == 1 ? vdupq_laneq_s32(quants, 1)
                              : lane == 2 ? vdupq_laneq_s32(quants, 2)
                                          : vdupq_laneq_s32(quants, 3));
}

/// Adds the products of two quads, which fit 16 bits, -128 being no quant: 2 * 128 * 127 < 2^15. Even columns and odd
/// ones stay apart in the sums.
INLINE void add_two(int8x16_t w0, int8x16_t w1, int8x16_t x0, int8x16_t x1, int32x4_t pairs[2]) {
  int16x8_t low = vmull_s8(vget_low_s8(w0), vget_low_s8(x0)), high = vmull_high_s8(w0, x0);
  low = vmlal_s8(low, vget_low_s8(w1), vget_low_s8(x1));
  high = vmlal_high_s8(high, w1, x1);
  pairs[0] = vpadalq_s16(pairs[0], low);
  pairs[1] = vpadalq_s16(pairs[1], high);
}

INLINE void add_nibbles(int8x16_t w, int8x16_t x, int16x8_t pairs[2]) {
  pairs[0] = vmlal_s8(pairs[0], vget_low_s8(w), vget_low_s8(x));
  pairs[1] = vmlal_high_s8(pairs[1], w, x);
}

/// Of two halves' 8 rows in pairs. 8 products of a nibble, twice, fit 16 bits: 2 * 8 * 15 * 127 < 2^15.
INLINE int32x4_t sum_nibbles(const int16x8_t pairs[2]) { return vpaddlq_s16(vpaddq_s16(pairs[0], pairs[1])); }

/// Four quads, from quad `q` of the tokens.
INLINE void add_four(const int8_t *w, const int8_t *const x[], int q, int tokens, int vectors, bool is_nibble,
                     int32x4_t words[4][4][2], int16x8_t pairs[4][4][2]) {
  UNROLL
  for (int two = 0; two < 4; two += 2) {
    UNROLL
    for (int t = 0; t < tokens; t++) {
      const int32x4_t quants = vreinterpretq_s32_s8(vld1q_s8(x[t] + q * 4));
      const int8x16_t x0 = spread(quants, two), x1 = spread(quants, two + 1);
      UNROLL
      for (int i = 0; i < vectors; i++) {
        const int8x16_t w0 = vld1q_s8(w + two * 64 + i * 16), w1 = vld1q_s8(w + two * 64 + 64 + i * 16);
        if (is_nibble) {
          add_nibbles(w0, x0, pairs[t][i]);
          add_nibbles(w1, x1, pairs[t][i]);
        } else {
          add_two(w0, w1, x0, x1, words[t][i]);
        }
      }
    }
  }
}

INLINE void multiply(const int8_t *w, const int8_t *const x[], int tokens, int vectors, int quads, bool is_nibble,
                     int32x4_t dots[][4]) {
  int32x4_t words[4][4][2];
  int16x8_t pairs[4][4][2];
  UNROLL
  for (int t = 0; t < tokens; t++) {
    UNROLL
    for (int i = 0; i < vectors; i++) {
      words[t][i][0] = words[t][i][1] = vdupq_n_s32(0);
      pairs[t][i][0] = pairs[t][i][1] = vdupq_n_s16(0);
    }
  }
  if (is_nibble || tokens == 1) {
    UNROLL
    for (int q = 0; q < quads; q += 4) add_four(w + q * 64, x, q, tokens, vectors, is_nibble, words, pairs);
  } else {
    // Unrolled, the compiler would move the accumulators about.
    ROLLED
    for (int q = 0; q < quads; q += 4, w += 256) add_four(w, x, q, tokens, vectors, is_nibble, words, pairs);
  }
  UNROLL
  for (int t = 0; t < tokens; t++) {
    UNROLL
    for (int i = 0; i < vectors; i++)
      dots[t][i] = is_nibble ? sum_nibbles(pairs[t][i]) : vpaddq_s32(words[t][i][0], words[t][i][1]);
  }
}

/// A group of one token: sums of each half.
INLINE void multiply_nibbles(const uint8_t *w, const int8_t *x, int32x4_t dots[2][4]) {
  int16x8_t pairs[2][4][2];
  UNROLL
  for (int i = 0; i < 4; i++) pairs[0][i][0] = pairs[0][i][1] = pairs[1][i][0] = pairs[1][i][1] = vdupq_n_s16(0);
  UNROLL
  for (int q = 0; q < 8; q++) {
    const int8x16_t first = spread(vreinterpretq_s32_s8(vld1q_s8(x + q / 4 * 16)), q % 4);
    const int8x16_t second = spread(vreinterpretq_s32_s8(vld1q_s8(x + MARTLET_HALF_GROUP + q / 4 * 16)), q % 4);
    UNROLL
    for (int i = 0; i < 4; i++) {
      const uint8x16_t bytes = vld1q_u8(w + q * 64 + i * 16);
      add_nibbles(vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15))), first, pairs[0][i]);
      add_nibbles(vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4)), second, pairs[1][i]);
    }
  }
  UNROLL
  for (int i = 0; i < 4; i++) {
    dots[0][i] = sum_nibbles(pairs[0][i]);
    dots[1][i] = sum_nibbles(pairs[1][i]);
  }
}

#include "matmul_neon.h"

typedef struct floor_run {
  float floors[RUN][2][16];
} floor_run;

/// Adds `groups` groups' floors times the sums of quants of four tokens.
static void add_floors(const martlet_matmul_params *p, const floor_run *run, int32_t group, int32_t groups,
                       int32_t token, int32_t first, int32_t tokens, float below[MARTLET_TILE][16]) {
  float32x4_t sums[4][4];
  const float *scales[4];
  const int32_t *quants_sums[4];
  UNROLL
  for (int t = 0; t < 4; t++) {
    const int32_t place = tile_token(first + t, tokens);
    const size_t at = (size_t)(token + place) * (size_t)p->x.groups + (size_t)group;
    scales[t] = p->x.scales + at;
    quants_sums[t] = p->x.sums + at * 2;
    UNROLL
    for (int i = 0; i < 4; i++) sums[t][i] = group ? vld1q_f32(below[place] + i * 4) : vdupq_n_f32(0);
  }
  for (int32_t g = 0; g < groups; g++) {
    float32x2_t both[4];
    UNROLL
    for (int t = 0; t < 4; t++) both[t] = vmul_n_f32(vcvt_f32_s32(vld1_s32(quants_sums[t] + g * 2)), scales[t][g]);
    UNROLL
    for (int i = 0; i < 4; i++) {
      const float32x4_t one = vld1q_f32(run->floors[g][0] + i * 4), other = vld1q_f32(run->floors[g][1] + i * 4);
      UNROLL
      for (int t = 0; t < 4; t++)
        sums[t][i] = vfmaq_lane_f32(vfmaq_lane_f32(sums[t][i], one, both[t], 0), other, both[t], 1);
    }
  }
  UNROLL
  for (int t = 0; t < 4; t++) {
    float *row = below[tile_token(first + t, tokens)];
    UNROLL
    for (int i = 0; i < 4; i++) vst1q_f32(row + i * 4, sums[t][i]);
  }
}

void martlet_matmul_floors_neon(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                int32_t token, int32_t tokens, float out[MARTLET_TILE][16]) {
  const uint8_t *levels = block + LEVEL_BYTES + 32;
  float below[MARTLET_TILE][16];
  floor_run run;
  for (int32_t group = 0, groups; group < s->groups; group += groups) {
    groups = martlet_min(RUN, s->groups - group);
    for (int32_t g = 0; g < groups; g++, levels += LEVEL_BYTES) {
      UNROLL
      for (int half = 0; half < 2; half++) {
        uint32x4_t words[4];
        widen(vld1q_u8(levels + half * 16), words);
        for (int i = 0; i < 4; i++) vst1q_f32(run.floors[g][half] + i * 4, vcvtq_f32_u32(words[i]));
      }
    }
    for (int32_t t = 0; t < tokens; t += 4) add_floors(p, &run, group, groups, token, t, tokens, below);
  }
  for (int32_t t = 0; t < tokens; t++) apply_steps(block, below[t], out[t]);
}

static void int8_neon(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  tile_int8(p, s, block, token, tokens, out);
}

static void int4_neon(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  tile_int4(p, s, block, token, tokens, out);
}

MARTLET_KERNEL(matmul, neon, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, int8_neon, int4_neon},
                                         .most = {4, MARTLET_TILE, MARTLET_TILE}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

/// The quantized tiles for NEON, with or without the dot-product instruction. The including file defines TARGET and
///
///     multiply(w, x, stride, tokens, vectors, quads, is_nibble, dots)
///
/// which sums the products of `tokens` rows of quants, `stride` apart, with 4 * `vectors` rows of weights over `quads`
/// lines of 64 bytes: dots[t][i], rows 4 * i ... 4 * i + 3. With `is_nibble` the weights are 0...15, and 8 quads.
///
/// One token takes all 16 rows of a block in the order of memory. Several take 8 rows by 4 tokens, group after group:
/// the sums stay in registers.
#include "matmul_arm.h"

#if defined(__aarch64__)
#define TOKENS 4
/// Each saves the registers that it uses itself.
#define APART static __attribute__((noinline))

typedef struct tile_rows {
  const int8_t *x[TOKENS];
  const float *scales[TOKENS];
} tile_rows;

INLINE tile_rows start(const martlet_matmul_params *p, const matmul_shape *s, int32_t token, int32_t first,
                       int32_t tokens, int32_t group) {
  tile_rows at;
  UNROLL
  for (int i = 0; i < TOKENS; i++) {
    const size_t t = (size_t)(token + tile_token(first + i, tokens));
    at.x[i] = p->x.quants + t * (size_t)p->x.stride + group * MARTLET_GROUP;
    at.scales[i] = p->x.scales + t * (size_t)s->groups + group;
  }
  return at;
}

TARGET APART void one_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                           float out[16]) {
  const int8_t *w = (const int8_t *)block + s->head_bytes;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  float32x4_t sums[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
  for (int32_t g = 0; g < s->groups; g++, w += 1024, x += MARTLET_GROUP, block += 32) {
    int32x4_t dots[1][4];
    multiply(w, &x, 1, 4, 16, false, dots);
    const uint16x8_t low = load_halves(block), high = load_halves(block + 16);
    const float32x4_t scale[4] = {low_floats(low), high_floats(low), low_floats(high), high_floats(high)};
    UNROLL
    for (int i = 0; i < 4; i++)
      sums[i] = vfmaq_n_f32(sums[i], vmulq_f32(vcvtq_f32_s32(dots[0][i]), scale[i]), scales[g]);
  }
  UNROLL
  for (int i = 0; i < 4; i++) vst1q_f32(out + i * 4, sums[i]);
}

TARGET APART void one_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                           float out[16]) {
  const uint8_t *w = block + s->head_bytes, *levels = block + LEVEL_BYTES;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  const int32_t *quants_sums = p->x.sums + (size_t)token * (size_t)s->groups * 2;
  float32x4_t sums[4], below[4];
  for (int i = 0; i < 4; i++) sums[i] = below[i] = vdupq_n_f32(0);
  for (int32_t g = 0; g < s->groups; g++, w += 512, x += MARTLET_GROUP, levels += LEVEL_BYTES) {
    int32x4_t dots[2][4];
    multiply_nibbles(w, x, dots);
    uint32x4_t first[4], second[4], floors[2][4];
    widen(vld1q_u8(levels), first);
    widen(vld1q_u8(levels + 16), second);
    widen(vld1q_u8(levels + 32), floors[0]);
    widen(vld1q_u8(levels + 48), floors[1]);
    const float32x2_t both = vmul_n_f32(vcvt_f32_s32(vld1_s32(quants_sums + g * 2)), scales[g]);
    UNROLL
    for (int i = 0; i < 4; i++) {
      const int32x4_t dot = vmlaq_s32(vmulq_s32(dots[0][i], vreinterpretq_s32_u32(first[i])), dots[1][i],
                                      vreinterpretq_s32_u32(second[i]));
      sums[i] = vfmaq_n_f32(sums[i], vcvtq_f32_s32(dot), scales[g]);
      below[i] = vfmaq_lane_f32(below[i], vcvtq_f32_u32(floors[0][i]), both, 0);
      below[i] = vfmaq_lane_f32(below[i], vcvtq_f32_u32(floors[1][i]), both, 1);
    }
  }
  float floor_sums[16];
  UNROLL
  for (int i = 0; i < 4; i++) {
    vst1q_f32(out + i * 4, sums[i]);
    vst1q_f32(floor_sums + i * 4, below[i]);
  }
  apply_steps(block, floor_sums, out);
}

TARGET static void some_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int32_t first, int32_t tokens, int32_t half, float out[][16]) {
  const int8_t *w = (const int8_t *)block + s->head_bytes + half * 32;
  const uint8_t *scales = block + half * 16;
  tile_rows at = start(p, s, token, first, tokens, 0);
  float32x4_t sums[TOKENS][2];
  UNROLL
  for (int t = 0; t < TOKENS; t++) sums[t][0] = sums[t][1] = vdupq_n_f32(0);
  for (int32_t g = 0; g < s->groups; g++, w += 1024, scales += 32) {
    int32x4_t dots[TOKENS][4];
    multiply(w, at.x, TOKENS, 2, 16, false, dots);
    const uint16x8_t halves = load_halves(scales);
    const float32x4_t scale[2] = {low_floats(halves), high_floats(halves)};
    UNROLL
    for (int t = 0; t < TOKENS; t++) {
      UNROLL
      for (int i = 0; i < 2; i++)
        sums[t][i] = vfmaq_n_f32(sums[t][i], vmulq_f32(vcvtq_f32_s32(dots[t][i]), scale[i]), at.scales[t][g]);
      at.x[t] += MARTLET_GROUP;
    }
  }
  UNROLL
  for (int t = 0; t < TOKENS; t++) {
    float *row = out[tile_token(first + t, tokens)] + half * 8;
    vst1q_f32(row, sums[t][0]);
    vst1q_f32(row + 4, sums[t][1]);
  }
}

/// Weights of a run of groups as int8 in the order of columns, and multipliers as words.
typedef struct int4_run {
  int8_t weights[RUN][1024];
  int32_t multipliers[RUN][2][16];
} int4_run;

static void unpack(const matmul_shape *s, const uint8_t *block, int32_t group, int32_t groups, int4_run *run) {
  const uint8_t *w = block + s->head_bytes + (size_t)group * 512;
  const uint8_t *levels = block + LEVEL_BYTES + (size_t)group * LEVEL_BYTES;
  for (int32_t g = 0; g < groups; g++, levels += LEVEL_BYTES) {
    for (int32_t i = 0; i < 512; i += 64, w += 64) {
      const uint8x16x4_t bytes = vld1q_u8_x4(w);
      UNROLL
      for (int j = 0; j < 4; j++) {
        vst1q_s8(run->weights[g] + i + j * 16, vreinterpretq_s8_u8(vandq_u8(bytes.val[j], vdupq_n_u8(15))));
        vst1q_s8(run->weights[g] + 512 + i + j * 16, vreinterpretq_s8_u8(vshrq_n_u8(bytes.val[j], 4)));
      }
    }
    UNROLL
    for (int half = 0; half < 2; half++) {
      uint32x4_t words[4];
      widen(vld1q_u8(levels + half * 16), words);
      for (int i = 0; i < 4; i++) vst1q_s32(run->multipliers[g][half] + i * 4, vreinterpretq_s32_u32(words[i]));
    }
  }
}

TARGET static void some_int4(const martlet_matmul_params *p, const matmul_shape *s, const int4_run *run, int32_t group,
                             int32_t groups, int32_t token, int32_t first, int32_t tokens, int32_t half,
                             float out[][16]) {
  tile_rows at = start(p, s, token, first, tokens, group);
  float32x4_t sums[TOKENS][2];
  UNROLL
  for (int t = 0; t < TOKENS; t++) {
    const float *row = out[tile_token(first + t, tokens)] + half * 8;
    sums[t][0] = group ? vld1q_f32(row) : vdupq_n_f32(0);
    sums[t][1] = group ? vld1q_f32(row + 4) : vdupq_n_f32(0);
  }
  for (int32_t g = 0; g < groups; g++) {
    int32x4_t dots[2][TOKENS][4];
    const int8_t *w = run->weights[g] + half * 32;
    multiply(w, at.x, TOKENS, 2, 8, true, dots[0]);
    UNROLL
    for (int t = 0; t < TOKENS; t++) at.x[t] += MARTLET_HALF_GROUP;
    multiply(w + 512, at.x, TOKENS, 2, 8, true, dots[1]);
    UNROLL
    for (int t = 0; t < TOKENS; t++) at.x[t] += MARTLET_HALF_GROUP;
    UNROLL
    for (int i = 0; i < 2; i++) {
      const int32x4_t low = vld1q_s32(run->multipliers[g][0] + half * 8 + i * 4);
      const int32x4_t high = vld1q_s32(run->multipliers[g][1] + half * 8 + i * 4);
      UNROLL
      for (int t = 0; t < TOKENS; t++) {
        const int32x4_t dot = vmlaq_s32(vmulq_s32(dots[0][t][i], low), dots[1][t][i], high);
        sums[t][i] = vfmaq_n_f32(sums[t][i], vcvtq_f32_s32(dot), at.scales[t][g]);
      }
    }
  }
  UNROLL
  for (int t = 0; t < TOKENS; t++) {
    float *row = out[tile_token(first + t, tokens)] + half * 8;
    vst1q_f32(row, sums[t][0]);
    vst1q_f32(row + 4, sums[t][1]);
  }
}

TARGET APART void many_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                            int32_t tokens, float out[MARTLET_TILE][16]) {
  for (int32_t t = 0; t < tokens; t += TOKENS)
    for (int32_t half = 0; half < 2; half++) some_int8(p, s, block, token, t, tokens, half, out);
}

TARGET APART void many_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                            int32_t tokens, float out[MARTLET_TILE][16]) {
  int4_run run;
  for (int32_t group = 0, groups; group < s->groups; group += groups) {
    groups = martlet_min(RUN, s->groups - group);
    unpack(s, block, group, groups, &run);
    for (int32_t t = 0; t < tokens; t += TOKENS)
      for (int32_t half = 0; half < 2; half++) some_int4(p, s, &run, group, groups, token, t, tokens, half, out);
  }
  martlet_matmul_floors_neon(p, s, block, token, tokens, out);
}

INLINE void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  if (tokens == 1) one_int8(p, s, block, token, out[0]);
  else many_int8(p, s, block, token, tokens, out);
}

INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  if (tokens == 1) one_int4(p, s, block, token, out[0]);
  else many_int4(p, s, block, token, tokens, out);
}
#endif

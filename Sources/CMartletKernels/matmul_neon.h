/// The quantized tile for NEON, with or without the dot-product instruction: the including file defines MULTIPLY(acc,
/// w, x), which adds four products to each of four lanes, and TARGET.
#include "matmul.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))
#define MOST 4

/// 4 bfloat16 to floats.
TARGET INLINE float32x4_t load_bfloats(const uint8_t *at) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16((const uint16_t *)at), 16));
}

TARGET INLINE int8x16_t broadcast(const int8_t *x) { return vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)x)); }

TARGET INLINE void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const int8_t *w = (const int8_t *)block + s->head_bytes;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  float32x4_t acc[MOST][4];
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < 4; i++) acc[t][i] = vdupq_n_f32(0);
  for (int32_t g = 0; g < s->groups; g++, x += MARTLET_GROUP) {
    int32x4_t dots[MOST][4];
    for (int t = 0; t < tokens; t++)
      for (int i = 0; i < 4; i++) dots[t][i] = vdupq_n_s32(0);
    for (int32_t q = 0; q < MARTLET_GROUP / 4; q++, w += 64)
      for (int i = 0; i < 4; i++) {
        const int8x16_t bytes = vld1q_s8(w + i * 16);
        for (int t = 0; t < tokens; t++)
          MULTIPLY(dots[t][i], bytes, broadcast(x + (ptrdiff_t)t * p->x.stride + q * 4));
      }
    for (int i = 0; i < 4; i++) {
      const float32x4_t scale = load_bfloats(block + g * 32 + i * 8);
      for (int t = 0; t < tokens; t++)
        acc[t][i] = vfmaq_n_f32(acc[t][i], vmulq_f32(vcvtq_f32_s32(dots[t][i]), scale), scales[t * s->groups + g]);
    }
  }
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < 4; i++) vst1q_f32(out[t] + i * 4, acc[t][i]);
}

/// 4 bytes to words.
TARGET INLINE uint32x4_t load_words(const uint8_t *at) {
  uint32_t word;
  memcpy(&word, at, 4);
  return vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(word))));
}

TARGET INLINE void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int tokens, float out[][16]) {
  const uint8_t *w = block + s->head_bytes, *levels = block + 64;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  const int32_t *sums = p->x.sums + (size_t)token * (size_t)s->groups * 2;
  float32x4_t acc[MOST][4], below[MOST][4];
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < 4; i++) acc[t][i] = below[t][i] = vdupq_n_f32(0);
  for (int32_t g = 0; g < s->groups; g++, x += MARTLET_GROUP, levels += 64) {
    int32x4_t dots[2][MOST][4];
    for (int t = 0; t < tokens; t++)
      for (int i = 0; i < 4; i++) dots[0][t][i] = dots[1][t][i] = vdupq_n_s32(0);
    for (int32_t q = 0; q < MARTLET_HALF_GROUP / 4; q++, w += 64)
      for (int i = 0; i < 4; i++) {
        const uint8x16_t bytes = vld1q_u8(w + i * 16);
        const int8x16_t first = vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15)));
        const int8x16_t second = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
        for (int t = 0; t < tokens; t++) {
          const int8_t *at = x + (ptrdiff_t)t * p->x.stride + q * 4;
          MULTIPLY(dots[0][t][i], first, broadcast(at));
          MULTIPLY(dots[1][t][i], second, broadcast(at + MARTLET_HALF_GROUP));
        }
      }
    for (int i = 0; i < 4; i++) {
      const int32x4_t first = vreinterpretq_s32_u32(load_words(levels + i * 4));
      const int32x4_t second = vreinterpretq_s32_u32(load_words(levels + 16 + i * 4));
      for (int t = 0; t < tokens; t++) {
        const int32x4_t dot = vmlaq_s32(vmulq_s32(dots[0][t][i], first), dots[1][t][i], second);
        acc[t][i] = vfmaq_n_f32(acc[t][i], vcvtq_f32_s32(dot), scales[t * s->groups + g]);
      }
      for (int half = 0; half < 2; half++) {
        const float32x4_t floor = vcvtq_f32_u32(load_words(levels + 32 + half * 16 + i * 4));
        for (int t = 0; t < tokens; t++) {
          const float sum = scales[t * s->groups + g] * (float)sums[(t * s->groups + g) * 2 + half];
          below[t][i] = vfmaq_n_f32(below[t][i], floor, sum);
        }
      }
    }
  }
  for (int i = 0; i < 4; i++) {
    const float32x4_t step = load_bfloats(block + i * 8), floor_step = load_bfloats(block + 32 + i * 8);
    for (int t = 0; t < tokens; t++)
      vst1q_f32(out[t] + i * 4, vsubq_f32(vmulq_f32(acc[t][i], step), vmulq_f32(below[t][i], floor_step)));
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
#endif

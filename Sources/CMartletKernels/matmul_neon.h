/// The quantized tile for NEON, with or without the dot-product instruction: the including file defines MULTIPLY(acc,
/// w, x), which adds four products to each of four lanes, and TARGET.
#include "matmul.h"

#if defined(__aarch64__)
#include <arm_neon.h>

TARGET static inline __attribute__((always_inline)) void tile(const martlet_matmul_params *p, const matmul_shape *s,
                                                              const uint8_t *block, int32_t token, int tokens,
                                                              bool is_int4, float out[][16]) {
  const uint8_t *w = block + s->scale_bytes;
  const int8_t *x = p->x.quants + (size_t)token * (size_t)p->x.stride;
  const float *scales = p->x.scales + (size_t)token * (size_t)s->groups;
  const int32_t *sums = p->x.sums + (size_t)token * (size_t)s->groups;
  float32x4_t acc[MARTLET_TILE][4];
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < 4; i++) acc[t][i] = vdupq_n_f32(0);
  for (int32_t g = 0; g < s->groups; g++, x += p->matrix.group) {
    const int32_t quads = g == s->groups - 1 ? s->last_quads : s->quads, steps = is_int4 ? quads / 2 : quads;
    int32x4_t sum[MARTLET_TILE][4];
    for (int t = 0; t < tokens; t++)
      for (int i = 0; i < 4; i++) sum[t][i] = vdupq_n_s32(is_int4 ? -8 * sums[t * s->groups + g] : 0);
    for (int32_t q = 0; q < steps; q++, w += 64) {
      for (int i = 0; i < 4; i++) {
        const uint8x16_t bytes = vld1q_u8(w + i * 16);
        const int8x16_t low = vreinterpretq_s8_u8(is_int4 ? vandq_u8(bytes, vdupq_n_u8(15)) : bytes);
        const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
        for (int t = 0; t < tokens; t++) {
          const int8_t *at = x + (ptrdiff_t)t * p->x.stride + q * 4;
          const int8x16_t a = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)at));
          MULTIPLY(sum[t][i], low, a);
          if (is_int4) {
            const int8x16_t b = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(at + steps * 4)));
            MULTIPLY(sum[t][i], high, b);
          }
        }
      }
    }
    for (int i = 0; i < 4; i++) {
      const uint32x4_t halves = vshll_n_u16(vld1_u16((const uint16_t *)(block + g * 32) + i * 4), 16);
      const float32x4_t scale = vreinterpretq_f32_u32(halves);
      for (int t = 0; t < tokens; t++) {
        const float32x4_t product = vmulq_f32(vcvtq_f32_s32(sum[t][i]), scale);
        acc[t][i] = vaddq_f32(acc[t][i], vmulq_n_f32(product, scales[t * s->groups + g]));
      }
    }
  }
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < 4; i++) vst1q_f32(out[t] + i * 4, acc[t][i]);
}

#define DEFINE_TILE(NAME, IS_INT4)                                                                                    \
  TARGET static void NAME(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token, \
                          int32_t tokens, float out[MARTLET_TILE][16]) {                                              \
    switch (tokens) {                                                                                                 \
      case 1: tile(p, s, block, token, 1, IS_INT4, out); break;                                                       \
      case 2: tile(p, s, block, token, 2, IS_INT4, out); break;                                                       \
      default: tile(p, s, block, token, 4, IS_INT4, out); break;                                                      \
    }                                                                                                                 \
  }
DEFINE_TILE(tile_int8, false)
DEFINE_TILE(tile_int4, true)
#endif

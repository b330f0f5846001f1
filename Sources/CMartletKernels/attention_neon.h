/// What the variants of attention for NEON share.
#ifndef MARTLET_ATTENTION_NEON_H
#define MARTLET_ATTENTION_NEON_H

#include "attention.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/// 16 integers of 14 bits, in digits of 7 bits.
typedef struct attention_digits {
  int8x16_t high, low;
} attention_digits;

static inline __attribute__((always_inline)) attention_digits weigh_16(const float *e, const float *ratios) {
  int32x4_t w[4];
  for (int i = 0; i < 4; i++) w[i] = vcvtnq_s32_f32(vmulq_f32(vld1q_f32(e + i * 4), vld1q_f32(ratios + i * 4)));
  const int16x8_t a = vuzp1q_s16(vreinterpretq_s16_s32(w[0]), vreinterpretq_s16_s32(w[1]));
  const int16x8_t b = vuzp1q_s16(vreinterpretq_s16_s32(w[2]), vreinterpretq_s16_s32(w[3]));
  const int8x16_t low = vuzp1q_s8(vreinterpretq_s8_s16(a), vreinterpretq_s8_s16(b));
  return (attention_digits){vshrn_high_n_s16(vshrn_n_s16(a, 7), b, 7), vandq_s8(low, vdupq_n_s8(127))};
}

/// 64 high digits, then 64 low ones.
void martlet_attention_weigh_neon(const float e[TILE], const float ratios[TILE], attention_weights *out);

/// By the dot product.
void martlet_attention_score_dotprod(const attention_tile *tile, const attention_queries *queries, int32_t rows,
                                     float scores[][TILE]);

/// The integers of one group, for 4 slots, join the score.
static inline __attribute__((always_inline)) float32x4_t join_score(float32x4_t score, int32x4_t sum,
                                                                    const uint16_t *scales, float query_scale) {
  const float32x4_t scale = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(scales), 16));
  return vfmaq_n_f32(score, vmulq_f32(vcvtq_f32_s32(sum), scale), query_scale);
}

#endif
#endif

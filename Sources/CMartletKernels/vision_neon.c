/// The resize's inner loops with NEON.
#include "vision.h"

#if defined(__aarch64__)
#include <arm_neon.h>

MARTLET_VISION_LOOPS()

/// 16 samples.
static inline void row_block(int16_t *out, const uint8_t *const *rows, const int16_t *weights, int32_t taps,
                             int32_t i) {
  int32x4_t s0 = vdupq_n_s32(0), s1 = s0, s2 = s0, s3 = s0;
  for (int32_t k = 0; k < taps; k++) {
    const uint8x16_t row = vld1q_u8(rows[k] + i);
    const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(row)));
    const int16x8_t high = vreinterpretq_s16_u16(vmovl_high_u8(row));
    const int16x8_t weight = vdupq_n_s16(weights[k]);
    s0 = vmlal_s16(s0, vget_low_s16(low), vget_low_s16(weight));
    s1 = vmlal_high_s16(s1, low, weight);
    s2 = vmlal_s16(s2, vget_low_s16(high), vget_low_s16(weight));
    s3 = vmlal_high_s16(s3, high, weight);
  }
  vst1q_s16(out + i, vrshrn_high_n_s32(vrshrn_n_s32(s0, MARTLET_VISION_DROPPED), s1, MARTLET_VISION_DROPPED));
  vst1q_s16(out + i + 8, vrshrn_high_n_s32(vrshrn_n_s32(s2, MARTLET_VISION_DROPPED), s3, MARTLET_VISION_DROPPED));
}

static void rows(int16_t *out, const uint8_t *const *rows, const int16_t *weights, int32_t taps, int32_t count) {
  if (count < 16) {
    for (int32_t i = 0; i < count; i++) out[i] = martlet_vision_row_sample(rows, weights, taps, i);
    return;
  }
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) row_block(out, rows, weights, taps, i);
  // The last block overlaps the one before: it gives the same samples again.
  if (i < count) row_block(out, rows, weights, taps, count - 16);
}

static inline int32x4_t dot(const int16_t *samples, const int16_t *weights, int32_t taps) {
  int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
  for (int32_t k = 0; k < taps; k += 8) {
    const int16x8_t a = vld1q_s16(samples + k), b = vld1q_s16(weights + k);
    low = vmlal_s16(low, vget_low_s16(a), vget_low_s16(b));
    high = vmlal_high_s16(high, a, b);
  }
  return vaddq_s32(low, high);
}

static void columns(int16_t *out, const int16_t *samples, const int32_t *first, const int16_t *weights, int32_t taps,
                    int32_t count, int32_t bits) {
  const int32x4_t shift = vdupq_n_s32(-bits);
  int32_t x = 0;
  for (; x + 4 <= count; x += 4) {
    const int16_t *w = weights + x * (ptrdiff_t)taps;
    const int32x4_t s0 = dot(samples + first[x], w, taps), s1 = dot(samples + first[x + 1], w + taps, taps);
    const int32x4_t s2 = dot(samples + first[x + 2], w + 2 * (ptrdiff_t)taps, taps);
    const int32x4_t s3 = dot(samples + first[x + 3], w + 3 * (ptrdiff_t)taps, taps);
    const int32x4_t sums = vpaddq_s32(vpaddq_s32(s0, s1), vpaddq_s32(s2, s3));
    vst1_s16(out + x, vmovn_s32(vrshlq_s32(sums, shift)));
  }
  for (; x < count; x++) {
    out[x] = martlet_vision_column(samples + first[x], weights + x * (ptrdiff_t)taps, taps, bits);
  }
}

const martlet_vision_table martlet_vision_neon = {weigh, weigh_more, rows, columns, split, split3, colour, expand};
#endif

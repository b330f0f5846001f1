/// The rescaling of 16 channels on NEON, with what depends on the channels alone prepared once for many pixels.
#ifndef MARTLET_CHANNELS_NEON_H
#define MARTLET_CHANNELS_NEON_H

#include "requant_neon.h"

#if defined(__aarch64__)

/// In memory, and not in registers that accumulators need: a block of pixels loads each vector once.
typedef struct martlet_channels_neon {
  int32x4_t bias[4], multiplier[4];
  /// min(shift, 0) and max(shift, 0).
  int32x4_t minus_right[4], left[4];
  int16x8_t zero_point;
  int8x16_t clamp_min, clamp_max;
  /// Every channel shifts to the right: martlet_rescale_right_neon serves them all.
  bool right;
} martlet_channels_neon;

/// For fixed-point channels only, not for `double_rescale`. Channels beyond a layer's last have multipliers of 0, which
/// do not stand in the way of `right`.
static inline void martlet_channels_prepare_neon(const martlet_channels *channels, int32_t zero_point,
                                                 int32_t clamp_min, int32_t clamp_max, martlet_channels_neon *out) {
  const int32x4_t none = vdupq_n_s32(0);
  uint32x4_t right = vdupq_n_u32(UINT32_MAX);
  for (int j = 0; j < 4; j++) {
    int32x4_t shift = vminq_s32(vmaxq_s32(vld1q_s32(channels->shift + 4 * j), vdupq_n_s32(-31)), vdupq_n_s32(30));
    out->bias[j] = vld1q_s32(channels->bias + 4 * j);
    out->multiplier[j] = vandq_s32(vld1q_s32(channels->multiplier + 4 * j), vdupq_n_s32(INT32_MAX));
    out->minus_right[j] = vminq_s32(shift, none);
    out->left[j] = vmaxq_s32(shift, none);
    right = vandq_u32(right, vorrq_u32(vcltzq_s32(shift), vceqzq_s32(out->multiplier[j])));
  }
  out->right = vminvq_u32(right) != 0;
  out->zero_point = vdupq_n_s16((int16_t)zero_point);
  out->clamp_min = vdupq_n_s8((int8_t)clamp_min);
  out->clamp_max = vdupq_n_s8((int8_t)clamp_max);
}

/// Rescales `pixels` x 16 accumulators, bias included: channels outermost, so that a block's constants are loaded once.
/// Only where `right` is set.
static inline __attribute__((always_inline)) void martlet_rescale_channels_neon(int32x4_t acc[][4], int pixels,
                                                                                const martlet_channels_neon *channels) {
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    const int32x4_t multiplier = channels->multiplier[j], minus_right = channels->minus_right[j];
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) acc[i][j] = martlet_rescale_right_neon(acc[i][j], multiplier, minus_right);
  }
}

/// The same for any shifts. Out of line, since few models have such channels.
static inline __attribute__((noinline)) void martlet_rescale_channels_any_neon(int32x4_t (*acc)[4], int32_t pixels,
                                                                               const martlet_channels_neon *channels) {
  for (int32_t i = 0; i < pixels; i++) {
    for (int j = 0; j < 4; j++) {
      int32x4_t high = vqrdmulhq_s32(vshlq_s32(acc[i][j], channels->left[j]), channels->multiplier[j]);
      acc[i][j] = martlet_round_shift_neon(high, channels->minus_right[j]);
    }
  }
}

/// 16 rescaled values to bytes: zero point added, saturated, clamped.
static inline __attribute__((always_inline)) int8x16_t martlet_pack_channels_neon(const int32x4_t acc[4],
                                                                                  int16x8_t zero_point,
                                                                                  int8x16_t clamp_min,
                                                                                  int8x16_t clamp_max) {
  int16x8_t low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(acc[0]), acc[1]), zero_point);
  int16x8_t high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(acc[2]), acc[3]), zero_point);
  return vminq_s8(vmaxq_s8(vqmovn_high_s16(vqmovn_s16(low), high), clamp_min), clamp_max);
}

/// Stores the first `lanes` bytes, 1...16.
static inline __attribute__((always_inline)) void martlet_store_lanes_neon(int8_t *out, int8x16_t bytes,
                                                                           int32_t lanes) {
  if (lanes >= 16) {
    vst1q_s8(out, bytes);
    return;
  }
  uint64x2_t rest = vreinterpretq_u64_s8(bytes);
  if (lanes & 8) {
    vst1q_lane_u64((uint64_t *)(void *)out, rest, 0);
    rest = vextq_u64(rest, rest, 1);
    out += 8;
  }
  uint64_t word = vgetq_lane_u64(rest, 0);
  if (lanes & 4) {
    memcpy(out, &word, 4);
    word >>= 32;
    out += 4;
  }
  if (lanes & 2) {
    memcpy(out, &word, 2);
    word >>= 16;
    out += 2;
  }
  if (lanes & 1) *out = (int8_t)word;
}

#endif
#endif

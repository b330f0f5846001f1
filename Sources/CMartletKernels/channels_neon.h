/// The rescaling of one pixel's 16 channels on NEON.
#ifndef MARTLET_CHANNELS_NEON_H
#define MARTLET_CHANNELS_NEON_H

#include "requant_neon.h"

#if defined(__aarch64__)

/// Rescales 16 accumulators, adds the zero point, saturates, clamps, and stores the first `lanes` of them.
static inline __attribute__((always_inline)) void
martlet_store_channels_neon(int32x4_t acc[4], const martlet_channels *channels, int32_t zero_point, int32_t clamp_min,
                            int32_t clamp_max, int32_t lanes, int8_t *out) {
  for (int j = 0; j < 4; j++) {
    int32x4_t multiplier = vandq_s32(vld1q_s32(channels->multiplier + 4 * j), vdupq_n_s32(INT32_MAX));
    int32x4_t shift = vminq_s32(vmaxq_s32(vld1q_s32(channels->shift + 4 * j), vdupq_n_s32(-31)), vdupq_n_s32(30));
    int32x4_t left = vmaxq_s32(shift, vdupq_n_s32(0)), right = vmaxq_s32(vnegq_s32(shift), vdupq_n_s32(0));
    acc[j] = martlet_rescale_neon(acc[j], multiplier, left, right);
  }
  const int16x8_t zero = vdupq_n_s16((int16_t)zero_point);
  int16x8_t low = vqaddq_s16(vcombine_s16(vqmovn_s32(acc[0]), vqmovn_s32(acc[1])), zero);
  int16x8_t high = vqaddq_s16(vcombine_s16(vqmovn_s32(acc[2]), vqmovn_s32(acc[3])), zero);
  int8x16_t bytes = vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
  bytes = vminq_s8(vmaxq_s8(bytes, vdupq_n_s8((int8_t)clamp_min)), vdupq_n_s8((int8_t)clamp_max));
  if (lanes >= 16) {
    vst1q_s8(out, bytes);
  } else {
    int8_t buffer[16];
    vst1q_s8(buffer, bytes);
    memcpy(out, buffer, (size_t)lanes);
  }
}

#endif
#endif

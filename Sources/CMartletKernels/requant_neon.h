/// martlet_rescale on 4 lanes, bit for bit, each lane with a multiplier and shifts of its own.
#ifndef MARTLET_REQUANT_NEON_H
#define MARTLET_REQUANT_NEON_H

#include "kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/// martlet_round_shift. `minus_right` = -n in -31...0.
static inline __attribute__((always_inline)) int32x4_t martlet_round_shift_neon(int32x4_t x, int32x4_t minus_right) {
  // vrshl rounds half up; one less for negative values makes that half away from zero. -n masks it away for n = 0.
  int32x4_t negative = vshrq_n_s32(vandq_s32(x, minus_right), 31);
  return vrshlq_s32(vqaddq_s32(x, negative), minus_right);
}

/// `left` = max(shift, 0), `right` = max(-shift, 0).
static inline __attribute__((always_inline)) int32x4_t martlet_rescale_neon(int32x4_t x, int32x4_t multiplier,
                                                                            int32x4_t left, int32x4_t right) {
  return martlet_round_shift_neon(vqrdmulhq_s32(vshlq_s32(x, left), multiplier), vnegq_s32(right));
}

/// martlet_rescale in three instructions, for a shift to the right by 1...31 (`minus_right` = -n) or a multiplier of 0.
///
/// The high product is never INT32_MIN, as the multiplier is at most 2^31 - 1: adding its sign, which makes half away
/// from zero of vrshl's half up, needs no saturation.
static inline __attribute__((always_inline)) int32x4_t martlet_rescale_right_neon(int32x4_t x, int32x4_t multiplier,
                                                                                  int32x4_t minus_right) {
  int32x4_t high = vqrdmulhq_s32(x, multiplier);
  return vrshlq_s32(vsraq_n_s32(high, high, 31), minus_right);
}

#endif
#endif

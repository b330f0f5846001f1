#include "language.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define LANGUAGE(NAME, P) MARTLET_KERNEL(NAME, neon, P)

static void dot_block(const uint8_t *w, const int8_t *x, int32_t stride, int32_t quads, int32_t count,
                      int32_t sums[4][16]) {
  for (int32_t i = 0; i < count; i++, x += stride) {
    int32x4_t acc[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int32_t q = 0; q < quads; q++) {
      int32_t word;
      memcpy(&word, x + q * 4, 4);
      const int8x16_t v = vreinterpretq_s8_s32(vdupq_n_s32(word));
      for (int r = 0; r < 4; r++) {
        const int8x16_t bytes = vld1q_s8((const int8_t *)w + q * 64 + r * 16);
        const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(bytes), vget_low_s8(v)));
        const int32x4_t high = vpaddlq_s16(vmull_high_s8(bytes, v));
        acc[r] = vaddq_s32(acc[r], vpaddq_s32(low, high));
      }
    }
    for (int r = 0; r < 4; r++) vst1q_s32(sums[i] + r * 4, acc[r]);
  }
}

#include "token.h"
#include "attention.h"
#endif

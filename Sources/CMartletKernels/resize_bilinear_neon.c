#include "resize_bilinear.h"
#include "variants.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/// 4 channels, horizontally in 32 bits. The weights of a side add up to 1024 and none exceeds 2047 in size, so the sums
/// stay below 2^30.
static inline __attribute__((always_inline)) int16x4_t blend(int32x4_t left, int32x4_t right, int32_t weight) {
  int32x4_t sum = vmlaq_n_s32(vmulq_n_s32(left, 1024 - weight), right, weight);
  // Half away from zero: vrshr rounds half up, one less for negative values.
  return vqmovn_s32(vrshrq_n_s32(vsraq_n_s32(sum, sum, 31), 20));
}

static void pixel(const martlet_corners *corners, int8_t *out, int32_t channels) {
  int32_t down = corners->down, right = corners->right, c = 0;
  if (down > -1024 && down < 2048 && right > -1024 && right < 2048) {
    int16_t below = (int16_t)down, above = (int16_t)(1024 - down);
    for (; c + 8 <= channels; c += 8) {
      int16x8_t a = vmovl_s8(vld1_s8(corners->at[0] + c)), b = vmovl_s8(vld1_s8(corners->at[1] + c));
      int16x8_t d = vmovl_s8(vld1_s8(corners->at[2] + c)), e = vmovl_s8(vld1_s8(corners->at[3] + c));
      int32x4_t l0 = vmlal_n_s16(vmull_n_s16(vget_low_s16(a), above), vget_low_s16(b), below);
      int32x4_t l1 = vmlal_n_s16(vmull_n_s16(vget_high_s16(a), above), vget_high_s16(b), below);
      int32x4_t r0 = vmlal_n_s16(vmull_n_s16(vget_low_s16(d), above), vget_low_s16(e), below);
      int32x4_t r1 = vmlal_n_s16(vmull_n_s16(vget_high_s16(d), above), vget_high_s16(e), below);
      vst1_s8(out + c, vqmovn_s16(vcombine_s16(blend(l0, r0, right), blend(l1, r1, right))));
    }
  }
  MARTLET_REST
  for (; c < channels; c++) out[c] = martlet_bilinear_one(corners, c);
}

MARTLET_KERNEL(resize_bilinear, neon, p) {
  if (p->unsigned_float) return martlet_resize_bilinear_scalar(p, buffers, first, last, scratch);
  martlet_bilinear_run(p, buffers, first, last, pixel);
}
#endif

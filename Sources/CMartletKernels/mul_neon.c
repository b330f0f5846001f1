#include "binary.h"
#include "elementwise.h"
#include "requant_neon.h"

#if defined(__aarch64__)

typedef struct prepared {
  const martlet_mul_params *params;
  int16x8_t zero_point_a, zero_point_b;
  int32x4_t zero_point_out, multiplier, left, right, low, high;
} prepared;

static inline __attribute__((always_inline)) int16x4_t mul_4(const prepared *c, int16x4_t a, int16x4_t b) {
  int32x4_t y = martlet_rescale_neon(vmull_s16(a, b), c->multiplier, c->left, c->right);
  // The rescaled value may wrap when the zero point is added, as the scalar one does: clamp in 32 bits.
  y = vaddq_s32(y, c->zero_point_out);
  return vmovn_s32(vmaxq_s32(vminq_s32(y, c->high), c->low));
}

static inline __attribute__((always_inline)) int8x8_t mul_8(const prepared *c, int8x8_t a, int8x8_t b) {
  int16x8_t x = vsubq_s16(vmovl_s8(a), c->zero_point_a), y = vsubq_s16(vmovl_s8(b), c->zero_point_b);
  int16x4_t low = mul_4(c, vget_low_s16(x), vget_low_s16(y)), high = mul_4(c, vget_high_s16(x), vget_high_s16(y));
  return vmovn_s16(vcombine_s16(low, high));
}

MARTLET_BINARY_ROW(mul, neon)

MARTLET_KERNEL(mul, neon, p) {
  prepared c;
  c.params = p;
  c.zero_point_a = vdupq_n_s16((int16_t)p->zero_point0);
  c.zero_point_b = vdupq_n_s16((int16_t)p->zero_point1);
  c.zero_point_out = vdupq_n_s32(p->output_zero_point);
  c.multiplier = vdupq_n_s32(p->multiplier);
  c.left = vdupq_n_s32(martlet_max(p->shift, 0));
  c.right = vdupq_n_s32(martlet_max(-p->shift, 0));
  c.low = vdupq_n_s32(p->clamp_min);
  c.high = vdupq_n_s32(p->clamp_max);
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, mul_row);
}
#endif

#include "elementwise.h"
#include "operators.h"
#include "requant_neon.h"
#include "walk.h"

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

static void row(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b, int64_t stride_b, int8_t *out,
                int32_t n) {
  const prepared *c = context;
  int32_t i = 0;
  if ((stride_a == 1 || stride_a == 0) && (stride_b == 1 || stride_b == 0)) {
    int8x8_t x = vdup_n_s8(a[0]), y = vdup_n_s8(b[0]);
    for (; i + 8 <= n; i += 8) {
      if (stride_a) x = vld1_s8(a + i);
      if (stride_b) y = vld1_s8(b + i);
      vst1_s8(out + i, mul_8(c, x, y));
    }
  }
  MARTLET_REST
  for (; i < n; i++) out[i] = martlet_mul_one(c->params, a[i * stride_a], b[i * stride_b]);
}

void martlet_mul_neon(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last, void *scratch) {
  const martlet_mul_params *p = params;
  (void)scratch;
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
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}
#endif

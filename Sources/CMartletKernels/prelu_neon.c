#include "binary.h"
#include "elementwise.h"
#include "requant_neon.h"

#if defined(__aarch64__)

/// One side's rescale.
typedef struct side {
  int32x4_t multiplier, left, right;
} side;

typedef struct prepared {
  const martlet_prelu_params *params;
  int16x8_t zero_point_in, zero_point_alpha;
  int32x4_t zero_point_out;
  side positive, negative;
} prepared;

static side side_of(int32_t multiplier, int32_t shift) {
  side s = {vdupq_n_s32(multiplier), vdupq_n_s32(martlet_max(shift, 0)), vdupq_n_s32(martlet_max(-shift, 0))};
  return s;
}

static inline __attribute__((always_inline)) int16x4_t prelu_4(const prepared *c, int16x4_t x, int16x4_t slope) {
  int32x4_t wide = vmovl_s16(x);
  uint32x4_t negative = vcltzq_s32(wide);
  // One rescale with each lane's own constants.
  int32x4_t y = martlet_rescale_neon(vbslq_s32(negative, vmull_s16(x, slope), wide),
                                     vbslq_s32(negative, c->negative.multiplier, c->positive.multiplier),
                                     vbslq_s32(negative, c->negative.left, c->positive.left),
                                     vbslq_s32(negative, c->negative.right, c->positive.right));
  return vqmovn_s32(vaddq_s32(y, c->zero_point_out));
}

static inline __attribute__((always_inline)) int8x8_t prelu_8(const prepared *c, int8x8_t a, int8x8_t b) {
  int16x8_t x = vsubq_s16(vmovl_s8(a), c->zero_point_in), slope = vsubq_s16(vmovl_s8(b), c->zero_point_alpha);
  int16x4_t low = prelu_4(c, vget_low_s16(x), vget_low_s16(slope));
  return vqmovn_s16(vcombine_s16(low, prelu_4(c, vget_high_s16(x), vget_high_s16(slope))));
}

MARTLET_BINARY_ROW(prelu, neon)

MARTLET_KERNEL(prelu, neon, p) {
  prepared c;
  c.params = p;
  c.zero_point_in = vdupq_n_s16((int16_t)p->input_zero_point);
  c.zero_point_alpha = vdupq_n_s16((int16_t)p->alpha_zero_point);
  c.zero_point_out = vdupq_n_s32(p->output_zero_point);
  c.positive = side_of(p->positive_multiplier, p->positive_shift);
  c.negative = side_of(p->negative_multiplier, p->negative_shift);
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, prelu_row);
}
#endif

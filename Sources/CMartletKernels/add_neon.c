#include "binary.h"
#include "elementwise.h"
#include "requant_neon.h"

#if defined(__aarch64__)

/// A rescale whose shift is not positive.
typedef struct narrow {
  int32x4_t multiplier, minus_right;
} narrow;

typedef struct prepared {
  const martlet_add_params *params;
  narrow a, b, out;
  int32x4_t left;
  int16x8_t zero_point_a, zero_point_b;
  int32x4_t zero_point_out;
  int8x8_t clamp_min, clamp_max;
  bool subtract;
} prepared;

static narrow narrow_of(int32_t multiplier, int32_t shift) {
  narrow r = {vdupq_n_s32(multiplier), vdupq_n_s32(shift)};
  return r;
}

static inline __attribute__((always_inline)) int32x4_t rescale(int32x4_t x, narrow r) {
  return martlet_round_shift_neon(vqrdmulhq_s32(x, r.multiplier), r.minus_right);
}

static inline __attribute__((always_inline)) int32x4_t add_4(const prepared *c, int16x4_t a, int16x4_t b) {
  int32x4_t x = rescale(vshlq_s32(vmovl_s16(a), c->left), c->a);
  int32x4_t y = rescale(vshlq_s32(vmovl_s16(b), c->left), c->b);
  return vaddq_s32(rescale(c->subtract ? vsubq_s32(x, y) : vaddq_s32(x, y), c->out), c->zero_point_out);
}

static inline __attribute__((always_inline)) int8x8_t add_8(const prepared *c, int8x8_t a, int8x8_t b) {
  int16x8_t x = vsubq_s16(vmovl_s8(a), c->zero_point_a), y = vsubq_s16(vmovl_s8(b), c->zero_point_b);
  int32x4_t low = add_4(c, vget_low_s16(x), vget_low_s16(y)), high = add_4(c, vget_high_s16(x), vget_high_s16(y));
  int8x8_t out = vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high)));
  return vmax_s8(vmin_s8(out, c->clamp_max), c->clamp_min);
}

MARTLET_BINARY_ROW(add, neon)

/// Whether no term needs a left shift but the common one: every add of the reference.
static bool fits(const martlet_add_params *p) {
  return p->left_shift >= 0 && p->left_shift <= 20 && p->shift0 <= 0 && p->shift1 <= 0 && p->output_shift <= 0;
}

MARTLET_KERNEL(add, neon, p) {
  if (!fits(p)) return martlet_add_scalar(p, buffers, first, last, scratch);
  prepared c;
  c.params = p;
  c.a = narrow_of(p->multiplier0, p->shift0);
  c.b = narrow_of(p->multiplier1, p->shift1);
  c.out = narrow_of(p->output_multiplier, p->output_shift);
  c.left = vdupq_n_s32(p->left_shift);
  c.zero_point_a = vdupq_n_s16((int16_t)p->zero_point0);
  c.zero_point_b = vdupq_n_s16((int16_t)p->zero_point1);
  c.zero_point_out = vdupq_n_s32(p->output_zero_point);
  c.clamp_min = vdup_n_s8((int8_t)p->clamp_min);
  c.clamp_max = vdup_n_s8((int8_t)p->clamp_max);
  c.subtract = p->subtract != 0;
  martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, add_row);
}
#endif

#include "binary.h"
#include "elementwise.h"
#include "requant_neon.h"

#if defined(__aarch64__)

#define INLINE static inline __attribute__((always_inline))
/// Elements of a step.
#define STEP 16

/// One input's rescale. x - zero_point has 9 bits: shifted by `left` it still fits 16, and by 15 more makes 32.
typedef struct term {
  int8x16_t zero_point;
  int16x8_t left;
  int32x4_t multiplier, minus_right;
} term;

typedef struct prepared {
  const martlet_add_params *params;
  term a, b;
  int32x4_t multiplier, minus_right;
  int16x8_t zero_point;
  int8x16_t clamp_min, clamp_max;
} prepared;

/// What is the same for a whole call: an input whose term is nothing but a shift by 19, as that of the larger scale is,
/// always the first one; and a clamp that leaves nothing of negative sums, so that it does not matter how they round.
typedef struct shape {
  bool halves, subtract, rectified;
} shape;

/// Both terms 19 or 20 places up, rescaled, of 4 elements.
INLINE int32x4_t rescaled(int16x4_t x, const term *t) {
  return martlet_rescale_right_neon(vshll_n_s16(x, 15), t->multiplier, t->minus_right);
}

INLINE int32x4_t add_4(const prepared *c, int16x4_t a, int16x4_t b, shape s) {
  int32x4_t x = s.halves ? vshll_n_s16(a, 15) : rescaled(a, &c->a), y = rescaled(b, &c->b);
  int32x4_t sum = s.subtract ? vsubq_s32(x, y) : vaddq_s32(x, y);
  if (!s.rectified) return martlet_rescale_right_neon(sum, c->multiplier, c->minus_right);
  return vrshlq_s32(vqrdmulhq_s32(sum, c->multiplier), c->minus_right);
}

INLINE int16x8_t add_8(const prepared *c, int16x8_t a, int16x8_t b, shape s) {
  a = s.halves ? vshlq_n_s16(a, 4) : vshlq_s16(a, c->a.left);
  b = vshlq_s16(b, c->b.left);
  int16x4_t low = vqmovn_s32(add_4(c, vget_low_s16(a), vget_low_s16(b), s));
  return vqaddq_s16(vqmovn_high_s32(low, add_4(c, vget_high_s16(a), vget_high_s16(b), s)), c->zero_point);
}

INLINE void add_16(const prepared *c, const int8_t *a, const int8_t *b, int8_t *out, shape s) {
  int8x16_t x = vld1q_s8(a), y = vld1q_s8(b);
  const int8x16_t zero_a = c->a.zero_point, zero_b = c->b.zero_point;
  int16x8_t low =
      add_8(c, vsubl_s8(vget_low_s8(x), vget_low_s8(zero_a)), vsubl_s8(vget_low_s8(y), vget_low_s8(zero_b)), s);
  int16x8_t high = add_8(c, vsubl_high_s8(x, zero_a), vsubl_high_s8(y, zero_b), s);
  int8x16_t bytes = vqmovn_high_s16(vqmovn_s16(low), high);
  vst1q_s8(out, vmaxq_s8(vminq_s8(bytes, c->clamp_max), c->clamp_min));
}

/// An input that repeats is a vector of its own; the last few elements pass through a buffer.
INLINE void row(const prepared *c, const int8_t *a, int64_t stride_a, const int8_t *b, int64_t stride_b, int8_t *out,
                int32_t n, shape s) {
  int8_t repeated[2][STEP], rest[STEP] = {0};
  if (stride_a == 0) a = memset(repeated[0], a[0], STEP);
  if (stride_b == 0) b = memset(repeated[1], b[0], STEP);
  const int64_t step_a = stride_a * STEP, step_b = stride_b * STEP;
  for (; n >= STEP; n -= STEP, a += step_a, b += step_b, out += STEP) add_16(c, a, b, out, s);
  if (n == 0) return;
  if (stride_a) a = memcpy(repeated[0], a, (size_t)n);
  if (stride_b) b = memcpy(repeated[1], b, (size_t)n);
  add_16(c, a, b, rest, s);
  memcpy(out, rest, (size_t)n);
}

/// A row of SHAPE; with other strides than 0 and 1, which no model has, one by one.
#define ROW(NAME, ...)                                                                                        \
  static void NAME(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b, int64_t stride_b, \
                   int8_t *out, int32_t n) {                                                                  \
    /* A copy, which the output cannot be an alias of: it stays in registers. */                              \
    const prepared c = *(const prepared *)context;                                                            \
    if ((stride_a == 1 || stride_a == 0) && (stride_b == 1 || stride_b == 0)) {                               \
      row(&c, a, stride_a, b, stride_b, out, n, (shape){__VA_ARGS__});                                        \
      return;                                                                                                 \
    }                                                                                                         \
    MARTLET_REST                                                                                              \
    for (int32_t i = 0; i < n; i++) out[i] = martlet_add_one(c.params, a[i * stride_a], b[i * stride_b]);     \
  }

ROW(halves_row, .halves = true)
ROW(halves_relu_row, .halves = true, .rectified = true)
ROW(any_row, .subtract = false)
ROW(subtract_row, .subtract = true)

/// False if the term is outside of what is computed here, and no add of the reference is. A multiplier of 1/2 without a
/// shift is one place to the left and then one to the right.
static bool term_of(term *t, int32_t zero_point, int32_t multiplier, int32_t shift) {
  const bool halves = multiplier == 1 << 30 && shift == 0;
  t->zero_point = vdupq_n_s8((int8_t)zero_point);
  t->left = vdupq_n_s16(halves ? 6 : 5);
  t->multiplier = vdupq_n_s32(multiplier);
  t->minus_right = vdupq_n_s32(halves ? -1 : shift);
  return halves || shift <= -1;
}

MARTLET_KERNEL(add, neon, p) {
  prepared c = {.params = p};
  bool fits = p->left_shift == 20 && p->output_shift <= -1;
  fits = term_of(&c.a, p->zero_point0, p->multiplier0, p->shift0) && fits;
  fits = term_of(&c.b, p->zero_point1, p->multiplier1, p->shift1) && fits;
  if (!fits) return martlet_add_scalar(p, buffers, first, last, scratch);
  c.multiplier = vdupq_n_s32(p->output_multiplier);
  c.minus_right = vdupq_n_s32(p->output_shift);
  c.zero_point = vdupq_n_s16((int16_t)p->output_zero_point);
  c.clamp_min = vdupq_n_s8((int8_t)p->clamp_min);
  c.clamp_max = vdupq_n_s8((int8_t)p->clamp_max);
  if (p->subtract) {
    martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, subtract_row);
    return;
  }
  const bool halves[2] = {p->multiplier0 == 1 << 30 && p->shift0 == 0, p->multiplier1 == 1 << 30 && p->shift1 == 0};
  if (!halves[0] && !halves[1]) {
    martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, any_row);
    return;
  }
  const martlet_binary_row run = p->clamp_min >= p->output_zero_point ? halves_relu_row : halves_row;
  if (halves[0]) {
    martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, run);
    return;
  }
  const martlet_buffers swapped = {{buffers->input[1], buffers->input[0]}, buffers->output, buffers->weights};
  const term a = c.a;
  c.a = c.b;
  c.b = a;
  martlet_binary_run(&c, p->shape, p->stride1, p->stride0, &swapped, first, last, run);
}
#endif

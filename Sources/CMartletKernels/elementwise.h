/// One element of each element-wise operator: the specification, and what the SIMD variants do with their tails.
#ifndef MARTLET_ELEMENTWISE_H
#define MARTLET_ELEMENTWISE_H

#include "kernels_internal.h"

static inline int8_t martlet_add_one(const martlet_add_params *p, int32_t x, int32_t y) {
  int32_t a = martlet_wrapping_shl(x - p->zero_point0, p->left_shift);
  int32_t b = martlet_wrapping_shl(y - p->zero_point1, p->left_shift);
  a = martlet_rescale(a, p->multiplier0, p->shift0);
  b = martlet_rescale(b, p->multiplier1, p->shift1);
  int32_t sum = p->subtract ? martlet_wrapping_sub(a, b) : martlet_wrapping_add(a, b);
  sum = martlet_wrapping_add(martlet_rescale(sum, p->output_multiplier, p->output_shift), p->output_zero_point);
  return (int8_t)martlet_clamp(sum, p->clamp_min, p->clamp_max);
}

static inline int8_t martlet_mul_one(const martlet_mul_params *p, int32_t x, int32_t y) {
  int32_t product = martlet_rescale((x - p->zero_point0) * (y - p->zero_point1), p->multiplier, p->shift);
  return (int8_t)martlet_clamp(martlet_wrapping_add(product, p->output_zero_point), p->clamp_min, p->clamp_max);
}

static inline int8_t martlet_prelu_one(const martlet_prelu_params *p, int32_t x, int32_t alpha) {
  x -= p->input_zero_point;
  int32_t y = x >= 0 ? martlet_rescale(x, p->positive_multiplier, p->positive_shift)
                     : martlet_rescale(x * (alpha - p->alpha_zero_point), p->negative_multiplier, p->negative_shift);
  return (int8_t)martlet_clamp(martlet_wrapping_add(y, p->output_zero_point), -128, 127);
}

/// One input of an add as the SIMD variants compute it, in 32 bits throughout.
///
/// With d = x - zero_point the specification's high_mul(d << 20, m) is floor((d m + 2^10) / 2^11). For
/// m = 2^16 high + low that is 2^5 d high + floor((d low + 2^10) / 2^11): two products of 16-bit numbers. The second
/// rounding's half, 2^(right-1), times 2^11 goes into the same sum, `bias`.
/// Where m is 1/2 and nothing is shifted, as for the input of the larger scale, the term is just d << 19.
typedef struct martlet_add_term {
  bool halves;
  int16_t high, low;
  int32_t bias, right;
} martlet_add_term;

/// False if the parameters are outside what that arithmetic covers; no add that the reference accepts is, but one whose
/// multiplier is within 2^15 of 2^31, or whose scales differ by a factor of 2^18.
static inline bool martlet_add_term_of(martlet_add_term *term, int32_t multiplier, int32_t shift) {
  term->halves = multiplier == 1 << 30 && shift == 0;
  if (term->halves) return true;
  if (shift > -1 || shift < -19 || multiplier >= INT32_MAX - (1 << 15)) return false;
  term->high = (int16_t)((multiplier + (1 << 15)) >> 16);
  term->low = (int16_t)(multiplier - ((int32_t)term->high << 16));
  term->right = -shift;
  term->bias = (1 << 10) + (1 << (term->right - 1 + 11));
  return true;
}

/// The whole add. The sum's own rescale is a 64-bit product whose high half is taken; both roundings' halves, the
/// output zero point and the zero points of terms that are just shifted (`offset`, in units of the sum) go into
/// `nudge`.
typedef struct martlet_add_plan {
  martlet_add_term a, b;
  int32_t offset, right;
  int64_t nudge;
} martlet_add_plan;

static inline bool martlet_add_plan_of(martlet_add_plan *plan, const martlet_add_params *p) {
  if (p->left_shift != 20 || p->output_shift > -1 || p->output_shift < -22) return false;
  if (!martlet_add_term_of(&plan->a, p->multiplier0, p->shift0)) return false;
  if (!martlet_add_term_of(&plan->b, p->multiplier1, p->shift1)) return false;
  plan->offset = plan->a.halves ? -p->zero_point0 * (1 << 19) : 0;
  if (plan->b.halves) plan->offset += (p->subtract ? p->zero_point1 : -p->zero_point1) * (1 << 19);
  plan->right = -p->output_shift;
  int64_t high = ((int64_t)1 << (plan->right - 1)) + (int64_t)p->output_zero_point * ((int64_t)1 << plan->right);
  plan->nudge = 2 * (int64_t)plan->offset * p->output_multiplier + ((int64_t)1 << 31) + high * ((int64_t)1 << 32);
  return true;
}

#endif

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

/// Whether every sum and product of an add stays below 2^31, so that the narrow arithmetic of the SIMD variants is exact:
/// terms of at most 255 << 20 that only shrink. That is every add of the reference.
static inline bool martlet_add_is_narrow(const martlet_add_params *p) {
  return p->left_shift >= 1 && p->left_shift <= 20 && p->shift0 <= 0 && p->shift1 <= 0 && p->output_shift <= 0;
}

#endif

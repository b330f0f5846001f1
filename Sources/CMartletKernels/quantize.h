/// One element of quantize: the specification, and what the SIMD variants do with their tails.
#ifndef MARTLET_QUANTIZE_H
#define MARTLET_QUANTIZE_H

#include "kernels_internal.h"

/// clamp(round_half_away(x / scale) + zero_point). NaN gives the zero point, infinities the ends of the range.
static inline int8_t martlet_quantize_one(const martlet_quantize_params *p, float x) {
  float quotient = x / p->scale;
  if (!(quotient == quotient)) quotient = 0;
  // Beyond this every zero point saturates; it keeps the conversion to an integer defined and what follows exact.
  if (quotient > 512) quotient = 512;
  if (quotient < -512) quotient = -512;
  int32_t whole = (int32_t)quotient;
  float rest = quotient - (float)whole;
  whole += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
  return (int8_t)martlet_clamp(whole + p->zero_point, -128, 127);
}

#endif

/// The reference's integer softmax: exp by a polynomial and a barrel shifter, 1/sum by three Newton steps, all in
/// 32-bit fixed point. "Qm" below has m integer bits and 31 - m fractional ones.
#ifndef MARTLET_SOFTMAX_H
#define MARTLET_SOFTMAX_H

#include "kernels_internal.h"

/// Entries of each table by difference to the largest value.
#define MARTLET_SOFTMAX_TABLE 256
/// From this depth on it pays to compute the tables for all differences.
#define MARTLET_SOFTMAX_DEEP 64

/// exp(-1/8) and 1/3 in Q0.
#define MARTLET_EXP_MINUS_EIGHTH 1895147668
#define MARTLET_ONE_THIRD 715827883
/// exp(-1/4), exp(-1/2), exp(-1), ... exp(-16) in Q0.
static const int32_t martlet_exp_powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
/// 1/4 in Q5.
#define MARTLET_EXP_QUARTER (1 << 24)

/// x * 2^n, saturating. n in 1...30.
static inline int32_t martlet_saturating_shl(int32_t x, int32_t n) {
  int32_t limit = INT32_MAX >> n;
  return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : martlet_wrapping_shl(x, n);
}

/// 1 / (1 + a) in Q0 for a in Q0, 0 <= a < 1: Newton-Raphson division on half the denominator, x in Q2.
static inline int32_t martlet_reciprocal_of_one_plus(int32_t a) {
  int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  const int32_t c48_over_17 = 1515870810, minus_32_over_17 = -1010580540, one = 1 << 29;
  int32_t x = c48_over_17 + martlet_high_mul(half_denominator, minus_32_over_17);
  for (int i = 0; i < 3; i++) {
    int32_t error = one - martlet_high_mul(half_denominator, x);
    x = martlet_wrapping_add(x, martlet_saturating_shl(martlet_high_mul(x, error), 2));
  }
  return martlet_saturating_shl(x, 1);
}

/// What turns a row's exponentials into its probabilities: round_shift(high_mul(scale, exp), shift), and where shift is
/// over 31 zero.
typedef struct martlet_softmax_scale {
  int32_t scale, shift;
} martlet_softmax_scale;

/// `sum` of the row's exponentials in Q12: at least 1 (2^19), as the largest value contributes that alone, and at most
/// 2^30 of it. The reference sums in 32 bits and wraps from 8,192 (2^32) on, if the data reach it; it gives up from 512
/// on, where every probability is below half a step of the output, and so is it here, however large the sum is.
static inline martlet_softmax_scale martlet_softmax_scale_of(uint64_t sum) {
  if (sum > UINT32_MAX) return (martlet_softmax_scale){0, 32};
  int32_t headroom = __builtin_clz((uint32_t)sum);
  int32_t fraction = (int32_t)(((uint32_t)sum << headroom) - ((uint32_t)1 << 31));
  martlet_softmax_scale s = {martlet_reciprocal_of_one_plus(fraction), 12 - headroom + 31 - 8};
  return s;
}

/// The output for one exponential in Q0.
static inline int8_t martlet_softmax_one(martlet_softmax_scale s, int32_t exp) {
  if (s.shift > 31) return -128;
  return (int8_t)martlet_clamp(martlet_round_shift(martlet_high_mul(s.scale, exp), s.shift) - 128, -128, 127);
}

static inline int32_t martlet_softmax_rows_per_unit(const martlet_softmax_params *p) {
  return martlet_items_per_unit((int64_t)p->depth * 16);
}

#endif

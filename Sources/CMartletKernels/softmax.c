/// The reference's integer softmax: exp by a polynomial and a barrel shifter, 1/sum by three Newton steps, all in
/// 32-bit fixed point. "Qm" below has m integer bits and 31 - m fractional ones.
#include "variants.h"

int32_t martlet_softmax_units(const martlet_softmax_params *p) {
  return martlet_ceil_div(p->rows, martlet_items_per_unit((int64_t)p->depth * 16));
}
size_t martlet_softmax_scratch_bytes(const martlet_softmax_params *p) { return (void)p, 256 * sizeof(int32_t); }
int64_t martlet_softmax_unit_work(const martlet_softmax_params *p) {
  int64_t row = (int64_t)p->depth * 16;
  return row * martlet_min(p->rows, martlet_items_per_unit(row));
}

/// x * 2^n, saturating. n in 1...30.
static int32_t saturating_shl(int32_t x, int32_t n) {
  int32_t limit = INT32_MAX >> n;
  return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : martlet_wrapping_shl(x, n);
}

/// exp(a) for a in Q0, -1/4 <= a < 0: four terms around -1/8.
static int32_t exp_last_quarter(int32_t a) {
  const int32_t exp_minus_eighth = 1895147668, third = 715827883;
  int32_t x = a + (1 << 28);
  int32_t x2 = martlet_high_mul(x, x);
  int32_t x3 = martlet_high_mul(x2, x);
  int32_t x4 = martlet_high_mul(x2, x2);
  int32_t tail = martlet_high_mul(martlet_round_shift(x4, 2) + x3, third) + x2;
  return exp_minus_eighth + martlet_high_mul(exp_minus_eighth, x + martlet_round_shift(tail, 1));
}

/// exp(a) in Q0 for a <= 0 in Q5.
static int32_t exp_not_positive(int32_t a) {
  // exp(-1/4), exp(-1/2), exp(-1), ... exp(-16) in Q0.
  static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32_t quarter = 1 << 24;
  if (a == 0) return INT32_MAX;
  int32_t rest = (a & (quarter - 1)) - quarter;
  int32_t result = exp_last_quarter(saturating_shl(rest, 5));
  int32_t quarters = martlet_wrapping_sub(rest, a);
  for (int i = 0; i < 7; i++) {
    if (quarters & (quarter << i)) result = martlet_high_mul(result, powers[i]);
  }
  return result;
}

/// 1 / (1 + a) in Q0 for a in Q0, 0 <= a < 1: Newton-Raphson division on half the denominator, x in Q2.
static int32_t reciprocal_of_one_plus(int32_t a) {
  int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  const int32_t c48_over_17 = 1515870810, minus_32_over_17 = -1010580540, one = 1 << 29;
  int32_t x = c48_over_17 + martlet_high_mul(half_denominator, minus_32_over_17);
  for (int i = 0; i < 3; i++) {
    int32_t error = one - martlet_high_mul(half_denominator, x);
    x = martlet_wrapping_add(x, saturating_shl(martlet_high_mul(x, error), 2));
  }
  return saturating_shl(x, 1);
}

/// exp of `difference` (in input steps below the row's largest value, >= diff_min) in Q0, computed at most once.
static int32_t cached_exp(const martlet_softmax_params *p, int32_t *cache, int32_t difference) {
  int32_t *entry = &cache[-difference];
  if (*entry < 0) {
    int32_t scaled = martlet_wrapping_shl(difference, p->beta_left_shift);
    *entry = exp_not_positive(martlet_high_mul(scaled, p->beta_multiplier));
  }
  return *entry;
}

static void softmax_row(const martlet_softmax_params *p, int32_t *cache, const int8_t *in, int8_t *out) {
  int32_t largest = -128;
  for (int32_t i = 0; i < p->depth; i++) largest = martlet_max(largest, in[i]);
  // Q12: the sum of up to 4095 values of at most 1.
  int32_t sum = 0;
  for (int32_t i = 0; i < p->depth; i++) {
    int32_t difference = in[i] - largest;
    if (difference < p->diff_min) continue;
    sum = martlet_wrapping_add(sum, martlet_round_shift(cached_exp(p, cache, difference), 12));
  }
  // The largest value alone contributes 1; only a sum that wrapped could be 0.
  int32_t headroom = sum == 0 ? 31 : __builtin_clz((uint32_t)sum);
  int32_t fraction = (int32_t)(((uint32_t)sum << headroom) - ((uint32_t)1 << 31));
  int32_t scale = reciprocal_of_one_plus(fraction);
  // Never negative, as the sum is at least 1. Where it reaches 512 (the reference gives up there), every probability
  // is below half a step of the output.
  int32_t shift = 12 - headroom + 31 - 8;
  for (int32_t i = 0; i < p->depth; i++) {
    int32_t difference = in[i] - largest, y = -128;
    if (difference >= p->diff_min && shift < 32) {
      y = martlet_round_shift(martlet_high_mul(scale, cached_exp(p, cache, difference)), shift) - 128;
    }
    out[i] = (int8_t)martlet_clamp(y, -128, 127);
  }
}

void martlet_softmax_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                            void *scratch) {
  const martlet_softmax_params *p = params;
  int32_t *cache = scratch;
  memset(cache, 0xFF, 256 * sizeof(int32_t));
  int64_t unit = martlet_items_per_unit((int64_t)p->depth * 16);
  int64_t end = last * unit < p->rows ? last * unit : p->rows;
  for (int64_t row = first * unit; row < end; row++) {
    softmax_row(p, cache, (const int8_t *)buffers->input[0] + row * p->depth,
                (int8_t *)buffers->output + row * p->depth);
  }
}

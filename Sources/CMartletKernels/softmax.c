#include "softmax.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

MARTLET_WORKLOAD(softmax, p) {
  int32_t unit = martlet_softmax_rows_per_unit(p);
  return (martlet_workload){.units = martlet_ceil_div(p->rows, unit),
                            .unit_work = (int64_t)p->depth * 16 * martlet_min(p->rows, unit),
                            .scratch_bytes = 2 * MARTLET_SOFTMAX_TABLE * sizeof(int32_t) + MARTLET_SOFTMAX_TABLE};
}

/// exp(a) for a in Q0, -1/4 <= a < 0: four terms around -1/8.
static int32_t exp_last_quarter(int32_t a) {
  int32_t x = a + (1 << 28);
  int32_t x2 = martlet_high_mul(x, x);
  int32_t x3 = martlet_high_mul(x2, x);
  int32_t x4 = martlet_high_mul(x2, x2);
  int32_t tail = martlet_high_mul(martlet_round_shift(x4, 2) + x3, MARTLET_ONE_THIRD) + x2;
  return MARTLET_EXP_MINUS_EIGHTH + martlet_high_mul(MARTLET_EXP_MINUS_EIGHTH, x + martlet_round_shift(tail, 1));
}

/// exp(a) in Q0 for a <= 0 in Q5.
static int32_t exp_not_positive(int32_t a) {
  if (a == 0) return INT32_MAX;
  int32_t rest = (a & (MARTLET_EXP_QUARTER - 1)) - MARTLET_EXP_QUARTER;
  int32_t result = exp_last_quarter(rest * 32);
  int32_t quarters = martlet_wrapping_sub(rest, a);
  for (int i = 0; i < 7; i++) {
    if (quarters & (MARTLET_EXP_QUARTER << i)) result = martlet_high_mul(result, martlet_exp_powers[i]);
  }
  return result;
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
  uint64_t sum = 0;
  for (int32_t i = 0; i < p->depth; i++) {
    int32_t difference = in[i] - largest;
    if (difference < p->diff_min) continue;
    sum += (uint64_t)martlet_round_shift(cached_exp(p, cache, difference), 12);
  }
  martlet_softmax_scale s = martlet_softmax_scale_of(sum);
  for (int32_t i = 0; i < p->depth; i++) {
    int32_t difference = in[i] - largest;
    out[i] = difference < p->diff_min ? -128 : martlet_softmax_one(s, cached_exp(p, cache, difference));
  }
}

MARTLET_KERNEL(softmax, scalar, p) {
  int32_t *cache = scratch;
  memset(cache, 0xFF, MARTLET_SOFTMAX_TABLE * sizeof(int32_t));
  int64_t unit = martlet_softmax_rows_per_unit(p);
  int64_t end = last * unit < p->rows ? last * unit : p->rows;
  for (int64_t row = first * unit; row < end; row++) {
    softmax_row(p, cache, (const int8_t *)buffers->input[0] + row * p->depth,
                (int8_t *)buffers->output + row * p->depth);
  }
}

MARTLET_SMALL_END

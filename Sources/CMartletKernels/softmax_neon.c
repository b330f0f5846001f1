#include "requant_neon.h"
#include "softmax.h"
#include "variants.h"

#if defined(__aarch64__)

/// Tables by difference to the row's largest value. The first two depend on the parameters alone.
typedef struct tables {
  /// exp in Q0; exp in Q12, 0 beyond diff_min; the output.
  int32_t exps[MARTLET_SOFTMAX_TABLE], parts[MARTLET_SOFTMAX_TABLE];
  int8_t out[MARTLET_SOFTMAX_TABLE];
} tables;

static inline __attribute__((always_inline)) int32x4_t halved(int32x4_t x, int32_t times) {
  return martlet_round_shift_neon(x, vdupq_n_s32(-times));
}

/// exp(a) in Q0 for a <= 0 in Q5, step by step as the scalar one.
static int32x4_t exp_not_positive(int32x4_t a) {
  const int32x4_t quarter = vdupq_n_s32(MARTLET_EXP_QUARTER);
  int32x4_t rest = vsubq_s32(vandq_s32(a, vdupq_n_s32(MARTLET_EXP_QUARTER - 1)), quarter);
  int32x4_t x = vaddq_s32(vshlq_n_s32(rest, 5), vdupq_n_s32(1 << 28));
  int32x4_t x2 = vqrdmulhq_s32(x, x), x3 = vqrdmulhq_s32(x2, x), x4 = vqrdmulhq_s32(x2, x2);
  int32x4_t tail = vaddq_s32(vqrdmulhq_n_s32(vaddq_s32(halved(x4, 2), x3), MARTLET_ONE_THIRD), x2);
  int32x4_t result = vqrdmulhq_n_s32(vaddq_s32(x, halved(tail, 1)), MARTLET_EXP_MINUS_EIGHTH);
  result = vaddq_s32(result, vdupq_n_s32(MARTLET_EXP_MINUS_EIGHTH));
  int32x4_t quarters = vsubq_s32(rest, a);
  for (int i = 0; i < 7; i++) {
    uint32x4_t take = vtstq_s32(quarters, vdupq_n_s32(MARTLET_EXP_QUARTER << i));
    result = vbslq_s32(take, vqrdmulhq_n_s32(result, martlet_exp_powers[i]), result);
  }
  return vbslq_s32(vceqzq_s32(a), vdupq_n_s32(INT32_MAX), result);
}

static void fill(const martlet_softmax_params *p, tables *t) {
  const int32x4_t below = vdupq_n_s32(p->diff_min), left = vdupq_n_s32(p->beta_left_shift);
  int32x4_t difference = {0, -1, -2, -3};
  for (int32_t i = 0; i < MARTLET_SOFTMAX_TABLE; i += 4) {
    int32x4_t y = exp_not_positive(vqrdmulhq_n_s32(vshlq_s32(difference, left), p->beta_multiplier));
    int32x4_t part = vandq_s32(halved(y, 12), vreinterpretq_s32_u32(vcgeq_s32(difference, below)));
    vst1q_s32(t->exps + i, y);
    vst1q_s32(t->parts + i, part);
    difference = vsubq_s32(difference, vdupq_n_s32(4));
  }
}

/// The output for each difference, given the row's sum.
static void scale(const martlet_softmax_params *p, tables *t, uint64_t sum) {
  martlet_softmax_scale s = martlet_softmax_scale_of(sum);
  memset(t->out, -128, sizeof t->out);
  int32_t end = p->diff_min > 1 - MARTLET_SOFTMAX_TABLE ? 1 - p->diff_min : MARTLET_SOFTMAX_TABLE;
  for (int32_t i = 0; i < end; i++) t->out[i] = martlet_softmax_one(s, t->exps[i]);
}

static void softmax_row(const martlet_softmax_params *p, tables *t, const int8_t *in, int8_t *out) {
  int32_t largest = -128;
  uint64_t sum = 0;
  for (int32_t i = 0; i < p->depth; i++) largest = martlet_max(largest, in[i]);
  for (int32_t i = 0; i < p->depth; i++) sum += (uint64_t)t->parts[largest - in[i]];
  scale(p, t, sum);
  for (int32_t i = 0; i < p->depth; i++) out[i] = t->out[largest - in[i]];
}

MARTLET_KERNEL(softmax, neon, p) {
  if (p->depth < MARTLET_SOFTMAX_DEEP) return martlet_softmax_scalar(p, buffers, first, last, scratch);
  tables *t = scratch;
  fill(p, t);
  int64_t unit = martlet_softmax_rows_per_unit(p);
  int64_t end = last * unit < p->rows ? last * unit : p->rows;
  for (int64_t row = first * unit; row < end; row++) {
    softmax_row(p, t, (const int8_t *)buffers->input[0] + row * p->depth, (int8_t *)buffers->output + row * p->depth);
  }
}
#endif

#include "requant_avx2.h"
#include "softmax.h"
#include "variants.h"

#if defined(__x86_64__)
// A thousand classes a frame: not worth unrolling.
MARTLET_SMALL_BEGIN

/// Tables by difference to the row's largest value. The first two depend on the parameters alone.
typedef struct tables {
  /// exp in Q0; exp in Q12, 0 beyond diff_min; the output.
  int32_t exps[MARTLET_SOFTMAX_TABLE], parts[MARTLET_SOFTMAX_TABLE];
  int8_t out[MARTLET_SOFTMAX_TABLE];
} tables;

MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i times(__m256i x, int32_t y) {
  return martlet_high_mul_avx2(x, _mm256_set1_epi32(y));
}

/// exp(a) in Q0 for a <= 0 in Q5, step by step as the scalar one.
MARTLET_TARGET_avx2 static __m256i exp_not_positive(__m256i a) {
  const __m256i quarter = _mm256_set1_epi32(MARTLET_EXP_QUARTER), zero = _mm256_setzero_si256();
  const __m256i one = _mm256_set1_epi32(1), two = _mm256_set1_epi32(2);
  __m256i rest = _mm256_sub_epi32(_mm256_and_si256(a, _mm256_set1_epi32(MARTLET_EXP_QUARTER - 1)), quarter);
  __m256i x = _mm256_add_epi32(_mm256_slli_epi32(rest, 5), _mm256_set1_epi32(1 << 28));
  __m256i x2 = martlet_high_mul_avx2(x, x), x3 = martlet_high_mul_avx2(x2, x), x4 = martlet_high_mul_avx2(x2, x2);
  __m256i tail = times(_mm256_add_epi32(martlet_round_shift_avx2(x4, two), x3), MARTLET_ONE_THIRD);
  tail = martlet_round_shift_avx2(_mm256_add_epi32(tail, x2), one);
  __m256i result = _mm256_add_epi32(_mm256_set1_epi32(MARTLET_EXP_MINUS_EIGHTH),
                                    times(_mm256_add_epi32(x, tail), MARTLET_EXP_MINUS_EIGHTH));
  __m256i quarters = _mm256_sub_epi32(rest, a);
  for (int i = 0; i < 7; i++) {
    __m256i skip = _mm256_cmpeq_epi32(_mm256_and_si256(quarters, _mm256_slli_epi32(quarter, i)), zero);
    result = _mm256_blendv_epi8(times(result, martlet_exp_powers[i]), result, skip);
  }
  return _mm256_blendv_epi8(result, _mm256_set1_epi32(INT32_MAX), _mm256_cmpeq_epi32(a, zero));
}

MARTLET_TARGET_avx2 static void fill(const martlet_softmax_params *p, tables *t) {
  const __m256i below = _mm256_set1_epi32(p->diff_min), left = _mm256_set1_epi32(p->beta_left_shift);
  const __m256i shift = _mm256_set1_epi32(12);
  __m256i difference = _mm256_setr_epi32(0, -1, -2, -3, -4, -5, -6, -7);
  for (int32_t i = 0; i < MARTLET_SOFTMAX_TABLE; i += 8) {
    __m256i y = exp_not_positive(times(_mm256_sllv_epi32(difference, left), p->beta_multiplier));
    __m256i part = _mm256_andnot_si256(_mm256_cmpgt_epi32(below, difference), martlet_round_shift_avx2(y, shift));
    _mm256_storeu_si256((__m256i *)(t->exps + i), y);
    _mm256_storeu_si256((__m256i *)(t->parts + i), part);
    difference = _mm256_sub_epi32(difference, _mm256_set1_epi32(8));
  }
}

/// The output for each difference, given the row's sum.
MARTLET_TARGET_avx2 static void scale(const martlet_softmax_params *p, tables *t, uint64_t sum) {
  martlet_softmax_scale s = martlet_softmax_scale_of(sum);
  memset(t->out, -128, sizeof t->out);
  if (s.shift > 31) return;
  const __m256i shift = _mm256_set1_epi32(s.shift), offset = _mm256_set1_epi32(128);
  int32_t end = p->diff_min > 1 - MARTLET_SOFTMAX_TABLE ? 1 - p->diff_min : MARTLET_SOFTMAX_TABLE, i = 0;
  for (; i + 8 <= end; i += 8) {
    __m256i y = times(_mm256_loadu_si256((const __m256i *)(t->exps + i)), s.scale);
    y = _mm256_sub_epi32(martlet_round_shift_avx2(y, shift), offset);
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
    _mm_storel_epi64((__m128i *)(t->out + i), _mm_packs_epi16(words, words));
  }
  MARTLET_REST
  for (; i < end; i++) t->out[i] = martlet_softmax_one(s, t->exps[i]);
}

MARTLET_TARGET_avx2 static void softmax_row(const martlet_softmax_params *p, tables *t, const int8_t *in, int8_t *out) {
  int32_t largest = -128;
  uint64_t sum = 0;
  for (int32_t i = 0; i < p->depth; i++) largest = martlet_max(largest, in[i]);
  for (int32_t i = 0; i < p->depth; i++) sum += (uint64_t)t->parts[largest - in[i]];
  scale(p, t, sum);
  for (int32_t i = 0; i < p->depth; i++) out[i] = t->out[largest - in[i]];
}

MARTLET_KERNEL(softmax, avx2, p) {
  if (p->depth < MARTLET_SOFTMAX_DEEP) return martlet_softmax_scalar(p, buffers, first, last, scratch);
  tables *t = scratch;
  fill(p, t);
  int64_t unit = martlet_softmax_rows_per_unit(p);
  int64_t end = last * unit < p->rows ? last * unit : p->rows;
  for (int64_t row = first * unit; row < end; row++) {
    softmax_row(p, t, (const int8_t *)buffers->input[0] + row * p->depth, (int8_t *)buffers->output + row * p->depth);
  }
}
MARTLET_SMALL_END
#endif

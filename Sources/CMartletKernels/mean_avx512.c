#include "mean.h"
#include "operators.h"
#include "requant_avx512.h"
#include "sum_avx512.h"

#if defined(__x86_64__)

/// Mean of one contiguous run.
MARTLET_TARGET_AVX512 static int32_t sum_of_run(const int8_t *in, int32_t count) {
  // x + 128 fits an unsigned byte, whose sums of eight the processor has.
  const __m512i bias = _mm512_set1_epi8((char)0x80);
  __m512i total = _mm512_setzero_si512();
  for (int32_t i = 0; i < count; i += 64) {
    __mmask64 mask = count - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (count - i)) - 1;
    __m512i x = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, in + i), bias));
    total = _mm512_add_epi64(total, _mm512_sad_epu8(x, _mm512_setzero_si512()));
  }
  return (int32_t)(uint32_t)((uint64_t)_mm512_reduce_add_epi64(total) - (uint64_t)128 * (uint64_t)count);
}

MARTLET_TARGET_AVX512 static void block_mean(const martlet_mean_params *p, martlet_mean_block block) {
  __mmask64 mask = block.channels == 64 ? ~(__mmask64)0 : ((__mmask64)1 << block.channels) - 1;
  martlet_sums_avx512 sums;
  int32_t offset = martlet_wrapping_mul(p->input_zero_point, p->reduce);
  for (int i = 0; i < 4; i++) sums.quarter[i] = _mm512_set1_epi32(martlet_wrapping_sub(0, offset));
  martlet_sum_avx512(&sums, block.in, p->inner, p->reduce, 0, 1, mask);
  const __m512i multiplier = _mm512_set1_epi32(p->multiplier), zero_point = _mm512_set1_epi32(p->output_zero_point);
  const __m512i left = _mm512_set1_epi32(martlet_max(p->shift, 0));
  const __m512i right = _mm512_set1_epi32(martlet_max(-p->shift, 0));
  const __m512i low = _mm512_set1_epi32(p->clamp_min), high = _mm512_set1_epi32(p->clamp_max);
  for (int i = 0; i < 4; i++) {
    __m512i y = _mm512_add_epi32(martlet_rescale_avx512(sums.quarter[i], multiplier, left, right), zero_point);
    y = _mm512_max_epi32(_mm512_min_epi32(y, high), low);
    _mm_mask_storeu_epi8(block.out + 16 * i, (__mmask16)(mask >> (16 * i)), _mm512_cvtepi32_epi8(y));
  }
}

MARTLET_TARGET_AVX512 void martlet_mean_avx512(const void *params, const martlet_buffers *buffers, int32_t first,
                                               int32_t last, void *scratch) {
  const martlet_mean_params *p = params;
  (void)scratch;
  int64_t end = martlet_mean_end(p, last);
  for (int64_t item = martlet_mean_begin(p, first); item < end; item++) {
    martlet_mean_block block = martlet_mean_block_of(p, buffers, item);
    if (p->inner == 1) {
      block.out[0] = martlet_mean_finish(p, sum_of_run(block.in, p->reduce));
    } else {
      block_mean(p, block);
    }
  }
}
#endif

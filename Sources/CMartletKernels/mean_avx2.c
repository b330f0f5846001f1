#include "mean.h"
#include "requant_avx2.h"
#include "sum_avx2.h"
#include "variants.h"

#if defined(__x86_64__)

/// Sum of one contiguous run.
MARTLET_TARGET_avx2 static int32_t sum_of_run(const int8_t *in, int32_t count) {
  // x + 128 fits an unsigned byte, whose sums of eight the processor has.
  const __m256i bias = _mm256_set1_epi8((char)0x80);
  __m256i total = _mm256_setzero_si256();
  int32_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i x = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(in + i)), bias);
    total = _mm256_add_epi64(total, _mm256_sad_epu8(x, _mm256_setzero_si256()));
  }
  __m128i two = _mm_add_epi64(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
  uint64_t biased = (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
  int32_t sum = (int32_t)(uint32_t)(biased - (uint64_t)128 * (uint64_t)i);
  MARTLET_REST
  for (; i < count; i++) sum = martlet_wrapping_add(sum, in[i]);
  return sum;
}

MARTLET_TARGET_avx2 static void block_mean(const martlet_mean_params *p, martlet_mean_block block) {
  const __m256i multiplier = _mm256_set1_epi32(p->multiplier), zero_point = _mm256_set1_epi32(p->output_zero_point);
  const __m256i left = _mm256_set1_epi32(martlet_max(p->shift, 0));
  const __m256i right = _mm256_set1_epi32(martlet_max(-p->shift, 0));
  const __m256i low = _mm256_set1_epi32(p->clamp_min), high = _mm256_set1_epi32(p->clamp_max);
  const __m256i start =
      _mm256_set1_epi32(martlet_wrapping_sub(0, martlet_wrapping_mul(p->input_zero_point, p->reduce)));
  int32_t c = 0;
  for (; c + 16 <= block.channels; c += 16) {
    martlet_sums_avx2 sums = {{start, start}};
    martlet_sum_avx2(&sums, block.in + c, p->inner, p->reduce, 0, 1, true);
    for (int i = 0; i < 2; i++) {
      __m256i y = _mm256_add_epi32(martlet_rescale_avx2(sums.half[i], multiplier, left, right), zero_point);
      sums.half[i] = _mm256_max_epi32(_mm256_min_epi32(y, high), low);
    }
    _mm_storeu_si128((__m128i *)(block.out + c), martlet_narrow_avx2(sums.half[0], sums.half[1]));
  }
  MARTLET_REST
  for (; c < block.channels; c++) block.out[c] = martlet_mean_one(p, block.in + c);
}

MARTLET_KERNEL(mean, avx2, p) {
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

#include "resize_bilinear.h"
#include "variants.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// 8 channels: vertically as sums of two 16-bit products, horizontally in 32 bits. The weights of a side add up to 1024
/// and none exceeds 2047 in size, so the sums stay below 2^30.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i column(const int8_t *top, const int8_t *bottom,
                                                                                __m256i weights) {
  __m128i pairs = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)top), _mm_loadl_epi64((const __m128i *)bottom));
  return _mm256_madd_epi16(_mm256_cvtepi8_epi16(pairs), weights);
}

MARTLET_TARGET_avx2 static void pixel(const martlet_corners *corners, int8_t *out, int32_t channels) {
  int32_t down = corners->down, right = corners->right, c = 0;
  if (down > -1024 && down < 2048 && right > -1024 && right < 2048) {
    const __m256i vertical = _mm256_set1_epi32((int32_t)((uint32_t)(1024 - down) & 0xFFFF) | down * (1 << 16));
    const __m256i to_left = _mm256_set1_epi32(1024 - right), to_right = _mm256_set1_epi32(right);
    const __m256i half = _mm256_set1_epi32(1 << 19);
    for (; c + 8 <= channels; c += 8) {
      __m256i sum =
          _mm256_add_epi32(_mm256_mullo_epi32(column(corners->at[0] + c, corners->at[1] + c, vertical), to_left),
                           _mm256_mullo_epi32(column(corners->at[2] + c, corners->at[3] + c, vertical), to_right));
      // Half away from zero.
      sum = _mm256_add_epi32(_mm256_add_epi32(sum, half), _mm256_srai_epi32(sum, 31));
      sum = _mm256_srai_epi32(sum, 20);
      __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
      _mm_storel_epi64((__m128i *)(out + c), _mm_packs_epi16(words, words));
    }
  }
  MARTLET_REST
  for (; c < channels; c++) out[c] = martlet_bilinear_one(corners, c);
}

MARTLET_KERNEL(resize_bilinear, avx2, p) {
  if (p->unsigned_float) return martlet_resize_bilinear_scalar(p, buffers, first, last, scratch);
  martlet_bilinear_run(p, buffers, first, last, pixel);
}
#endif

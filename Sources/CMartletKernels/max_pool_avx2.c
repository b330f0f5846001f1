#include "pool.h"
#include "variants.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// Channels [c, c + 32), or [c, c + 8) in the low lane's low half.
MARTLET_TARGET_avx2 static inline __attribute__((always_inline)) __m256i largest_of(const martlet_pool_params *p,
                                                                                    martlet_window w, int32_t c,
                                                                                    bool whole) {
  __m256i largest = _mm256_set1_epi8((char)p->clamp_min);
  for (int32_t y = 0; y < w.rows; y++) {
    const int8_t *in = w.in + y * w.row_bytes + c;
    for (int32_t x = 0; x < w.columns; x++, in += p->channels) {
      __m256i v = whole ? _mm256_loadu_si256((const __m256i *)in)
                        : _mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)in));
      largest = _mm256_max_epi8(largest, v);
    }
  }
  return _mm256_min_epi8(largest, _mm256_set1_epi8((char)p->clamp_max));
}

MARTLET_TARGET_avx2 static void pixel(const martlet_pool_params *p, const martlet_pool_item *item, void *context) {
  (void)context;
  martlet_window w = item->window;
  int8_t *out = item->out;
  int32_t c = 0;
  for (; c + 32 <= item->channels; c += 32) _mm256_storeu_si256((__m256i *)(out + c), largest_of(p, w, c, true));
  for (; c + 8 <= item->channels; c += 8) {
    _mm_storel_epi64((__m128i *)(out + c), _mm256_castsi256_si128(largest_of(p, w, c, false)));
  }
  MARTLET_REST
  for (; c < item->channels; c++) out[c] = martlet_pool_largest(p, w, c);
}

MARTLET_KERNEL(max_pool, avx2, p) { martlet_pool_run(p, buffers, first, last, pixel, NULL); }
#endif

#include "operators.h"
#include "pool.h"

#if defined(__x86_64__)
#include <immintrin.h>

MARTLET_TARGET_AVX512 static void pixel(const martlet_pool_params *p, const martlet_pool_item *item) {
  martlet_window w = item->window;
  int8_t *out = item->out;
  const __m512i low = _mm512_set1_epi8((char)p->clamp_min), high = _mm512_set1_epi8((char)p->clamp_max);
  for (int32_t c = 0; c < item->channels; c += 64) {
    int32_t left = item->channels - c;
    __mmask64 mask = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
    __m512i largest = low;
    for (int32_t y = 0; y < w.rows; y++) {
      const int8_t *in = w.in + y * w.row_bytes + c;
      for (int32_t x = 0; x < w.columns; x++, in += p->channels) {
        largest = _mm512_max_epi8(largest, _mm512_maskz_loadu_epi8(mask, in));
      }
    }
    _mm512_mask_storeu_epi8(out + c, mask, _mm512_min_epi8(largest, high));
  }
}

MARTLET_TARGET_AVX512 void martlet_max_pool_avx512(const void *params, const martlet_buffers *buffers, int32_t first,
                                                   int32_t last, void *scratch) {
  const martlet_pool_params *p = params;
  (void)scratch;
  martlet_pool_run(p, buffers, first, last, pixel);
}
#endif

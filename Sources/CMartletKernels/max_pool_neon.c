#include "pool.h"
#include "variants.h"

#if defined(__aarch64__)
#include <arm_neon.h>

static int8x16_t largest_of_16(const martlet_pool_params *p, martlet_window w, int32_t c) {
  int8x16_t largest = vdupq_n_s8((int8_t)p->clamp_min);
  for (int32_t y = 0; y < w.rows; y++) {
    const int8_t *in = w.in + y * w.row_bytes + c;
    for (int32_t x = 0; x < w.columns; x++, in += p->channels) largest = vmaxq_s8(largest, vld1q_s8(in));
  }
  return vminq_s8(largest, vdupq_n_s8((int8_t)p->clamp_max));
}

static int8x8_t largest_of_8(const martlet_pool_params *p, martlet_window w, int32_t c) {
  int8x8_t largest = vdup_n_s8((int8_t)p->clamp_min);
  for (int32_t y = 0; y < w.rows; y++) {
    const int8_t *in = w.in + y * w.row_bytes + c;
    for (int32_t x = 0; x < w.columns; x++, in += p->channels) largest = vmax_s8(largest, vld1_s8(in));
  }
  return vmin_s8(largest, vdup_n_s8((int8_t)p->clamp_max));
}

static void pixel(const martlet_pool_params *p, const martlet_pool_item *item, void *context) {
  (void)context;
  martlet_window w = item->window;
  int8_t *out = item->out;
  const int32_t n = item->channels;
  int32_t c = 0;
  if (n >= 16) {
    for (; c < n; c = martlet_next_channels(c, 16, n)) vst1q_s8(out + c, largest_of_16(p, w, c));
  } else if (n >= 8) {
    for (; c < n; c = martlet_next_channels(c, 8, n)) vst1_s8(out + c, largest_of_8(p, w, c));
  }
  MARTLET_REST
  for (; c < n; c++) out[c] = martlet_pool_largest(p, w, c);
}

MARTLET_KERNEL(max_pool, neon, p) { martlet_pool_run(p, buffers, first, last, pixel, NULL); }
#endif

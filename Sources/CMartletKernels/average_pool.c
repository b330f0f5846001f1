#include "pool.h"
#include "variants.h"

int32_t martlet_average_pool_units(const martlet_pool_params *p) {
  return martlet_ceil_div(martlet_pool_pixels(p), martlet_pool_pixels_per_unit(p));
}
size_t martlet_average_pool_scratch_bytes(const martlet_pool_params *p) { return (void)p, 0; }
int64_t martlet_average_pool_unit_work(const martlet_pool_params *p) {
  int64_t pixels = martlet_pool_pixels(p), unit = martlet_pool_pixels_per_unit(p);
  return martlet_pool_pixel_work(p) * (pixels < unit ? pixels : unit);
}

static void pixel(const martlet_pool_params *p, martlet_window w, int8_t *out) {
  for (int32_t c = 0; c < p->channels; c++) {
    out[c] = martlet_pool_average(p, martlet_pool_sum(p, w, c), w.rows * w.columns);
  }
}

void martlet_average_pool_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                                 void *scratch) {
  const martlet_pool_params *p = params;
  (void)scratch;
  int64_t unit = martlet_pool_pixels_per_unit(p), end = last * unit, count = martlet_pool_pixels(p);
  if (end > count) end = count;
  for (int64_t i = first * unit; i < end; i++) {
    pixel(p, martlet_pool_window(p, buffers->input[0], i), (int8_t *)buffers->output + i * p->channels);
  }
}

#include "pool.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

int32_t martlet_average_pool_units(const martlet_pool_params *p) { return martlet_pool_units(p); }
size_t martlet_average_pool_scratch_bytes(const martlet_pool_params *p) { return (void)p, 0; }
int64_t martlet_average_pool_unit_work(const martlet_pool_params *p) { return martlet_pool_unit_work(p); }

static void pixel(const martlet_pool_params *p, const martlet_pool_item *item) {
  martlet_window w = item->window;
  int8_t *out = item->out;
  for (int32_t c = 0; c < item->channels; c++) {
    out[c] = martlet_pool_average(p, martlet_pool_sum(p, w, c), w.rows * w.columns);
  }
}

void martlet_average_pool_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                                 void *scratch) {
  const martlet_pool_params *p = params;
  (void)scratch;
  martlet_pool_run(p, buffers, first, last, pixel);
}

MARTLET_SMALL_END

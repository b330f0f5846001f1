#include "pool.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

martlet_workload martlet_average_pool_workload(const void *params) {
  const martlet_pool_params *p = params;
  return martlet_pool_workload(p);
}

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

#include "pool.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

MARTLET_WORKLOAD(average_pool, p) { return martlet_pool_workload(p); }

static void pixel(const martlet_pool_params *p, const martlet_pool_item *item, void *context) {
  (void)context;
  martlet_window w = item->window;
  int8_t *out = item->out;
  for (int32_t c = 0; c < item->channels; c++) {
    out[c] = martlet_pool_average(p, martlet_pool_sum(p, w, c), w.rows * w.columns);
  }
}

MARTLET_KERNEL(average_pool, scalar, p) { martlet_pool_run(p, buffers, first, last, pixel, NULL); }

MARTLET_SMALL_END

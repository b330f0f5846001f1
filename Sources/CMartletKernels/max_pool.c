#include "pool.h"
#include "variants.h"

MARTLET_WORKLOAD(max_pool, p) { return martlet_pool_workload(p); }

MARTLET_SMALL_BEGIN

static void pixel(const martlet_pool_params *p, const martlet_pool_item *item, void *context) {
  (void)context;
  martlet_window w = item->window;
  int8_t *out = item->out;
  for (int32_t c = 0; c < item->channels; c++) out[c] = martlet_pool_largest(p, w, c);
}

MARTLET_KERNEL(max_pool, scalar, p) { martlet_pool_run(p, buffers, first, last, pixel, NULL); }

MARTLET_SMALL_END

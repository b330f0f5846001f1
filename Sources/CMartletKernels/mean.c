#include "mean.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

MARTLET_WORKLOAD(mean, p) {
  int64_t items = martlet_mean_items(p), unit = martlet_mean_items_per_unit(p);
  return (martlet_workload){.units = martlet_ceil_div(items, unit),
                            .unit_work = martlet_mean_item_work(p) * (items < unit ? items : unit)};
}

MARTLET_KERNEL(mean, scalar, p) {
  int64_t end = martlet_mean_end(p, last);
  for (int64_t item = martlet_mean_begin(p, first); item < end; item++) {
    martlet_mean_block block = martlet_mean_block_of(p, buffers, item);
    for (int32_t c = 0; c < block.channels; c++) block.out[c] = martlet_mean_one(p, block.in + c);
  }
}

MARTLET_SMALL_END

/// The grid of both resizes: an item is one output row, a unit some consecutive rows over all batches.
#ifndef MARTLET_RESIZE_H
#define MARTLET_RESIZE_H

#include "kernels_internal.h"

static inline int64_t martlet_resize_rows(const martlet_resize_params *p) { return (int64_t)p->batch * p->out_h; }
static inline martlet_workload martlet_resize_workload(const martlet_resize_params *p, int32_t cost) {
  int64_t row = (int64_t)p->out_w * p->channels * cost, rows = martlet_resize_rows(p);
  int32_t unit = martlet_items_per_unit(row);
  return (martlet_workload){.units = martlet_ceil_div(rows, unit), .unit_work = row * (rows < unit ? rows : unit)};
}
/// Rows of units [first, last).
static inline martlet_span martlet_resize_span(const martlet_resize_params *p, int32_t cost, int32_t first,
                                               int32_t last) {
  int64_t unit = martlet_items_per_unit((int64_t)p->out_w * p->channels * cost), rows = martlet_resize_rows(p);
  martlet_span span = {first * unit, last * unit < rows ? last * unit : rows};
  return span;
}

#endif

#include "variants.h"

MARTLET_SMALL_BEGIN

static int64_t outputs(const martlet_argmax_params *p) { return (int64_t)p->outer * p->inner; }
static int32_t outputs_per_unit(const martlet_argmax_params *p) { return martlet_items_per_unit(p->axis); }

MARTLET_WORKLOAD(argmax, p) {
  int64_t count = outputs(p), unit = outputs_per_unit(p);
  return (martlet_workload){.units = martlet_ceil_div(count, unit),
                            .unit_work = p->axis * (count < unit ? count : unit)};
}

static int32_t best(const martlet_argmax_params *p, const int8_t *in) {
  int32_t index = 0, value = in[0];
  for (int32_t i = 1; i < p->axis; i++) {
    int32_t x = in[(int64_t)i * p->inner];
    if (p->minimum ? x < value : x > value) {
      value = x;
      index = i;
    }
  }
  return index;
}

MARTLET_KERNEL(argmax, scalar, p) {
  const int8_t *in = buffers->input[0];
  int64_t unit = outputs_per_unit(p), end = last * unit, count = outputs(p);
  if (end > count) end = count;
  for (int64_t i = first * unit; i < end; i++) {
    int64_t outer = i / p->inner, inner = i % p->inner;
    int32_t index = best(p, in + outer * p->axis * p->inner + inner);
    if (p->index_size == 8) {
      ((int64_t *)buffers->output)[i] = index;
    } else {
      ((int32_t *)buffers->output)[i] = index;
    }
  }
}

MARTLET_SMALL_END

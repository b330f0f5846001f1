#include "variants.h"

martlet_workload martlet_fill_workload(const void *params) {
  const martlet_fill_params *p = params;
  return martlet_span_workload(p->count);
}

void martlet_fill_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                         void *scratch) {
  const martlet_fill_params *p = params;
  (void)scratch;
  martlet_span span = martlet_span_of(p->count, first, last);
  if (span.begin < span.end) memset((int8_t *)buffers->output + span.begin, p->value, (size_t)(span.end - span.begin));
}

#include "variants.h"

int32_t martlet_fill_units(const martlet_fill_params *p) { return martlet_span_units(p->count); }
size_t martlet_fill_scratch_bytes(const martlet_fill_params *p) { return (void)p, 0; }
int64_t martlet_fill_unit_work(const martlet_fill_params *p) { return martlet_span_unit_work(p->count); }

void martlet_fill_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                         void *scratch) {
  const martlet_fill_params *p = params;
  (void)scratch;
  martlet_span span = martlet_span_of(p->count, first, last);
  if (span.begin < span.end) memset((int8_t *)buffers->output + span.begin, p->value, (size_t)(span.end - span.begin));
}

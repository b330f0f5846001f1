#include "variants.h"

MARTLET_SMALL_BEGIN

martlet_workload martlet_table_workload(const void *params) {
  const martlet_table_params *p = params;
  return martlet_span_workload(p->count);
}

void martlet_table_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                          void *scratch) {
  const martlet_table_params *p = params;
  const int8_t *in = buffers->input[0], *table = (const int8_t *)buffers->weights + 128;
  int8_t *out = buffers->output;
  (void)scratch;
  martlet_span span = martlet_span_of(p->count, first, last);
  for (int64_t i = span.begin; i < span.end; i++) out[i] = table[in[i]];
}

MARTLET_SMALL_END

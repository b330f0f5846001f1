#include "variants.h"

MARTLET_SMALL_BEGIN

MARTLET_WORKLOAD(dequantize, p) { return martlet_span_workload(p->count); }

MARTLET_KERNEL(dequantize, scalar, p) {
  const int8_t *in = buffers->input[0];
  float *out = buffers->output;
  martlet_span span = martlet_span_of(p->count, first, last);
  for (int64_t i = span.begin; i < span.end; i++) out[i] = p->scale * (float)(in[i] - p->zero_point);
}

MARTLET_SMALL_END

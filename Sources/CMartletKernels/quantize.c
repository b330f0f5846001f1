#include "quantize.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

MARTLET_WORKLOAD(quantize, p) { return martlet_span_workload(p->count); }

MARTLET_KERNEL(quantize, scalar, p) {
  const float *in = buffers->input[0];
  int8_t *out = buffers->output;
  martlet_span span = martlet_span_of(p->count, first, last);
  for (int64_t i = span.begin; i < span.end; i++) out[i] = martlet_quantize_one(p, in[i]);
}

MARTLET_SMALL_END

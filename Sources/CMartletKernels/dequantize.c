#include "variants.h"

MARTLET_SMALL_BEGIN

int32_t martlet_dequantize_units(const martlet_quantize_params *p) { return martlet_span_units(p->count); }
size_t martlet_dequantize_scratch_bytes(const martlet_quantize_params *p) { return (void)p, 0; }
int64_t martlet_dequantize_unit_work(const martlet_quantize_params *p) { return martlet_span_unit_work(p->count); }

void martlet_dequantize_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                               void *scratch) {
  const martlet_quantize_params *p = params;
  const int8_t *in = buffers->input[0];
  float *out = buffers->output;
  (void)scratch;
  martlet_span span = martlet_span_of(p->count, first, last);
  for (int64_t i = span.begin; i < span.end; i++) out[i] = p->scale * (float)(in[i] - p->zero_point);
}

MARTLET_SMALL_END

#include "elementwise.h"
#include "variants.h"
#include "walk.h"

MARTLET_SMALL_BEGIN

martlet_workload martlet_add_workload(const void *params) {
  const martlet_add_params *p = params;
  return martlet_binary_workload(p->shape);
}

static void row(const void *params, const int8_t *a, int64_t stride_a, const int8_t *b, int64_t stride_b, int8_t *out,
                int32_t n) {
  for (int32_t i = 0; i < n; i++) out[i] = martlet_add_one(params, a[i * stride_a], b[i * stride_b]);
}

void martlet_add_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                       void *scratch) {
  const martlet_add_params *p = params;
  (void)scratch;
  martlet_binary_run(p, p->shape, p->stride0, p->stride1, buffers, first, last, row);
}

MARTLET_SMALL_END

#include "variants.h"

MARTLET_WORKLOAD(fill, p) { return martlet_span_workload(p->count); }

MARTLET_KERNEL(fill, scalar, p) {
  martlet_span span = martlet_span_of(p->count, first, last);
  if (span.begin < span.end) memset((int8_t *)buffers->output + span.begin, p->value, (size_t)(span.end - span.begin));
}

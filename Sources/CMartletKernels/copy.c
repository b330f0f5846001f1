#include "variants.h"
#include "walk.h"

MARTLET_WORKLOAD(copy, p) {
  int64_t count = martlet_box_count(p->shape);
  return (martlet_workload){.units = martlet_ceil_div(count, MARTLET_SPAN_UNIT),
                            .unit_work = count < MARTLET_SPAN_UNIT ? count : MARTLET_SPAN_UNIT};
}

#define COPY_RUN(NAME, TYPE)                                                                          \
  static void NAME(const TYPE *in, int64_t in_stride, TYPE *out, int64_t out_stride, int32_t count) { \
    if (in_stride == 1 && out_stride == 1) {                                                          \
      memcpy(out, in, (size_t)count * sizeof(TYPE));                                                  \
    } else {                                                                                          \
      for (int32_t i = 0; i < count; i++) out[i * out_stride] = in[i * in_stride];                    \
    }                                                                                                 \
  }

COPY_RUN(copy_run_1, int8_t)
COPY_RUN(copy_run_4, int32_t)
COPY_RUN(copy_run_8, int64_t)

MARTLET_KERNEL(copy, scalar, p) {
  int64_t count = martlet_box_count(p->shape);
  int64_t at = (int64_t)first * MARTLET_SPAN_UNIT, end = (int64_t)last * MARTLET_SPAN_UNIT;
  if (end > count) end = count;
  if (at >= end) return;
  martlet_walk walk;
  martlet_walk_start(&walk, p->shape, p->in_stride, p->out_stride, at);
  int64_t in_stride = walk.stride0[walk.rank - 1], out_stride = walk.stride1[walk.rank - 1];
  while (at < end) {
    int32_t n = martlet_walk_run(&walk, end - at);
    int64_t from = p->in_offset + walk.offset0, to = p->out_offset + walk.offset1;
    if (p->element_size == 1) {
      copy_run_1((const int8_t *)buffers->input[0] + from, in_stride, (int8_t *)buffers->output + to, out_stride, n);
    } else if (p->element_size == 4) {
      copy_run_4((const int32_t *)buffers->input[0] + from, in_stride, (int32_t *)buffers->output + to, out_stride, n);
    } else {
      copy_run_8((const int64_t *)buffers->input[0] + from, in_stride, (int64_t *)buffers->output + to, out_stride, n);
    }
    martlet_walk_advance(&walk, n);
    at += n;
  }
}

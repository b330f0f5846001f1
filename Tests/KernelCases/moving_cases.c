#include "context.h"

static bool softmax_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_softmax_params p = {.rows = martlet_random_in(random, 1, 9), .depth = index + 1};
  if (index >= 40) p.depth = martlet_random_in(random, 1, 2000);
  p.beta_multiplier = martlet_random_in(random, 1 << 30, INT32_MAX);
  p.beta_left_shift = martlet_random_in(random, 16, 26);
  p.diff_min = -(int32_t)(((int64_t)31 << 26) >> p.beta_left_shift);
  martlet_case_run run = {context->reference->softmax, context->variant->softmax, &p,
                          martlet_softmax_workload(&p).units, martlet_softmax_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.rows * p.depth);
  run.output_bytes = (size_t)p.rows * p.depth;
  return martlet_case_equal(context, &run);
}

/// A random permutation of a random box, copied into the middle of a larger output.
static bool copy_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_copy_params p = {.element_size = index % 4 == 0 ? 4 : index % 7 == 0 ? 8 : 1};
  int32_t order[6] = {0, 1, 2, 3, 4, 5}, in_stride[6], count = 1;
  for (int i = 5; i > 0; i--) {
    int32_t j = index % 3 == 0 ? i : martlet_random_in(random, 0, i), swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
  for (int i = 5; i >= 0; i--) {
    p.shape[i] = MARTLET_RANDOM_OF(random, 1, 1, 2, 3, 5, 16, 17, 40);
    if (count * p.shape[i] > 60000) p.shape[i] = 1;
    p.out_stride[i] = count;
    count *= p.shape[i];
  }
  int32_t dense = 1;
  for (int i = 5; i >= 0; i--) {
    in_stride[order[i]] = dense;
    dense *= p.shape[order[i]];
  }
  for (int i = 0; i < 6; i++) {
    bool backwards = martlet_random_in(random, 0, 5) == 0;
    p.in_stride[i] = backwards ? -in_stride[i] : in_stride[i];
    if (backwards) p.in_offset += (p.shape[i] - 1) * in_stride[i];
  }
  int32_t spread = MARTLET_RANDOM_OF(random, 1, 1, 2);
  p.out_offset = martlet_random_in(random, 0, 9);
  for (int i = 0; i < 6; i++) p.out_stride[i] *= spread;
  martlet_case_run run = {context->reference->copy, context->variant->copy, &p, martlet_copy_workload(&p).units,
                          martlet_copy_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)count * p.element_size);
  run.output_bytes = (size_t)(count * spread + 9) * p.element_size;
  return martlet_case_equal(context, &run);
}

static bool fill_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_fill_params p = {index < 20 ? index + 1 : martlet_random_in(random, 1, 100000),
                           martlet_random_in(random, -128, 127)};
  martlet_case_run run = {context->reference->fill, context->variant->fill, &p, martlet_fill_workload(&p).units,
                          martlet_fill_workload(&p).scratch_bytes};
  run.output_bytes = (size_t)p.count;
  return martlet_case_equal(context, &run);
}

static bool argmax_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_argmax_params p = {martlet_random_in(random, 1, 5), martlet_random_in(random, 1, 300),
                             index % 2 ? 1 : martlet_random_in(random, 1, 70), index % 3 ? 4 : 8,
                             martlet_random_in(random, 0, 1)};
  martlet_case_run run = {context->reference->argmax, context->variant->argmax, &p, martlet_argmax_workload(&p).units,
                          martlet_argmax_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.outer * p.axis * p.inner);
  run.output_bytes = (size_t)p.outer * p.inner * (size_t)p.index_size;
  return martlet_case_equal(context, &run);
}

const martlet_case_group martlet_moving_cases[] = {{"softmax", 150, softmax_case},
                                                   {"copy", 300, copy_case},
                                                   {"fill", 60, fill_case},
                                                   {"argmax", 100, argmax_case},
                                                   {NULL, 0, NULL}};

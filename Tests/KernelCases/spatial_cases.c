#include "context.h"

#include <string.h>

static int32_t channels(martlet_random *random) {
  return MARTLET_RANDOM_OF(random, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129, 320);
}

static martlet_pool_params random_pool(martlet_random *random) {
  martlet_pool_params p = {.batch = martlet_random_in(random, 1, 2)};
  p.in_h = martlet_random_in(random, 1, 16);
  p.in_w = martlet_random_in(random, 1, 16);
  p.channels = channels(random);
  // Some that are cut into blocks of channels.
  if (martlet_random_in(random, 0, 9) == 0) p.channels = martlet_random_in(random, 256, 700);
  p.stride_h = martlet_random_in(random, 1, 3);
  p.stride_w = martlet_random_in(random, 1, 3);
  bool whole = martlet_random_in(random, 0, 3) == 0;
  p.kernel_h = whole ? p.in_h : martlet_random_in(random, 1, p.in_h);
  p.kernel_w = whole ? p.in_w : martlet_random_in(random, 1, p.in_w);
  p.pad_top = whole ? 0 : martlet_random_in(random, 0, p.kernel_h - 1);
  p.pad_left = whole ? 0 : martlet_random_in(random, 0, p.kernel_w - 1);
  // As many outputs as have at least one pixel in their window.
  p.out_h = (p.in_h - 1 + p.pad_top) / p.stride_h + 1;
  p.out_w = (p.in_w - 1 + p.pad_left) / p.stride_w + 1;
  p.clamp_min = MARTLET_RANDOM_OF(random, -128, martlet_random_in(random, -128, 127));
  p.clamp_max = MARTLET_RANDOM_OF(random, 127, martlet_random_in(random, p.clamp_min, 127));
  p.unsigned_rounding = martlet_random_in(random, 0, 1);
  return p;
}

static bool average_pool_case(martlet_case_context *context, int32_t index) {
  (void)index;
  martlet_pool_params p = random_pool(&context->random);
  martlet_case_run run = {context->reference->average_pool, context->variant->average_pool, &p,
                          martlet_average_pool_workload(&p).units, martlet_average_pool_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.batch * p.in_h * p.in_w * p.channels);
  run.output_bytes = (size_t)p.batch * p.out_h * p.out_w * p.channels;
  return martlet_case_equal(context, &run);
}

static bool max_pool_case(martlet_case_context *context, int32_t index) {
  (void)index;
  martlet_pool_params p = random_pool(&context->random);
  martlet_case_run run = {context->reference->max_pool, context->variant->max_pool, &p,
                          martlet_max_pool_workload(&p).units, martlet_max_pool_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.batch * p.in_h * p.in_w * p.channels);
  run.output_bytes = (size_t)p.batch * p.out_h * p.out_w * p.channels;
  return martlet_case_equal(context, &run);
}

static bool mean_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_mean_params p = {.outer = martlet_random_in(random, 1, 5), .inner = channels(random)};
  // Long ones too: partial sums in 16 bits must be widened in time.
  p.reduce = index % 4 == 0 ? martlet_random_in(random, 1, 2000) : martlet_random_in(random, 1, 70);
  if (index % 5 == 0) p.inner = 1;
  p.input_zero_point = MARTLET_RANDOM_OF(random, -128, 127, 0, -3);
  p.output_zero_point = MARTLET_RANDOM_OF(random, -128, 127, 0, -3);
  p.multiplier = martlet_case_multiplier(context);
  p.shift = MARTLET_RANDOM_OF(random, 0, -3, -6, martlet_random_in(random, -31, 3));
  p.clamp_min = -128;
  p.clamp_max = 127;
  // The most that a sum in 16 bits has to hold, and a result that shows it.
  const bool extreme = index % 8 == 1;
  if (extreme) {
    p.reduce = MARTLET_RANDOM_OF(random, 256, 257, 258, 300, 512, 513);
    p.input_zero_point = p.output_zero_point = 0;
    p.multiplier = 1 << 30;
    p.shift = -8;
  }
  martlet_case_run run = {context->reference->mean, context->variant->mean, &p, martlet_mean_workload(&p).units,
                          martlet_mean_workload(&p).scratch_bytes};
  const size_t bytes = (size_t)p.outer * p.reduce * p.inner;
  int8_t *in = martlet_case_bytes(context, bytes);
  if (extreme) memset(in, -128, bytes);
  run.input[0] = in;
  run.output_bytes = (size_t)p.outer * p.inner;
  return martlet_case_equal(context, &run);
}

static martlet_resize_params random_resize(martlet_random *random) {
  martlet_resize_params p = {.batch = martlet_random_in(random, 1, 2), .channels = channels(random)};
  p.in_h = martlet_random_in(random, 1, 12);
  p.in_w = martlet_random_in(random, 1, 12);
  p.out_h = martlet_random_in(random, 1, 24);
  p.out_w = martlet_random_in(random, 1, 24);
  int32_t mode = martlet_random_in(random, 0, 2);
  p.align_corners = mode == 1;
  p.half_pixel_centers = mode == 2;
  p.unsigned_float = martlet_random_in(random, 0, 3) == 0;
  return p;
}

static bool resize_nearest_case(martlet_case_context *context, int32_t index) {
  (void)index;
  martlet_resize_params p = random_resize(&context->random);
  martlet_case_run run = {context->reference->resize_nearest, context->variant->resize_nearest, &p,
                          martlet_resize_nearest_workload(&p).units, martlet_resize_nearest_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.batch * p.in_h * p.in_w * p.channels);
  run.output_bytes = (size_t)p.batch * p.out_h * p.out_w * p.channels;
  return martlet_case_equal(context, &run);
}

static bool resize_bilinear_case(martlet_case_context *context, int32_t index) {
  (void)index;
  martlet_resize_params p = random_resize(&context->random);
  martlet_case_run run = {context->reference->resize_bilinear, context->variant->resize_bilinear, &p,
                          martlet_resize_bilinear_workload(&p).units,
                          martlet_resize_bilinear_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.batch * p.in_h * p.in_w * p.channels);
  run.output_bytes = (size_t)p.batch * p.out_h * p.out_w * p.channels;
  return martlet_case_equal(context, &run);
}

const martlet_case_group martlet_spatial_cases[] = {{"average_pool", 300, average_pool_case},
                                                    {"max_pool", 300, max_pool_case},
                                                    {"mean", 300, mean_case},
                                                    {"resize_nearest", 100, resize_nearest_case},
                                                    {"resize_bilinear", 100, resize_bilinear_case},
                                                    {NULL, 0, NULL}};

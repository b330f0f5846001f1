#include "context.h"

// MARK: - One input

static bool table_case(martlet_case_context *context, int32_t index) {
  martlet_table_params p = {index < 150 ? index + 1 : martlet_random_in(&context->random, 1, 100000)};
  martlet_case_run run = {context->reference->table, context->variant->table, &p, martlet_table_workload(&p).units,
                          martlet_table_workload(&p).scratch_bytes};
  run.weights = martlet_case_bytes(context, 256);
  run.input[0] = martlet_case_bytes(context, (size_t)p.count);
  run.output_bytes = (size_t)p.count;
  return martlet_case_equal(context, &run);
}

static bool quantize_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_quantize_params p = {index < 40 ? index + 1 : martlet_random_in(random, 1, 70000), 1, 0};
  p.scale = (float)martlet_random_in(random, 1, 1000) / (float)martlet_random_in(random, 1, 1000);
  p.zero_point = MARTLET_RANDOM_OF(random, -128, 127, 0, martlet_random_in(random, -128, 127));
  float *in = martlet_case_zeros(context, (size_t)p.count * 4);
  const float odd[] = {__builtin_inff(), -__builtin_inff(), __builtin_nanf(""), 3e38f, -3e38f, 0.0f, -0.0f, 1e-40f};
  for (int32_t i = 0; i < p.count; i++) {
    // Halves, exact ones and the nearest neighbours of halves.
    float half = ((float)martlet_random_in(random, -300, 300) + 0.5f) * p.scale;
    float any = (float)martlet_random_in(random, -1000000, 1000000) / 7000 * p.scale;
    int32_t kind = martlet_random_in(random, 0, 9);
    in[i] = kind == 0 ? odd[martlet_random_in(random, 0, 7)] : kind < 4 ? half : kind == 4 ? half * 0.9999999f : any;
  }
  martlet_case_run run = {context->reference->quantize, context->variant->quantize, &p,
                          martlet_quantize_workload(&p).units, martlet_quantize_workload(&p).scratch_bytes};
  run.input[0] = in;
  run.output_bytes = (size_t)p.count;
  return martlet_case_equal(context, &run);
}

static bool dequantize_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_quantize_params p = {index < 40 ? index + 1 : martlet_random_in(random, 1, 70000), 1, 0};
  p.scale = (float)martlet_random_in(random, 1, 1000) / (float)martlet_random_in(random, 1, 1000);
  p.zero_point = MARTLET_RANDOM_OF(random, -128, 127, 0, martlet_random_in(random, -128, 127));
  martlet_case_run run = {context->reference->dequantize, context->variant->dequantize, &p,
                          martlet_dequantize_workload(&p).units, martlet_dequantize_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.count);
  run.output_bytes = (size_t)p.count * 4;
  return martlet_case_equal(context, &run);
}

// MARK: - Two inputs

typedef struct box {
  int32_t shape[6], stride0[6], stride1[6];
  size_t count, bytes0, bytes1;
} box;

/// Dense strides over the dimensions that `mask` keeps, 0 over the others; returns the bytes they reach.
static size_t strides(const int32_t shape[6], int32_t mask, int32_t stride[6]) {
  int32_t dense = 1;
  for (int i = 5; i >= 0; i--) {
    bool kept = mask >> i & 1;
    stride[i] = kept ? dense : 0;
    if (kept) dense *= shape[i];
  }
  return (size_t)dense;
}

static box random_box(martlet_random *random, int32_t index) {
  box b;
  b.count = 1;
  for (int i = 5; i >= 0; i--) {
    b.shape[i] = MARTLET_RANDOM_OF(random, 1, 1, 2, 3, 5, 17);
    if (i == 5 && index % 2) b.shape[i] = MARTLET_RANDOM_OF(random, 1, 15, 16, 31, 32, 33, 63, 64, 65, 100, 9000);
    if (b.count * (size_t)b.shape[i] > 40000) b.shape[i] = 1;
    b.count *= (size_t)b.shape[i];
  }
  bool dense = index % 3 == 0;
  b.bytes0 = strides(b.shape, dense ? 63 : martlet_random_in(random, 0, 63), b.stride0);
  b.bytes1 = strides(b.shape, dense ? 63 : martlet_random_in(random, 0, 63), b.stride1);
  return b;
}

static int32_t zero_point(martlet_random *random) {
  return MARTLET_RANDOM_OF(random, -128, 127, 0, martlet_random_in(random, -128, 127));
}

static void clamps(martlet_random *random, int32_t *low, int32_t *high) {
  *low = MARTLET_RANDOM_OF(random, -128, -128, martlet_random_in(random, -128, 127));
  *high = MARTLET_RANDOM_OF(random, 127, martlet_random_in(random, *low, 127));
}

static bool binary(martlet_case_context *context, const box *b, martlet_case_run run) {
  run.input[0] = martlet_case_bytes(context, b->bytes0);
  run.input[1] = martlet_case_bytes(context, b->bytes1);
  run.output_bytes = b->count;
  return martlet_case_equal(context, &run);
}

static bool add_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  box b = random_box(random, index);
  martlet_add_params p = {.left_shift = MARTLET_RANDOM_OF(random, 20, 20, 20, 15, 0), .subtract = index & 1};
  for (int i = 0; i < 6; i++) {
    p.shape[i] = b.shape[i];
    p.stride0[i] = b.stride0[i];
    p.stride1[i] = b.stride1[i];
  }
  p.zero_point0 = zero_point(random);
  p.zero_point1 = zero_point(random);
  p.output_zero_point = zero_point(random);
  p.multiplier0 = martlet_case_multiplier(context);
  p.multiplier1 = martlet_case_multiplier(context);
  p.output_multiplier = martlet_case_multiplier(context);
  p.shift0 = MARTLET_RANDOM_OF(random, 0, -1, -5, martlet_random_in(random, -31, 2));
  p.shift1 = MARTLET_RANDOM_OF(random, 0, -1, -5, martlet_random_in(random, -31, 2));
  p.output_shift = MARTLET_RANDOM_OF(random, -18, -19, -20, martlet_random_in(random, -31, 2));
  // Mostly what the reference makes: the input of the larger scale, or both, at exactly 1/2.
  int32_t kind = martlet_random_in(random, 0, 7);
  if (kind < 6) {
    p.left_shift = 20;
    p.shift0 = MARTLET_RANDOM_OF(random, -1, -2, -3, -19, martlet_random_in(random, -20, -1));
    p.shift1 = MARTLET_RANDOM_OF(random, -1, -2, -3, -19, martlet_random_in(random, -20, -1));
    p.output_shift = MARTLET_RANDOM_OF(random, -1, -17, -18, -19, -20, -22, martlet_random_in(random, -23, -1));
    if (kind != 0 && kind != 1) p.multiplier0 = 1 << 30, p.shift0 = 0;
    if (kind != 0 && kind != 2) p.multiplier1 = 1 << 30, p.shift1 = 0;
  }
  clamps(random, &p.clamp_min, &p.clamp_max);
  // Sums of x + y / 2, half of them just between two results, and a clamp at or just below the zero point: there it is
  // seen which way negative ones are rounded.
  if (index % 8 < 2) {
    p.multiplier0 = p.multiplier1 = p.output_multiplier = 1 << 30;
    p.shift0 = kind % 2 - 1;
    p.shift1 = -1 - p.shift0;
    p.output_shift = -18;
    p.left_shift = 20;
    p.clamp_min = MARTLET_RANDOM_OF(random, -128, p.output_zero_point, p.output_zero_point - 1);
    if (p.clamp_min < -128) p.clamp_min = -128;
    p.clamp_max = 127;
  }
  return binary(context, &b,
                (martlet_case_run){context->reference->add, context->variant->add, &p, martlet_add_workload(&p).units,
                                   martlet_add_workload(&p).scratch_bytes});
}

static bool mul_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  box b = random_box(random, index);
  martlet_mul_params p = {.multiplier = martlet_case_multiplier(context)};
  for (int i = 0; i < 6; i++) {
    p.shape[i] = b.shape[i];
    p.stride0[i] = b.stride0[i];
    p.stride1[i] = b.stride1[i];
  }
  p.shift = MARTLET_RANDOM_OF(random, -7, -8, -5, martlet_random_in(random, -31, 20));
  p.zero_point0 = zero_point(random);
  p.zero_point1 = zero_point(random);
  p.output_zero_point = zero_point(random);
  clamps(random, &p.clamp_min, &p.clamp_max);
  return binary(context, &b,
                (martlet_case_run){context->reference->mul, context->variant->mul, &p, martlet_mul_workload(&p).units,
                                   martlet_mul_workload(&p).scratch_bytes});
}

static bool prelu_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  box b = random_box(random, index);
  martlet_prelu_params p = {.positive_multiplier = martlet_case_multiplier(context),
                            .negative_multiplier = martlet_case_multiplier(context)};
  for (int i = 0; i < 6; i++) {
    p.shape[i] = b.shape[i];
    p.stride0[i] = b.stride0[i];
    p.stride1[i] = b.stride1[i];
  }
  p.positive_shift = MARTLET_RANDOM_OF(random, 0, 1, -1, martlet_random_in(random, -31, 20));
  p.negative_shift = MARTLET_RANDOM_OF(random, -7, -6, -9, martlet_random_in(random, -31, 20));
  p.input_zero_point = zero_point(random);
  p.alpha_zero_point = zero_point(random);
  p.output_zero_point = zero_point(random);
  return binary(context, &b,
                (martlet_case_run){context->reference->prelu, context->variant->prelu, &p,
                                   martlet_prelu_workload(&p).units, martlet_prelu_workload(&p).scratch_bytes});
}

/// Both read one kind of record.
static bool extremum_case(martlet_case_context *context, int32_t index, martlet_kernel reference,
                          martlet_kernel variant) {
  box b = random_box(&context->random, index);
  martlet_extremum_params p;
  for (int i = 0; i < 6; i++) {
    p.shape[i] = b.shape[i];
    p.stride0[i] = b.stride0[i];
    p.stride1[i] = b.stride1[i];
  }
  return binary(context, &b,
                (martlet_case_run){reference, variant, &p, martlet_maximum_workload(&p).units,
                                   martlet_maximum_workload(&p).scratch_bytes});
}

static bool maximum_case(martlet_case_context *context, int32_t index) {
  return extremum_case(context, index, context->reference->maximum, context->variant->maximum);
}

static bool minimum_case(martlet_case_context *context, int32_t index) {
  return extremum_case(context, index, context->reference->minimum, context->variant->minimum);
}

const martlet_case_group martlet_elementwise_cases[] = {
    {"table", 200, table_case},     {"quantize", 80, quantize_case}, {"dequantize", 80, dequantize_case},
    {"add", 600, add_case},         {"mul", 400, mul_case},          {"prelu", 200, prelu_case},
    {"maximum", 200, maximum_case}, {"minimum", 200, minimum_case},  {NULL, 0, NULL}};

#include "context.h"

#include <string.h>

/// Requantization of 16 channels. `left`: some multipliers of 1 and more. Dead channels of real networks have a bias at
/// the far end and any shift.
static void fill_channels(martlet_case_context *context, martlet_channels *channels, bool in_double, bool left) {
  martlet_random *random = &context->random;
  for (int i = 0; i < 16; i++) {
    bool dead = martlet_random_in(random, 0, 31) == 0;
    channels->bias[i] = dead ? MARTLET_RANDOM_OF(random, -1073741952, 1073741824)
                             : martlet_random_in(random, -60000, 60000);
    if (in_double) {
      double factor = martlet_random_in(random, 1, 1000) / 1e6;
      uint64_t bits;
      memcpy(&bits, &factor, sizeof bits);
      // The factors lie in the weights, which nobody checks at load: a NaN counts as the lower limit, everywhere.
      static const uint64_t odd[] = {0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001, 0x7FF0000000000000,
                                     0xFFF0000000000000, 0x7FEFFFFFFFFFFFFF, 0x8000000000000001};
      if (martlet_random_in(random, 0, 15) == 0) bits = odd[martlet_random_in(random, 0, 6)];
      channels->multiplier[i] = (int32_t)(uint32_t)bits;
      channels->shift[i] = (int32_t)(bits >> 32);
    } else {
      channels->multiplier[i] = martlet_case_multiplier(context);
      channels->shift[i] = dead ? martlet_random_in(random, -31, 0) : martlet_random_in(random, -12, left ? 3 : 0);
    }
  }
}

static void random_output(martlet_random *random, int32_t *zero_point, int32_t *clamp_min, int32_t *clamp_max) {
  *zero_point = MARTLET_RANDOM_OF(random, -128, 127, 0, martlet_random_in(random, -128, 127));
  // A fused ReLU clamps at the zero point: kernels may then round negative values as they like.
  *clamp_min = MARTLET_RANDOM_OF(random, -128, *zero_point, martlet_random_in(random, -128, 127));
  *clamp_max = MARTLET_RANDOM_OF(random, 127, martlet_random_in(random, *clamp_min, 127));
}

static martlet_conv2d_params random_conv2d(martlet_random *random, int32_t index) {
  martlet_conv2d_params p = {.batch = martlet_random_in(random, 1, 2), .groups = 1};
  if (martlet_random_in(random, 0, 5) == 0) p.groups = martlet_random_in(random, 2, 3);
  const int32_t channels = index % 3 == 0 ? 80 : 24;
  p.in_c = martlet_random_in(random, 1, channels) * p.groups;
  p.out_c = martlet_random_in(random, 1, channels) * p.groups;
  const bool pointwise = martlet_random_in(random, 0, 2) == 0;
  p.kernel_h = pointwise ? 1 : martlet_random_in(random, 1, 5);
  p.kernel_w = pointwise ? 1 : martlet_random_in(random, 1, 5);
  p.stride_h = pointwise ? 1 : martlet_random_in(random, 1, 3);
  p.stride_w = pointwise ? 1 : martlet_random_in(random, 1, 3);
  p.dilation_h = MARTLET_RANDOM_OF(random, 1, 1, 1, 2, 3);
  p.dilation_w = MARTLET_RANDOM_OF(random, 1, 1, 1, 2, 3);
  p.pad_top = pointwise ? 0 : martlet_random_in(random, 0, 2);
  p.pad_left = pointwise ? 0 : martlet_random_in(random, 0, 2);
  p.input_step_h = MARTLET_RANDOM_OF(random, 1, 1, 1, 1, 1, 2, 3);
  p.input_step_w = MARTLET_RANDOM_OF(random, 1, 1, 1, 1, 1, 2, 3);
  p.in_h = martlet_random_in(random, 1, 14);
  p.in_w = martlet_random_in(random, 1, 30);
  p.out_h = pointwise ? p.in_h : martlet_random_in(random, 1, 12);
  p.out_w = pointwise ? p.in_w : martlet_random_in(random, 1, 20);
  p.input_zero_point = martlet_random_in(random, -128, 127);
  p.weight_zero_point = MARTLET_RANDOM_OF(random, 0, 0, -128, 127, martlet_random_in(random, -128, 127));
  random_output(random, &p.output_zero_point, &p.clamp_min, &p.clamp_max);
  p.double_rescale = martlet_random_in(random, 0, 5) == 0;
  return p;
}

/// Packs as the format says: headers, then quads, the ends of segments filled with the weights' zero point.
static uint8_t *random_conv2d_weights(martlet_case_context *context, const martlet_conv2d_params *p) {
  const bool rows = p->groups == 1 && p->dilation_w == 1 && p->input_step_w == 1;
  const int32_t segment = rows ? p->kernel_w * p->in_c : p->in_c / p->groups;
  const int32_t segments = rows ? p->kernel_h : p->kernel_h * p->kernel_w, quads = (segment + 3) / 4;
  const int32_t panels = (p->out_c / p->groups + 15) / 16 * p->groups;
  const bool left = martlet_random_in(&context->random, 0, 5) == 0;
  const size_t bytes = martlet_conv2d_weights_bytes(p), panel_bytes = bytes / (size_t)panels;
  uint8_t *weights = (uint8_t *)martlet_case_bytes(context, bytes);
  for (int32_t i = 0; i < panels; i++) {
    uint8_t *panel = weights + (size_t)i * panel_bytes;
    fill_channels(context, (martlet_channels *)panel, p->double_rescale, left);
    int8_t *w = (int8_t *)panel + sizeof(martlet_channels);
    for (int32_t s = 0; s < segments; s++)
      for (int32_t k = segment; k < quads * 4; k++)
        for (int32_t lane = 0; lane < 16; lane++)
          w[((size_t)s * quads + k / 4) * 64 + lane * 4 + k % 4] = (int8_t)p->weight_zero_point;
  }
  return weights;
}

/// A ring holds one picture; that of a 1x1 convolution, all rows of which are one, never goes round.
static bool is_cascaded(const martlet_conv2d_params *p) {
  return p->batch == 1 && p->input_step_h == 1 && p->input_step_w == 1 && p->kernel_h * p->kernel_w > 1;
}

static bool conv2d_case(martlet_case_context *context, int32_t index) {
  martlet_conv2d_params p = random_conv2d(&context->random, index);
  martlet_case_run run = {context->reference->conv2d, context->variant->conv2d,
                          martlet_case_bound(context, MARTLET_OPCODE_CONV2D, &p), martlet_conv2d_workload(&p).units,
                          martlet_conv2d_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.batch * p.in_h * p.in_w * p.in_c);
  run.weights = random_conv2d_weights(context, &p);
  run.output_bytes = (size_t)p.batch * p.out_h * p.out_w * p.out_c;
  if (is_cascaded(&p)) martlet_case_go_round(context, &run, p.in_h, (size_t)p.in_w * p.in_c);
  return martlet_case_equal(context, &run);
}

static martlet_depthwise_params random_depthwise(martlet_random *random, int32_t index) {
  martlet_depthwise_params p = {.batch = martlet_random_in(random, 1, 2)};
  p.multiplier = MARTLET_RANDOM_OF(random, 1, 1, 1, 2, 3, 4);
  p.in_c = martlet_random_in(random, 1, index % 3 == 0 ? 150 : 24);
  p.kernel_h = MARTLET_RANDOM_OF(random, 3, 3, 3, 5, martlet_random_in(random, 1, 9));
  p.kernel_w = MARTLET_RANDOM_OF(random, 3, 3, 3, 5, martlet_random_in(random, 1, 9));
  p.stride_h = MARTLET_RANDOM_OF(random, 1, 1, 2, 2, 3);
  p.stride_w = MARTLET_RANDOM_OF(random, 1, 1, 2, 2, 3);
  p.dilation_h = MARTLET_RANDOM_OF(random, 1, 1, 1, 1, 2);
  p.dilation_w = MARTLET_RANDOM_OF(random, 1, 1, 1, 1, 2);
  p.pad_top = martlet_random_in(random, 0, 2);
  p.pad_left = martlet_random_in(random, 0, 2);
  p.in_h = martlet_random_in(random, 1, 14);
  p.in_w = martlet_random_in(random, 1, 30);
  p.out_h = martlet_random_in(random, 1, 14);
  p.out_w = martlet_random_in(random, 1, 24);
  p.input_zero_point = martlet_random_in(random, -128, 127);
  p.weight_zero_point = MARTLET_RANDOM_OF(random, 0, 0, -128, 127, martlet_random_in(random, -128, 127));
  random_output(random, &p.output_zero_point, &p.clamp_min, &p.clamp_max);
  return p;
}

static bool depthwise_case(martlet_case_context *context, int32_t index) {
  martlet_depthwise_params p = random_depthwise(&context->random, index);
  martlet_case_run run = {context->reference->depthwise, context->variant->depthwise,
                          martlet_case_bound(context, MARTLET_OPCODE_DEPTHWISE, &p),
                          martlet_depthwise_workload(&p).units, martlet_depthwise_workload(&p).scratch_bytes};
  run.input[0] = martlet_case_bytes(context, (size_t)p.batch * p.in_h * p.in_w * p.in_c);
  const size_t bytes = martlet_depthwise_weights_bytes(&p);
  const int32_t panels = (p.in_c * p.multiplier + 15) / 16;
  const bool left = martlet_random_in(&context->random, 0, 5) == 0;
  uint8_t *weights = (uint8_t *)martlet_case_bytes(context, bytes);
  for (int32_t i = 0; i < panels; i++)
    fill_channels(context, (martlet_channels *)(weights + bytes / (size_t)panels * (size_t)i), false, left);
  run.weights = weights;
  run.output_bytes = (size_t)p.batch * p.out_h * p.out_w * p.in_c * p.multiplier;
  if (p.batch == 1) martlet_case_go_round(context, &run, p.in_h, (size_t)p.in_w * p.in_c);
  return martlet_case_equal(context, &run);
}

const martlet_case_group martlet_convolution_cases[] = {
    {"conv2d", 250, conv2d_case},
    {"depthwise", 250, depthwise_case},
    {NULL, 0, NULL},
};

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
      // Nor are the shifts checked: those beyond -31...30 count as these.
      if (martlet_random_in(random, 0, 63) == 0)
        channels->shift[i] = MARTLET_RANDOM_OF(random, INT32_MIN, INT32_MIN + 1, -32, 31, INT32_MAX);
    }
  }
}

static void random_output(martlet_random *random, int32_t *zero_point, int32_t *clamp_min, int32_t *clamp_max) {
  *zero_point = MARTLET_RANDOM_OF(random, -128, 127, 0, martlet_random_in(random, -128, 127));
  // A fused ReLU clamps at the zero point: kernels may then round negative values as they like.
  *clamp_min = MARTLET_RANDOM_OF(random, -128, *zero_point, martlet_random_in(random, -128, 127));
  *clamp_max = MARTLET_RANDOM_OF(random, 127, martlet_random_in(random, *clamp_min, 127));
}

/// Depth of -128 throughout, more than sums in 16 bits hold.
static bool is_deepest(int32_t index) { return index % 16 == 5; }

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
  // Deep ones too, of few pixels, as at the end of networks: kernels may read them where they are.
  if (pointwise && index % 4 == 0) {
    p.in_c = MARTLET_RANDOM_OF(random, 128, 132, 192, 260, 4 * martlet_random_in(random, 28, 70)) * p.groups;
    p.in_h = martlet_random_in(random, 1, 3);
    p.in_w = martlet_random_in(random, 1, 12);
  }
  p.out_h = pointwise ? p.in_h : martlet_random_in(random, 1, 12);
  p.out_w = pointwise ? p.in_w : martlet_random_in(random, 1, 20);
  p.input_zero_point = martlet_random_in(random, -128, 127);
  p.weight_zero_point = MARTLET_RANDOM_OF(random, 0, 0, -128, 127, martlet_random_in(random, -128, 127));
  random_output(random, &p.output_zero_point, &p.clamp_min, &p.clamp_max);
  p.double_rescale = martlet_random_in(random, 0, 5) == 0;
  if (is_deepest(index)) {
    p.groups = p.kernel_h = p.kernel_w = p.stride_h = p.stride_w = p.dilation_h = p.dilation_w = 1;
    p.input_step_h = p.input_step_w = p.in_h = p.out_h = 1;
    p.pad_top = p.pad_left = 0;
    p.in_c = 2076;
    p.in_w = p.out_w = martlet_random_in(random, 1, 6);
    p.weight_zero_point = MARTLET_RANDOM_OF(random, -128, 127, 5);
  }
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

static bool conv2d_equal(martlet_case_context *context, const martlet_conv2d_params *p, const int8_t *input,
                         const uint8_t *weights) {
  const martlet_workload workload = martlet_conv2d_workload(p);
  martlet_case_run run = {context->reference->conv2d, context->variant->conv2d,
                          martlet_case_bound(context, MARTLET_OPCODE_CONV2D, p), workload.units,
                          workload.scratch_bytes};
  run.input[0] = input;
  run.weights = weights;
  run.output_bytes = (size_t)p->batch * p->out_h * p->out_w * p->out_c;
  if (is_cascaded(p)) martlet_case_go_round(context, &run, p->in_h, (size_t)p->in_w * p->in_c);
  return martlet_case_equal(context, &run);
}

static bool conv2d_case(martlet_case_context *context, int32_t index) {
  const martlet_conv2d_params p = random_conv2d(&context->random, index);
  const size_t bytes = (size_t)p.batch * p.in_h * p.in_w * p.in_c;
  int8_t *input = martlet_case_bytes(context, bytes);
  if (is_deepest(index)) memset(input, -128, bytes);
  return conv2d_equal(context, &p, input, random_conv2d_weights(context, &p));
}

/// What SIMD variants branch on: every depth and number of channels up to 40 with every number of pixels up to 13, in
/// one row or three; panels too large for scratch; a pair of products that leaves 16 bits; shifts of all kinds, and
/// results that only the last or the first of a layer's limits tells apart.
static bool conv2d_edge_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const bool rows = index % 5 == 4, large = index % 40 == 39;
  const int32_t depth = large ? martlet_random_in(random, 1270, 1400) : 1 + index % 40, pixels = 1 + index % 13;
  martlet_conv2d_params p = {.batch = 1, .groups = 1, .in_h = rows ? 3 : 1, .in_w = pixels, .in_c = depth};
  p.kernel_h = p.kernel_w = rows && !large ? 3 : 1;
  p.pad_top = p.pad_left = p.kernel_h / 2;
  p.out_h = p.in_h;
  p.out_w = p.in_w;
  p.out_c = 1 + index * 7 % 40;
  p.stride_h = p.stride_w = p.dilation_h = p.dilation_w = p.input_step_h = p.input_step_w = 1;
  p.input_zero_point = -128;
  p.weight_zero_point = MARTLET_RANDOM_OF(random, 0, 0, 0, 5);
  p.output_zero_point = MARTLET_RANDOM_OF(random, -128, -128, 0, 127);
  p.clamp_min = MARTLET_RANDOM_OF(random, -128, -128, -128, -127);
  p.clamp_max = MARTLET_RANDOM_OF(random, 127, 127, 127, 126);
  uint8_t *weights = random_conv2d_weights(context, &p);
  const int32_t panels = (p.out_c + 15) / 16;
  const size_t panel_bytes = martlet_conv2d_weights_bytes(&p) / (size_t)panels;
  int8_t *input = martlet_case_bytes(context, (size_t)p.in_h * p.in_w * p.in_c);
  const int32_t segment = p.kernel_w * p.in_c, quads = (segment + 3) / 4;
  const bool far = index % 2 == 0;
  if (far) memset(input, -128, (size_t)p.in_h * p.in_w * p.in_c);
  const int32_t shifts = martlet_random_in(random, 0, 3);
  for (int32_t i = 0; i < panels; i++) {
    martlet_channels *channels = (martlet_channels *)(weights + (size_t)i * panel_bytes);
    int8_t *w = (int8_t *)(channels + 1);
    const size_t bytes = panel_bytes - sizeof *channels;
    // Of all weights at most two are -128, the same channel's in neighbouring quads.
    for (size_t k = 0; far && k < bytes; k++) w[k] = (int8_t)(w[k] == -128 ? -127 : w[k]);
    if (far && segment > 4 && martlet_random_in(random, 0, 3) > 0) {
      const int32_t k = martlet_random_in(random, 0, segment - 5), lane = martlet_random_in(random, 0, 15);
      int8_t *at = w + ((size_t)martlet_random_in(random, 0, p.kernel_h - 1) * quads + k / 4) * 64 + lane * 4 + k % 4;
      at[0] = at[64] = -128;
    }
    for (int32_t lane = 0; lane < 16; lane++) {
      const bool beyond = i * 16 + lane >= p.out_c;
      // Results from far below to far above, and around the zero point.
      channels->bias[lane] = beyond ? 0 : MARTLET_RANDOM_OF(random, -1073741952, 1073741824, -3, 0, 2, 70000, -70000);
      channels->multiplier[lane] = beyond ? 0 : martlet_case_multiplier(context);
      channels->shift[lane] = beyond        ? 0
                              : shifts == 0 ? martlet_random_in(random, -31, -1)
                              : shifts == 1 ? martlet_random_in(random, -8, -1)
                              : shifts == 2 ? martlet_random_in(random, -2, 0)
                                            : martlet_random_in(random, -2, 2);
    }
  }
  return conv2d_equal(context, &p, input, weights);
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

/// What networks have, and its neighborhood: square strides, windows that slide, narrow pictures, ends of channels.
static martlet_depthwise_params usual_depthwise(martlet_random *random, int32_t index) {
  static const int32_t kernels[][2] = {{3, 3}, {3, 3}, {3, 3}, {5, 5}, {5, 5}, {3, 1}, {1, 5}, {7, 7}};
  const int32_t *kernel = kernels[index % 8], stride = MARTLET_RANDOM_OF(random, 1, 1, 1, 2, 2, 3);
  martlet_depthwise_params p = {.batch = 1, .multiplier = 1, .dilation_h = 1, .dilation_w = 1};
  p.in_c = MARTLET_RANDOM_OF(random, martlet_random_in(random, 1, 70), 8, 16, 32, 48, 60, 64, 72, 128);
  p.kernel_h = kernel[0];
  p.kernel_w = kernel[1];
  p.stride_h = p.stride_w = stride;
  p.pad_top = martlet_random_in(random, 0, p.kernel_h - 1);
  p.pad_left = martlet_random_in(random, 0, p.kernel_w - 1);
  p.in_w = index / 8 % 12 == 0 ? martlet_random_in(random, 60, 150) : 1 + index / 8 % 12;
  p.in_h = martlet_random_in(random, 1, 11);
  // As many as the padding on either side allows, or fewer.
  p.out_h = martlet_random_in(random, 1, (p.in_h + p.pad_top + stride - 1) / stride);
  p.out_w = (p.in_w + p.pad_left + stride - 1) / stride - martlet_random_in(random, 0, 1);
  if (p.out_w < 1) p.out_w = 1;
  p.input_zero_point = MARTLET_RANDOM_OF(random, -128, -128, 127, 0, martlet_random_in(random, -128, 127));
  p.weight_zero_point = MARTLET_RANDOM_OF(random, 0, 0, 0, 1, -1, -128, 127, martlet_random_in(random, -20, 20));
  p.output_zero_point = p.clamp_min = MARTLET_RANDOM_OF(random, -128, -128, -128, -3, 12);
  p.clamp_max = 127;
  if (martlet_random_in(random, 0, 2) == 0) random_output(random, &p.output_zero_point, &p.clamp_min, &p.clamp_max);
  return p;
}

/// Sums and weights at the ends of what 16 bits, and what unsigned bytes, hold.
static void usual_weights(martlet_random *random, const martlet_depthwise_params *p, martlet_channels *channels) {
  enum { ENDS, LEAST, ONE_LEAST, AS_FILLED, BARE, SMALL, KINDS };
  const int32_t kind = martlet_random_in(random, 0, KINDS - 1), shift = martlet_random_in(random, -10, -6);
  int8_t *w = (int8_t *)(channels + 1);
  for (int32_t i = 0; i < p->kernel_h * p->kernel_w * 16; i++) {
    int32_t value = kind == SMALL ? martlet_random_in(random, -3, 3) : martlet_random_in(random, -127, 127);
    if (kind == ENDS) value = value < 0 ? -127 : 127;
    if (kind == LEAST || (kind == ONE_LEAST && value == -127)) value = -128;
    // Most are within the range once the zero point is gone; bare ones are one beyond where it is 1 or -1.
    const int32_t shifted = value + p->weight_zero_point;
    w[i] = (int8_t)(kind == BARE || shifted < -128 || shifted > 127 ? value : shifted);
  }
  for (int lane = 0; lane < 16; lane++) {
    // Shifts to the left, and yet no large results.
    if (kind == SMALL) channels->bias[lane] = channels->bias[lane] % 1000;
    else if (kind != AS_FILLED && channels->shift[lane] > -6) channels->shift[lane] = shift;
  }
}

static bool depthwise_case(martlet_case_context *context, int32_t index) {
  const bool usual = index >= 250;
  martlet_depthwise_params p = usual ? usual_depthwise(&context->random, index - 250)
                                     : random_depthwise(&context->random, index);
  martlet_case_run run = {context->reference->depthwise, context->variant->depthwise,
                          martlet_case_bound(context, MARTLET_OPCODE_DEPTHWISE, &p),
                          martlet_depthwise_workload(&p).units, martlet_depthwise_workload(&p).scratch_bytes};
  const size_t input_bytes = (size_t)p.batch * p.in_h * p.in_w * p.in_c;
  int8_t *input = martlet_case_bytes(context, input_bytes);
  run.input[0] = input;
  const size_t bytes = martlet_depthwise_weights_bytes(&p);
  const int32_t panels = (p.in_c * p.multiplier + 15) / 16;
  const bool left = martlet_random_in(&context->random, 0, 5) == 0;
  uint8_t *weights = (uint8_t *)martlet_case_bytes(context, bytes);
  for (int32_t i = 0; i < panels; i++) {
    martlet_channels *channels = (martlet_channels *)(weights + bytes / (size_t)panels * (size_t)i);
    fill_channels(context, channels, false, left);
    if (usual) usual_weights(&context->random, &p, channels);
  }
  if (usual && index % 3 == 0) memset(input, -128, input_bytes);
  run.weights = weights;
  run.output_bytes = (size_t)p.batch * p.out_h * p.out_w * p.in_c * p.multiplier;
  if (p.batch == 1) martlet_case_go_round(context, &run, p.in_h, (size_t)p.in_w * p.in_c);
  return martlet_case_equal(context, &run);
}

const martlet_case_group martlet_convolution_cases[] = {
    {"conv2d", 300, conv2d_case},
    {"conv2d edges", 520, conv2d_edge_case},
    {"depthwise", 826, depthwise_case},
    {NULL, 0, NULL},
};

#include "internal.h"

// SplitMix64.
uint64_t operator_bits(dice *d) {
  uint64_t z = d->state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

int64_t operator_in(dice *d, int64_t low, int64_t high) {
  return low + (int64_t)(operator_bits(d) % ((uint64_t)(high - low) + 1));
}

int32_t operator_size(dice *d, int64_t limit) {
  if (limit <= 1) return 1;
  if (one_in(d, 24)) return (int32_t)(one_in(d, 2) ? limit : 1);
  int32_t bits = 64 - __builtin_clzll((uint64_t)limit);
  int64_t top = (int64_t)1 << operator_in(d, 0, bits - 1);
  int64_t size = operator_in(d, top, 2 * top - 1);
  return (int32_t)(size < limit ? size : limit);
}

/// Sizes whose product is at most `limit`, in a random order of preference.
static void sizes(dice *d, int32_t *const out[], int32_t count, int64_t limit) {
  int32_t start = (int32_t)operator_in(d, 0, count - 1);
  for (int32_t i = 0; i < count; i++) {
    int32_t *size = out[(start + i) % count];
    *size = operator_size(d, limit);
    limit /= *size;
  }
}

static int32_t zero_point(dice *d) { return one_in(d, 3) ? 0 : (int32_t)operator_in(d, -128, 127); }

static void clamps(dice *d, int32_t *low, int32_t *high) {
  *low = one_in(d, 2) ? -128 : (int32_t)operator_in(d, -128, 127);
  *high = one_in(d, 2) ? 127 : (int32_t)operator_in(d, *low, 127);
}

static void rescale(dice *d, int32_t *multiplier, int32_t *shift) {
  *multiplier = one_in(d, 8) ? (int32_t)operator_in(d, 0, INT32_MAX) : (int32_t)operator_in(d, 1 << 30, INT32_MAX);
  *shift = one_in(d, 4) ? (int32_t)operator_in(d, -31, 31) : (int32_t)operator_in(d, -12, 0);
}

/// Kernels, strides and dilations: mostly those of networks, now and then anything.
static int32_t window(dice *d) {
  return one_in(d, 4) ? operator_size(d, 4096) : one_in(d, 3) ? operator_size(d, 64) : operator_size(d, 4);
}

static void axis(dice *d, int32_t out, int32_t *kernel, int32_t *stride, int32_t *dilation, int32_t *pad) {
  *kernel = window(d);
  *stride = window(d);
  *dilation = one_in(d, 2) ? 1 : window(d);
  *pad = one_in(d, 2) ? 0 : one_in(d, 8) ? operator_size(d, 1 << 14) : (int32_t)operator_in(d, 0, *kernel);
  while ((int64_t)out * *stride + (int64_t)*kernel * *dilation > LIMIT_ELEMENTS && *stride > 1) *stride /= 2;
  while ((int64_t)out * *stride + (int64_t)*kernel * *dilation > LIMIT_ELEMENTS && *kernel > 1) *kernel /= 2;
}

/// Drawn anew, but for a few, where they would be refused for what they ask for.
static bool is_modest(dice *d, martlet_workload w, size_t weights) {
  if (weights > (size_t)LIMIT_TENSOR) return false;
  return one_in(d, 24) || (w.scratch_bytes <= LIMIT_SCRATCH && (double)w.units * (double)w.unit_work <= LIMIT_WORK);
}

static void conv2d(dice *d, martlet_conv2d_params *p) {
  for (int32_t tries = 0; tries < 16; tries++) {
    *p = (martlet_conv2d_params){.groups = 1, .input_step_h = 1, .input_step_w = 1};
    int32_t *in[] = {&p->in_h, &p->batch, &p->in_w, &p->in_c}, *out[] = {&p->out_h, &p->out_w, &p->out_c};
    sizes(d, in, 4, LIMIT_TENSOR);
    sizes(d, out, 3, LIMIT_TENSOR / p->batch);
    if (one_in(d, 3)) {
      // Both numbers of channels are multiples of the groups.
      p->groups = operator_size(d, p->in_c < p->out_c ? p->in_c : p->out_c);
      p->in_c -= p->in_c % p->groups;
      p->out_c -= p->out_c % p->groups;
    }
    axis(d, p->out_h, &p->kernel_h, &p->stride_h, &p->dilation_h, &p->pad_top);
    axis(d, p->out_w, &p->kernel_w, &p->stride_w, &p->dilation_w, &p->pad_left);
    if (one_in(d, 5) && p->in_h < 1 << 24) p->input_step_h = operator_size(d, 64);
    if (one_in(d, 5) && (int64_t)p->in_w * p->in_c < 1 << 24) p->input_step_w = operator_size(d, 64);
    // A picture that some windows lie in whole.
    if (one_in(d, 3) && p->out_h <= p->in_h && p->out_w <= p->in_w) p->pad_top = p->pad_left = 0;
    p->input_zero_point = zero_point(d);
    p->weight_zero_point = zero_point(d);
    p->output_zero_point = zero_point(d);
    clamps(d, &p->clamp_min, &p->clamp_max);
    p->double_rescale = one_in(d, 4);
    int64_t group = p->in_c / p->groups;
    while ((int64_t)p->kernel_h * p->kernel_w * group > 1 << 24) {
      if (p->kernel_h > 1) p->kernel_h /= 2;
      else if (p->kernel_w > 1) p->kernel_w /= 2;
      else p->in_c = p->out_c = p->groups = 1, group = 1;
    }
    // Padding is the zero point, and large weights are zero but for their ends.
    if (martlet_conv2d_weights_bytes(p) > 1 << 20) p->weight_zero_point = 0;
    if (is_modest(d, martlet_conv2d_workload(p), martlet_conv2d_weights_bytes(p))) return;
  }
}

static void depthwise(dice *d, martlet_depthwise_params *p) {
  for (int32_t tries = 0; tries < 16; tries++) {
    *p = (martlet_depthwise_params){.multiplier = 1};
    int32_t *in[] = {&p->in_c, &p->in_h, &p->batch, &p->in_w}, *out[] = {&p->out_h, &p->out_w, &p->multiplier};
    sizes(d, in, 4, LIMIT_TENSOR);
    sizes(d, out, one_in(d, 3) ? 3 : 2, LIMIT_TENSOR / p->batch / p->in_c);
    while ((int64_t)p->in_w * p->in_c * p->multiplier > LIMIT_ELEMENTS) p->multiplier /= 2;
    if (p->multiplier < 1) p->multiplier = 1;
    axis(d, p->out_h, &p->kernel_h, &p->stride_h, &p->dilation_h, &p->pad_top);
    axis(d, p->out_w, &p->kernel_w, &p->stride_w, &p->dilation_w, &p->pad_left);
    if (one_in(d, 2)) p->kernel_h = p->kernel_w = one_in(d, 2) ? 3 : 5, p->dilation_h = p->dilation_w = 1;
    while ((int64_t)p->kernel_h * p->kernel_w > 1 << 16) {
      if (p->kernel_h > p->kernel_w) p->kernel_h /= 2;
      else p->kernel_w /= 2;
    }
    p->input_zero_point = zero_point(d);
    p->weight_zero_point = zero_point(d);
    p->output_zero_point = zero_point(d);
    clamps(d, &p->clamp_min, &p->clamp_max);
    if (is_modest(d, martlet_depthwise_workload(p), martlet_depthwise_weights_bytes(p))) return;
  }
}

/// Kernel, stride, pad and outputs such that every window has a pixel inside.
static void pool_axis(dice *d, int32_t in, int64_t limit, int32_t *out, int32_t *kernel, int32_t *stride,
                      int32_t *pad) {
  *kernel = window(d);
  *stride = window(d);
  *pad = one_in(d, 2) ? 0 : (int32_t)operator_in(d, 0, *kernel - 1);
  int64_t most = ((int64_t)in - 1 + *pad) / *stride + 1;
  if (most * *stride + *kernel > LIMIT_ELEMENTS) most = (LIMIT_ELEMENTS - *kernel) / *stride;
  *out = operator_size(d, most < limit ? most : limit);
}

static void pool(dice *d, martlet_pool_params *p) {
  for (int32_t tries = 0; tries < 16; tries++) {
    *p = (martlet_pool_params){.unsigned_rounding = one_in(d, 2)};
    int32_t *in[] = {&p->channels, &p->in_h, &p->batch, &p->in_w};
    sizes(d, in, 4, LIMIT_TENSOR);
    int64_t left = LIMIT_TENSOR / p->batch / p->channels;
    pool_axis(d, p->in_h, left, &p->out_h, &p->kernel_h, &p->stride_h, &p->pad_top);
    pool_axis(d, p->in_w, left / p->out_h, &p->out_w, &p->kernel_w, &p->stride_w, &p->pad_left);
    clamps(d, &p->clamp_min, &p->clamp_max);
    if (is_modest(d, martlet_average_pool_workload(p), 0)) return;
  }
}

/// Row-major strides, in places 0 where a row, a column or all is repeated.
static void broadcast(dice *d, const int32_t shape[6], int32_t stride[6], bool dense) {
  int64_t next = 1;
  for (int32_t i = 5; i >= 0; i--) {
    bool repeats = !dense && one_in(d, 4);
    stride[i] = repeats ? 0 : (int32_t)next;
    if (!repeats) next *= shape[i];
  }
}

static void box(dice *d, int32_t shape[6], int64_t limit) {
  int32_t *all[] = {shape + 5, shape + 4, shape + 3, shape + 2, shape + 1, shape};
  int32_t rank = (int32_t)operator_in(d, 1, 6);
  for (int32_t i = 0; i < 6; i++) shape[i] = 1;
  sizes(d, all, rank, limit);
}

static void binary(dice *d, int32_t shape[6], int32_t stride0[6], int32_t stride1[6]) {
  box(d, shape, LIMIT_TENSOR / 2);
  bool dense = one_in(d, 2);
  broadcast(d, shape, stride0, dense);
  broadcast(d, shape, stride1, dense);
}

static void add(dice *d, martlet_add_params *p) {
  binary(d, p->shape, p->stride0, p->stride1);
  p->zero_point0 = zero_point(d);
  p->zero_point1 = zero_point(d);
  p->output_zero_point = zero_point(d);
  rescale(d, &p->multiplier0, &p->shift0);
  rescale(d, &p->multiplier1, &p->shift1);
  rescale(d, &p->output_multiplier, &p->output_shift);
  p->left_shift = one_in(d, 3) ? (int32_t)operator_in(d, 0, 22) : 20;
  clamps(d, &p->clamp_min, &p->clamp_max);
  p->subtract = one_in(d, 3);
}

static void mul(dice *d, martlet_mul_params *p) {
  binary(d, p->shape, p->stride0, p->stride1);
  p->zero_point0 = zero_point(d);
  p->zero_point1 = zero_point(d);
  p->output_zero_point = zero_point(d);
  rescale(d, &p->multiplier, &p->shift);
  clamps(d, &p->clamp_min, &p->clamp_max);
}

static void prelu(dice *d, martlet_prelu_params *p) {
  binary(d, p->shape, p->stride0, p->stride1);
  p->input_zero_point = zero_point(d);
  p->alpha_zero_point = zero_point(d);
  p->output_zero_point = zero_point(d);
  rescale(d, &p->positive_multiplier, &p->positive_shift);
  rescale(d, &p->negative_multiplier, &p->negative_shift);
}

/// A dense input, its axes in any order, some backwards, into a dense output with a gap around.
static void copy(dice *d, martlet_copy_params *p) {
  p->element_size = (int32_t[]){1, 1, 4, 8}[operator_in(d, 0, 3)];
  box(d, p->shape, LIMIT_TENSOR / p->element_size);
  int32_t order[6] = {0, 1, 2, 3, 4, 5};
  if (one_in(d, 2))
    for (int32_t i = 5; i > 0; i--) {
      int32_t j = (int32_t)operator_in(d, 0, i), swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
  int64_t in = 1, out = 1;
  p->out_offset = one_in(d, 3) ? operator_size(d, 100) : 0;
  for (int32_t i = 5; i >= 0; i--) {
    int32_t axis = order[i];
    bool backwards = one_in(d, 5);
    p->in_stride[axis] = (int32_t)(backwards ? -in : in);
    if (backwards) p->in_offset += (int32_t)(in * (p->shape[axis] - 1));
    in *= p->shape[axis];
    p->out_stride[i] = (int32_t)out;
    out *= p->shape[i];
  }
}

static void resize(dice *d, martlet_resize_params *p) {
  for (int32_t tries = 0; tries < 16; tries++) {
    *p = (martlet_resize_params){.align_corners = one_in(d, 2), .half_pixel_centers = one_in(d, 2)};
    p->unsigned_float = one_in(d, 3);
    int32_t *in[] = {&p->channels, &p->in_h, &p->batch, &p->in_w}, *out[] = {&p->out_h, &p->out_w};
    sizes(d, in, 4, LIMIT_TENSOR);
    sizes(d, out, 2, LIMIT_TENSOR / p->batch / p->channels);
    if (p->in_h <= 1 << 16 && p->in_w <= 1 << 16 && p->out_h <= 1 << 16 && p->out_w <= 1 << 16) return;
  }
}

static void quantize(dice *d, martlet_quantize_params *p) {
  p->count = operator_size(d, LIMIT_TENSOR / 4);
  p->scale = (float)operator_in(d, 1, 1 << 20) / (float)(1 << operator_in(d, 0, 30));
  p->zero_point = zero_point(d);
}

void operator_generate(dice *d, uint16_t opcode, operator_parameters *p) {
  memset(p, 0, sizeof *p);
  switch ((martlet_opcode)opcode) {
    case MARTLET_OPCODE_CONV2D: return conv2d(d, &p->conv2d);
    case MARTLET_OPCODE_DEPTHWISE: return depthwise(d, &p->depthwise);
    case MARTLET_OPCODE_AVERAGE_POOL:
    case MARTLET_OPCODE_MAX_POOL: return pool(d, &p->average_pool);
    case MARTLET_OPCODE_MEAN: {
      int32_t *all[] = {&p->mean.outer, &p->mean.reduce, &p->mean.inner};
      sizes(d, all, 3, LIMIT_ELEMENTS);
      p->mean.input_zero_point = zero_point(d);
      p->mean.output_zero_point = zero_point(d);
      rescale(d, &p->mean.multiplier, &p->mean.shift);
      return clamps(d, &p->mean.clamp_min, &p->mean.clamp_max);
    }
    case MARTLET_OPCODE_TABLE: p->table.count = operator_size(d, LIMIT_TENSOR); return;
    case MARTLET_OPCODE_ADD: return add(d, &p->add);
    case MARTLET_OPCODE_MUL: return mul(d, &p->mul);
    case MARTLET_OPCODE_PRELU: return prelu(d, &p->prelu);
    case MARTLET_OPCODE_MAXIMUM:
    case MARTLET_OPCODE_MINIMUM: return binary(d, p->maximum.shape, p->maximum.stride0, p->maximum.stride1);
    case MARTLET_OPCODE_SOFTMAX: {
      int32_t *all[] = {&p->softmax.depth, &p->softmax.rows};
      sizes(d, all, 2, LIMIT_TENSOR);
      p->softmax.beta_multiplier = (int32_t)operator_in(d, 0, INT32_MAX);
      p->softmax.beta_left_shift = (int32_t)operator_in(d, 0, one_in(d, 4) ? 31 : 26);
      p->softmax.diff_min = one_in(d, 8) ? INT32_MIN : (int32_t)operator_in(d, -300, 0);
      return;
    }
    case MARTLET_OPCODE_COPY: return copy(d, &p->copy);
    case MARTLET_OPCODE_FILL:
      p->fill.count = operator_size(d, LIMIT_ELEMENTS);
      p->fill.value = zero_point(d);
      return;
    case MARTLET_OPCODE_RESIZE_NEAREST:
    case MARTLET_OPCODE_RESIZE_BILINEAR: return resize(d, &p->resize_nearest);
    case MARTLET_OPCODE_ARGMAX: {
      int32_t *all[] = {&p->argmax.axis, &p->argmax.outer, &p->argmax.inner};
      sizes(d, all, 3, LIMIT_TENSOR / 8);
      p->argmax.index_size = one_in(d, 2) ? 4 : 8;
      p->argmax.minimum = one_in(d, 2);
      return;
    }
    case MARTLET_OPCODE_QUANTIZE:
    case MARTLET_OPCODE_DEQUANTIZE: return quantize(d, &p->quantize);
  }
}

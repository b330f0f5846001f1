#include "internal.h"

#include <stddef.h>

/// A field whose range does not depend on others, as the record's description gives it.
typedef struct field_range {
  uint16_t opcode;
  const char *name;
  size_t offset;
  int64_t low, high;
} field_range;

// clang-format off: a table.
#define FIELD(CASE, NAME, FIELD_NAME, LOW, HIGH) \
  {MARTLET_OPCODE_##CASE, #FIELD_NAME, offsetof(operator_parameters, NAME.FIELD_NAME), LOW, HIGH},
#define ZERO_POINT(CASE, NAME, FIELD_NAME) FIELD(CASE, NAME, FIELD_NAME, -128, 127)
#define RESCALE(CASE, NAME, MULTIPLIER, SHIFT) \
  FIELD(CASE, NAME, MULTIPLIER, 0, INT32_MAX) FIELD(CASE, NAME, SHIFT, -31, 31)
#define CLAMPS(CASE, NAME) ZERO_POINT(CASE, NAME, clamp_min) ZERO_POINT(CASE, NAME, clamp_max)
#define WINDOWS(CASE, NAME)                                                           \
  FIELD(CASE, NAME, kernel_h, 1, 4096) FIELD(CASE, NAME, kernel_w, 1, 4096)         \
  FIELD(CASE, NAME, stride_h, 1, 4096) FIELD(CASE, NAME, stride_w, 1, 4096)         \
  FIELD(CASE, NAME, pad_top, 0, 1 << 14) FIELD(CASE, NAME, pad_left, 0, 1 << 14)
#define DILATIONS(CASE, NAME) FIELD(CASE, NAME, dilation_h, 1, 4096) FIELD(CASE, NAME, dilation_w, 1, 4096)
#define RESIZE(CASE, NAME)                                                                              \
  FIELD(CASE, NAME, in_h, 1, 1 << 16) FIELD(CASE, NAME, in_w, 1, 1 << 16)                             \
  FIELD(CASE, NAME, out_h, 1, 1 << 16) FIELD(CASE, NAME, out_w, 1, 1 << 16)                           \
  FIELD(CASE, NAME, align_corners, 0, 1) FIELD(CASE, NAME, half_pixel_centers, 0, 1)                  \
  FIELD(CASE, NAME, unsigned_float, 0, 1)

static const field_range ranges[] = {
  WINDOWS(CONV2D, conv2d) DILATIONS(CONV2D, conv2d) CLAMPS(CONV2D, conv2d)
  FIELD(CONV2D, conv2d, input_step_h, 1, 64) FIELD(CONV2D, conv2d, input_step_w, 1, 64)
  ZERO_POINT(CONV2D, conv2d, input_zero_point) ZERO_POINT(CONV2D, conv2d, weight_zero_point)
  ZERO_POINT(CONV2D, conv2d, output_zero_point) FIELD(CONV2D, conv2d, double_rescale, 0, 1)
  WINDOWS(DEPTHWISE, depthwise) DILATIONS(DEPTHWISE, depthwise) CLAMPS(DEPTHWISE, depthwise)
  ZERO_POINT(DEPTHWISE, depthwise, input_zero_point) ZERO_POINT(DEPTHWISE, depthwise, weight_zero_point)
  ZERO_POINT(DEPTHWISE, depthwise, output_zero_point)
  WINDOWS(AVERAGE_POOL, average_pool) CLAMPS(AVERAGE_POOL, average_pool)
  FIELD(AVERAGE_POOL, average_pool, unsigned_rounding, 0, 1)
  WINDOWS(MAX_POOL, max_pool) CLAMPS(MAX_POOL, max_pool) FIELD(MAX_POOL, max_pool, unsigned_rounding, 0, 1)
  ZERO_POINT(MEAN, mean, input_zero_point) ZERO_POINT(MEAN, mean, output_zero_point)
  RESCALE(MEAN, mean, multiplier, shift) CLAMPS(MEAN, mean)
  ZERO_POINT(ADD, add, zero_point0) ZERO_POINT(ADD, add, zero_point1) ZERO_POINT(ADD, add, output_zero_point)
  RESCALE(ADD, add, multiplier0, shift0) RESCALE(ADD, add, multiplier1, shift1)
  RESCALE(ADD, add, output_multiplier, output_shift) FIELD(ADD, add, left_shift, 0, 22) CLAMPS(ADD, add)
  FIELD(ADD, add, subtract, 0, 1)
  ZERO_POINT(MUL, mul, zero_point0) ZERO_POINT(MUL, mul, zero_point1) ZERO_POINT(MUL, mul, output_zero_point)
  RESCALE(MUL, mul, multiplier, shift) CLAMPS(MUL, mul)
  ZERO_POINT(PRELU, prelu, input_zero_point) ZERO_POINT(PRELU, prelu, alpha_zero_point)
  ZERO_POINT(PRELU, prelu, output_zero_point)
  RESCALE(PRELU, prelu, positive_multiplier, positive_shift) RESCALE(PRELU, prelu, negative_multiplier, negative_shift)
  FIELD(SOFTMAX, softmax, beta_multiplier, 0, INT32_MAX) FIELD(SOFTMAX, softmax, beta_left_shift, 0, 31)
  FIELD(SOFTMAX, softmax, diff_min, INT32_MIN, 0)
  ZERO_POINT(FILL, fill, value)
  RESIZE(RESIZE_NEAREST, resize_nearest) RESIZE(RESIZE_BILINEAR, resize_bilinear)
  FIELD(ARGMAX, argmax, minimum, 0, 1)
  ZERO_POINT(QUANTIZE, quantize, zero_point) ZERO_POINT(DEQUANTIZE, dequantize, zero_point)
};
// clang-format on

/// Just outside, far outside.
static bool beyond_range(dice *d, martlet_operator_case *c) {
  int32_t count = (int32_t)(sizeof ranges / sizeof *ranges), start = (int32_t)operator_in(d, 0, count - 1);
  for (int32_t i = 0; i < count; i++) {
    const field_range *f = &ranges[(start + i) % count];
    if (f->opcode != c->opcode) continue;
    bool below = f->high == INT32_MAX || (f->low > INT32_MIN && one_in(d, 2));
    int64_t near = below ? f->low - 1 : f->high + 1, far = below ? INT32_MIN : INT32_MAX;
    int32_t value = (int32_t)(one_in(d, 2) ? near : operator_in(d, below ? far : near, below ? near : far));
    memcpy((char *)c->parameters + f->offset, &value, sizeof value);
    operator_operands(c);
    c->broken = f->name;
    return true;
  }
  return false;
}

/// The first field outside its range, or NULL.
static const char *field_beyond(const martlet_operator_case *c) {
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    int32_t value;
    memcpy(&value, (const char *)c->parameters + ranges[i].offset, sizeof value);
    if (ranges[i].opcode == c->opcode && (value < ranges[i].low || value > ranges[i].high)) return ranges[i].name;
  }
  return NULL;
}

static bool windows_are_empty(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t pad) {
  return pad >= kernel || ((int64_t)out - 1) * stride - pad >= in;
}

/// Whether a small box writes an element twice.
static bool writes_twice(const martlet_copy_params *p) {
  int64_t count = 1;
  uint8_t seen[1 << 16] = {0};
  for (int32_t i = 0; i < 6; i++) {
    if (p->shape[i] < 1 || p->out_stride[i] < 0) return false;
    count *= p->shape[i];
    if (count > 4096) return false;
  }
  for (int64_t flat = 0; flat < count; flat++) {
    int64_t left = flat, at = 0;
    for (int32_t i = 5; i >= 0; i--) {
      at += left % p->shape[i] * p->out_stride[i];
      left /= p->shape[i];
    }
    if (at >= (int64_t)sizeof seen) return false;
    if (seen[at]++) return true;
  }
  return false;
}

/// What is forbidden about several fields together, or NULL.
static const char *fields_at_odds(const martlet_operator_case *c) {
  operator_parameters all;
  memcpy(&all, c->parameters, sizeof all);
  if (c->opcode == MARTLET_OPCODE_CONV2D) {
    const martlet_conv2d_params *p = &all.conv2d;
    if (p->groups > 0 && (double)p->kernel_h * p->kernel_w * (p->in_c / p->groups) > 1 << 24)
      return "too many products";
    if (p->groups > 0 && (p->in_c % p->groups != 0 || p->out_c % p->groups != 0)) return "groups that do not divide";
  }
  if (c->opcode == MARTLET_OPCODE_AVERAGE_POOL || c->opcode == MARTLET_OPCODE_MAX_POOL) {
    const martlet_pool_params *p = &all.average_pool;
    if (windows_are_empty(p->in_h, p->out_h, p->kernel_h, p->stride_h, p->pad_top) ||
        windows_are_empty(p->in_w, p->out_w, p->kernel_w, p->stride_w, p->pad_left))
      return "a window without pixels";
  }
  if (martlet_operator_of(c->opcode)->reads_input_1) {
    // Shape and strides stand first in all that broadcast.
    const martlet_mul_params *p = &all.mul;
    for (int32_t i = 0; i < 6; i++)
      if (p->shape[i] > 1 && (p->stride0[i] < 0 || p->stride1[i] < 0)) return "a stride that leads below the start";
  }
  if (c->opcode == MARTLET_OPCODE_COPY && writes_twice(&all.copy)) return "two indices that write one element";
  return NULL;
}

/// Wrong in one of the ways that take several fields, mostly just too large.
static void wrong_together(dice *d, martlet_operator_case *c) {
  operator_parameters p;
  memcpy(&p, c->parameters, sizeof p);
  // Sizes stand alike in both: batch, in_h, in_w, in_c, out_h, out_w, ...
  bool is_conv = c->opcode == MARTLET_OPCODE_CONV2D, is_depthwise = c->opcode == MARTLET_OPCODE_DEPTHWISE;
  bool is_pool = c->opcode == MARTLET_OPCODE_AVERAGE_POOL || c->opcode == MARTLET_OPCODE_MAX_POOL;
  if (c->opcode == MARTLET_OPCODE_COPY) {
    // Both axes of a small rectangle along one stride.
    p.copy = (martlet_copy_params){.element_size = 1, .shape = {1, 1, 1, 1, 5, 7}, .in_stride = {[4] = 7, [5] = 1}};
    p.copy.out_stride[4] = p.copy.out_stride[5] = (int32_t)operator_in(d, 1, 9);
    memcpy(c->parameters, &p, sizeof p);
    return operator_operands(c);
  }
  if (!is_conv && !is_depthwise && !is_pool) return;
  int32_t *kernel = is_conv ? &p.conv2d.kernel_h : is_depthwise ? &p.depthwise.kernel_h : &p.average_pool.kernel_h;
  int32_t axis = (int32_t)operator_in(d, 0, 1);
  switch (operator_in(d, 0, 2)) {
    case 0:
      // Window.
      kernel[0] = kernel[1] = 4096;
      p.words[3] = operator_size(d, 256);
      p.words[1] = p.words[2] = 8;
      if (is_conv) p.conv2d.groups = 1;
      break;
    case 1:
      // Extent: kernel and stride stand two words apart.
      p.words[0] = p.words[1] = p.words[2] = p.words[3] = p.words[4] = p.words[5] = p.words[6] = 1;
      if (is_conv) p.conv2d.groups = 1;
      p.words[4 + axis] = 1 << 20;
      kernel[2 + axis] = (int32_t)operator_in(d, 1024, 4096);
      break;
    default:
      // Row.
      p.words[0] = p.words[1] = 1;
      p.words[2] = operator_size(d, 1 << 14);
      p.words[3] = (1 << 28) / p.words[2];
      if (is_conv) p.conv2d.groups = 1, p.conv2d.input_step_w = (int32_t)operator_in(d, 1, 64);
      else p.words[4] = p.words[5] = 1, p.words[6] = is_depthwise ? operator_size(d, 8) : p.words[6];
  }
  memcpy(c->parameters, &p, sizeof p);
  operator_operands(c);
}

static void extreme_word(dice *d, martlet_operator_case *c) {
  static const int32_t extremes[] = {0,        -1,    1,       2,       127,           128,           255,
                                     256,      4095,  4096,    4097,    1 << 14,       (1 << 14) + 1, 65535,
                                     65536,    65537, 1 << 24, 1 << 28, (1 << 30) - 1, 1 << 30,       INT32_MAX,
                                     INT32_MIN};
  int32_t *word = &c->parameters[operator_in(d, 0, one_in(d, 2) ? 4 : 25)], old = *word;
  switch (operator_in(d, 0, 4)) {
    case 0: *word = (int32_t)((uint32_t)old + 1); break;
    case 1: *word = (int32_t)((uint32_t)old - 1); break;
    case 2: *word = (int32_t)((uint32_t)old * 2); break;
    case 3: *word = operator_size(d, LIMIT_ELEMENTS); break;
    default: *word = extremes[operator_in(d, 0, sizeof extremes / sizeof *extremes - 1)];
  }
  operator_operands(c);
}

/// Sizes whose product leaves 64 bits.
static void giant(dice *d, martlet_operator_case *c) {
  for (int32_t i = 0; i < 6; i++) c->parameters[i] = (int32_t)operator_in(d, 1 << 29, INT32_MAX);
  operator_operands(c);
}

/// Scales that are no scales.
static void no_scale(dice *d, martlet_operator_case *c) {
  const float odd[] = {0, -1, __builtin_inff(), __builtin_nanf("")};
  memcpy((char *)c->parameters + offsetof(martlet_quantize_params, scale), &odd[operator_in(d, 0, 3)], sizeof *odd);
  c->broken = "scale";
}

static void wrong_operand(dice *d, martlet_operator_case *c) {
  int32_t which = (int32_t)operator_in(d, 0, MARTLET_OPERAND_COUNT - 1);
  martlet_operand *o = &c->operands[which], *out = &c->operands[MARTLET_OUTPUT];
  martlet_operand *in = &c->operands[c->operands[MARTLET_INPUT_1].bytes >= 0 && one_in(d, 2)];
  switch (operator_in(d, 0, 6)) {
    case 0:
      // What is not used is given, what is used is not.
      c->broken = o->bytes < 0 ? "an operand too many" : "an operand too few";
      *o = (martlet_operand){.bytes = o->bytes < 0 ? 64 : -1,
                             .type = INT8,
                             .storage = (uint8_t)(which == MARTLET_CONSTANT)};
      return;
    case 1:
      if (o->bytes < 0) break;
      c->broken = "an operand that does not exist";
      o->bytes = -2;
      return;
    case 2:
      if (o->bytes < 16 || c->opcode == MARTLET_OPCODE_COPY) break;
      c->broken = "an operand of another size";
      o->bytes += one_in(d, 2) ? 8 : -8;
      return;
    case 3:
      if (o->bytes < 0) break;
      c->broken = "an operand of another type";
      o->type = o->type == INT8 ? 2 : o->type == INT32 ? FLOAT32 : INT32;
      if (o->type == INT32 && o->bytes % 4 != 0) o->type = INT8, c->broken = NULL;
      return;
    case 4:
      if (which != MARTLET_OUTPUT && (which != MARTLET_CONSTANT || o->bytes < 0)) break;
      c->broken = "an operand in the other place";
      o->storage = which == MARTLET_OUTPUT ? IN_WEIGHTS : IN_ARENA;
      if (which == MARTLET_OUTPUT) o->offset = 0;
      return;
    default:
      if (in->bytes < 0) break;
      if (!martlet_operator_of(c->opcode)->runs_in_place) {
        c->broken = "an output on its input";
        out->offset = in->offset;
      } else if (in->bytes > 64) {
        c->broken = "an output across its input";
        out->offset = in->offset + 64;
      }
      return;
  }
  extreme_word(d, c);
}

void operator_break(dice *d, martlet_operator_case *c) {
  switch (operator_in(d, 0, 8)) {
    case 0:
    case 1:
    case 2:
      if (!beyond_range(d, c)) extreme_word(d, c);
      break;
    case 3:
    case 4:
    case 7: wrong_operand(d, c); break;
    case 5:
      if (one_in(d, 2)) giant(d, c);
      else wrong_together(d, c);
      break;
    case 6:
      if (c->opcode == MARTLET_OPCODE_QUANTIZE || c->opcode == MARTLET_OPCODE_DEQUANTIZE) no_scale(d, c);
      else extreme_word(d, c);
      break;
    default: extreme_word(d, c);
  }
  if (!c->broken) c->broken = field_beyond(c);
  if (!c->broken) c->broken = fields_at_odds(c);
}

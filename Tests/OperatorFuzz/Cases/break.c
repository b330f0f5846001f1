#include "internal.h"

#include <stddef.h>

/// A field whose range does not depend on others, as the record's description gives it.
typedef struct field_range {
  uint16_t opcode;
  const char *name;
  size_t offset;
  int64_t low, high;
} field_range;

#define FIELD(OPCODE, NAME, FIELD_NAME, LOW, HIGH) \
  {OPCODE, #FIELD_NAME, offsetof(operator_parameters, NAME.FIELD_NAME), LOW, HIGH},
#define ZERO_POINT(OPCODE, NAME, FIELD_NAME) FIELD(OPCODE, NAME, FIELD_NAME, -128, 127)
#define RESCALE(OPCODE, NAME, MULTIPLIER, SHIFT) \
  FIELD(OPCODE, NAME, MULTIPLIER, 0, INT32_MAX) FIELD(OPCODE, NAME, SHIFT, -31, 31)
#define CLAMPS(OPCODE, NAME) ZERO_POINT(OPCODE, NAME, clamp_min) ZERO_POINT(OPCODE, NAME, clamp_max)
#define WINDOWS(OPCODE, NAME)                                                           \
  FIELD(OPCODE, NAME, kernel_h, 1, 4096) FIELD(OPCODE, NAME, kernel_w, 1, 4096)         \
  FIELD(OPCODE, NAME, stride_h, 1, 4096) FIELD(OPCODE, NAME, stride_w, 1, 4096)         \
  FIELD(OPCODE, NAME, pad_top, 0, 1 << 14) FIELD(OPCODE, NAME, pad_left, 0, 1 << 14)
#define DILATIONS(OPCODE, NAME) FIELD(OPCODE, NAME, dilation_h, 1, 4096) FIELD(OPCODE, NAME, dilation_w, 1, 4096)
#define RESIZE(OPCODE, NAME)                                                                              \
  FIELD(OPCODE, NAME, in_h, 1, 1 << 16) FIELD(OPCODE, NAME, in_w, 1, 1 << 16)                             \
  FIELD(OPCODE, NAME, out_h, 1, 1 << 16) FIELD(OPCODE, NAME, out_w, 1, 1 << 16)                           \
  FIELD(OPCODE, NAME, align_corners, 0, 1) FIELD(OPCODE, NAME, half_pixel_centers, 0, 1)                  \
  FIELD(OPCODE, NAME, unsigned_float, 0, 1)

static const field_range ranges[] = {
  WINDOWS(1, conv2d) DILATIONS(1, conv2d) CLAMPS(1, conv2d)
  FIELD(1, conv2d, input_step_h, 1, 64) FIELD(1, conv2d, input_step_w, 1, 64)
  ZERO_POINT(1, conv2d, input_zero_point) ZERO_POINT(1, conv2d, weight_zero_point)
  ZERO_POINT(1, conv2d, output_zero_point) FIELD(1, conv2d, double_rescale, 0, 1)
  WINDOWS(2, depthwise) DILATIONS(2, depthwise) CLAMPS(2, depthwise)
  ZERO_POINT(2, depthwise, input_zero_point) ZERO_POINT(2, depthwise, weight_zero_point)
  ZERO_POINT(2, depthwise, output_zero_point)
  WINDOWS(3, average_pool) CLAMPS(3, average_pool) FIELD(3, average_pool, unsigned_rounding, 0, 1)
  WINDOWS(4, max_pool) CLAMPS(4, max_pool) FIELD(4, max_pool, unsigned_rounding, 0, 1)
  ZERO_POINT(5, mean, input_zero_point) ZERO_POINT(5, mean, output_zero_point)
  RESCALE(5, mean, multiplier, shift) CLAMPS(5, mean)
  ZERO_POINT(7, add, zero_point0) ZERO_POINT(7, add, zero_point1) ZERO_POINT(7, add, output_zero_point)
  RESCALE(7, add, multiplier0, shift0) RESCALE(7, add, multiplier1, shift1)
  RESCALE(7, add, output_multiplier, output_shift) FIELD(7, add, left_shift, 0, 22) CLAMPS(7, add)
  FIELD(7, add, subtract, 0, 1)
  ZERO_POINT(8, mul, zero_point0) ZERO_POINT(8, mul, zero_point1) ZERO_POINT(8, mul, output_zero_point)
  RESCALE(8, mul, multiplier, shift) CLAMPS(8, mul)
  ZERO_POINT(9, prelu, input_zero_point) ZERO_POINT(9, prelu, alpha_zero_point)
  ZERO_POINT(9, prelu, output_zero_point)
  RESCALE(9, prelu, positive_multiplier, positive_shift) RESCALE(9, prelu, negative_multiplier, negative_shift)
  FIELD(10, softmax, beta_multiplier, 0, INT32_MAX) FIELD(10, softmax, beta_left_shift, 0, 31)
  FIELD(10, softmax, diff_min, INT32_MIN, 0)
  ZERO_POINT(12, fill, value)
  RESIZE(13, resize_nearest) RESIZE(14, resize_bilinear)
  FIELD(15, argmax, minimum, 0, 1)
  ZERO_POINT(16, quantize, zero_point) ZERO_POINT(17, quantize, zero_point)
};

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
  if (c->opcode == 1) {
    const martlet_conv2d_params *p = &all.conv2d;
    if (p->groups > 0 && (double)p->kernel_h * p->kernel_w * (p->in_c / p->groups) > 1 << 24) return "too many products";
    if (p->groups > 0 && (p->in_c % p->groups != 0 || p->out_c % p->groups != 0)) return "groups that do not divide";
  }
  if (c->opcode == 3 || c->opcode == 4) {
    const martlet_pool_params *p = &all.average_pool;
    if (windows_are_empty(p->in_h, p->out_h, p->kernel_h, p->stride_h, p->pad_top) ||
        windows_are_empty(p->in_w, p->out_w, p->kernel_w, p->stride_w, p->pad_left))
      return "a window without pixels";
  }
  if (c->opcode >= 7 && c->opcode <= 9) {
    const martlet_mul_params *p = &all.mul;
    for (int32_t i = 0; i < 6; i++)
      if (p->shape[i] > 1 && (p->stride0[i] < 0 || p->stride1[i] < 0)) return "a stride that leads below the start";
  }
  if (c->opcode == 11 && writes_twice(&all.copy)) return "two indices that write one element";
  return NULL;
}

/// Wrong in one of the ways that take several fields, mostly just too large.
static void wrong_together(dice *d, martlet_operator_case *c) {
  operator_parameters p;
  memcpy(&p, c->parameters, sizeof p);
  // Sizes stand alike in both: batch, in_h, in_w, in_c, out_h, out_w, ...
  bool is_conv = c->opcode == 1;
  if (c->opcode == 11) {
    // Both axes of a small rectangle along one stride.
    p.copy = (martlet_copy_params){.element_size = 1, .shape = {1, 1, 1, 1, 5, 7}, .in_stride = {[4] = 7, [5] = 1}};
    p.copy.out_stride[4] = p.copy.out_stride[5] = (int32_t)operator_in(d, 1, 9);
    memcpy(c->parameters, &p, sizeof p);
    return operator_operands(c);
  }
  if (c->opcode > 4) return;
  int32_t *kernel = is_conv ? &p.conv2d.kernel_h : c->opcode == 2 ? &p.depthwise.kernel_h : &p.average_pool.kernel_h;
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
      else p.words[4] = p.words[5] = 1, p.words[6] = c->opcode == 2 ? operator_size(d, 8) : p.words[6];
  }
  memcpy(c->parameters, &p, sizeof p);
  operator_operands(c);
}

static void extreme_word(dice *d, martlet_operator_case *c) {
  static const int32_t extremes[] = {0, -1, 1, 2, 127, 128, 255, 256, 4095, 4096, 4097, 1 << 14, (1 << 14) + 1, 65535,
                                     65536, 65537, 1 << 24, 1 << 28, (1 << 30) - 1, 1 << 30, INT32_MAX, INT32_MIN};
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

static bool takes_its_input_in_place(uint16_t opcode) { return (opcode >= 6 && opcode <= 10); }

static void wrong_operand(dice *d, martlet_operator_case *c) {
  int32_t which = (int32_t)operator_in(d, 0, MARTLET_OPERAND_COUNT - 1);
  martlet_operand *o = &c->operands[which], *out = &c->operands[MARTLET_OUTPUT];
  martlet_operand *in = &c->operands[c->operands[MARTLET_INPUT_1].bytes >= 0 && one_in(d, 2)];
  switch (operator_in(d, 0, 6)) {
    case 0:
      // What is not used is given, what is used is not.
      c->broken = o->bytes < 0 ? "an operand too many" : "an operand too few";
      *o = (martlet_operand){.bytes = o->bytes < 0 ? 64 : -1, .type = INT8, .storage = (uint8_t)(which == MARTLET_CONSTANT)};
      return;
    case 1:
      if (o->bytes < 0) break;
      c->broken = "an operand that does not exist";
      o->bytes = -2;
      return;
    case 2:
      if (o->bytes < 16 || c->opcode == 11) break;
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
      if (!takes_its_input_in_place(c->opcode)) {
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
      if (c->opcode >= 16) no_scale(d, c);
      else extreme_word(d, c);
      break;
    default: extreme_word(d, c);
  }
  if (!c->broken) c->broken = field_beyond(c);
  if (!c->broken) c->broken = fields_at_odds(c);
}

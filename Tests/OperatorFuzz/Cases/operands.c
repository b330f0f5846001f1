#include "internal.h"

/// Products saturate here, above every limit; what is negative counts as nothing.
#define BEYOND ((int64_t)1 << 50)

static int64_t times(int64_t a, int64_t b) {
  int64_t product;
  if (a <= 0 || b <= 0) return 0;
  return __builtin_mul_overflow(a, b, &product) || product > BEYOND ? BEYOND : product;
}
static int64_t times_4(int64_t a, int64_t b, int64_t c, int64_t d) { return times(times(a, b), times(c, d)); }
static int64_t parts(int64_t count, int64_t size) { return (count + size - 1) / size; }

static int64_t box_count(const int32_t shape[6]) {
  return times(times_4(shape[0], shape[1], shape[2], shape[3]), times(shape[4], shape[5]));
}

/// One more than the highest element that the strides lead to.
static int64_t reach(const int32_t shape[6], const int32_t stride[6], int64_t offset) {
  for (int32_t i = 0; i < 6; i++)
    if (stride[i] > 0) offset += ((int64_t)shape[i] - 1) * stride[i];
  return offset < 0 ? 0 : offset < BEYOND ? offset + 1 : BEYOND;
}

/// From the record's description, not from the kernels' own sizes.
static int64_t conv2d_weights(const martlet_conv2d_params *p) {
  if (p->groups < 1) return 0;
  int64_t group = p->in_c / p->groups, channels = sizeof(martlet_channels);
  bool whole = p->groups == 1 && p->dilation_w == 1 && p->input_step_w == 1;
  int64_t segments = whole ? p->kernel_h : times(p->kernel_h, p->kernel_w);
  int64_t bytes = whole ? times(p->kernel_w, p->in_c) : group;
  int64_t panels = times(p->groups, parts(p->out_c / p->groups, 16));
  return times(panels, channels + times(segments, parts(bytes, 4) * 64));
}

static void operand(martlet_operator_case *c, int32_t which, int64_t count, uint8_t type) {
  // A tensor that is none would be refused before the operator is looked at.
  int64_t size = type == INT8 ? 1 : type == INT64 ? 8 : 4, most = LIMIT_TENSOR / size;
  c->operands[which].bytes = (count < 1 ? 1 : count < most ? count : most) * size;
  c->operands[which].type = type;
}

void operator_operands(martlet_operator_case *c) {
  operator_parameters all;
  memcpy(&all, c->parameters, sizeof all);
  for (int32_t i = 0; i < MARTLET_OPERAND_COUNT; i++) c->operands[i] = (martlet_operand){.bytes = -1, .type = INT8};
  switch ((martlet_opcode)c->opcode) {
    case MARTLET_OPCODE_CONV2D: {
      const martlet_conv2d_params *p = &all.conv2d;
      operand(c, MARTLET_INPUT_0, times_4(p->batch, p->in_h, p->in_w, p->in_c), INT8);
      operand(c, MARTLET_OUTPUT, times_4(p->batch, p->out_h, p->out_w, p->out_c), INT8);
      operand(c, MARTLET_CONSTANT, conv2d_weights(p), INT8);
      break;
    }
    case MARTLET_OPCODE_DEPTHWISE: {
      const martlet_depthwise_params *p = &all.depthwise;
      int64_t channels = times(p->in_c, p->multiplier), taps = times(p->kernel_h, p->kernel_w);
      operand(c, MARTLET_INPUT_0, times_4(p->batch, p->in_h, p->in_w, p->in_c), INT8);
      operand(c, MARTLET_OUTPUT, times_4(p->batch, p->out_h, p->out_w, channels), INT8);
      operand(c, MARTLET_CONSTANT, times(parts(channels, 16), (int64_t)sizeof(martlet_channels) + taps * 16), INT8);
      break;
    }
    case MARTLET_OPCODE_AVERAGE_POOL:
    case MARTLET_OPCODE_MAX_POOL: {
      const martlet_pool_params *p = &all.average_pool;
      operand(c, MARTLET_INPUT_0, times_4(p->batch, p->in_h, p->in_w, p->channels), INT8);
      operand(c, MARTLET_OUTPUT, times_4(p->batch, p->out_h, p->out_w, p->channels), INT8);
      break;
    }
    case MARTLET_OPCODE_MEAN:
      operand(c, MARTLET_INPUT_0, times_4(all.mean.outer, all.mean.reduce, all.mean.inner, 1), INT8);
      operand(c, MARTLET_OUTPUT, times(all.mean.outer, all.mean.inner), INT8);
      break;
    case MARTLET_OPCODE_TABLE:
      operand(c, MARTLET_INPUT_0, all.table.count, INT8);
      operand(c, MARTLET_OUTPUT, all.table.count, INT8);
      operand(c, MARTLET_CONSTANT, 256, INT8);
      break;
    case MARTLET_OPCODE_ADD:
    case MARTLET_OPCODE_MUL:
    case MARTLET_OPCODE_PRELU:
    case MARTLET_OPCODE_MAXIMUM:
    case MARTLET_OPCODE_MINIMUM: {
      // Shape and strides stand first in all of them.
      const martlet_mul_params *p = &all.mul;
      operand(c, MARTLET_INPUT_0, reach(p->shape, p->stride0, 0), INT8);
      operand(c, MARTLET_INPUT_1, reach(p->shape, p->stride1, 0), INT8);
      operand(c, MARTLET_OUTPUT, box_count(p->shape), INT8);
      break;
    }
    case MARTLET_OPCODE_SOFTMAX:
      operand(c, MARTLET_INPUT_0, times(all.softmax.rows, all.softmax.depth), INT8);
      operand(c, MARTLET_OUTPUT, times(all.softmax.rows, all.softmax.depth), INT8);
      break;
    case MARTLET_OPCODE_COPY: {
      const martlet_copy_params *p = &all.copy;
      uint8_t type = p->element_size == 8 ? INT64 : p->element_size == 4 ? INT32 : INT8;
      operand(c, MARTLET_INPUT_0, reach(p->shape, p->in_stride, p->in_offset), type);
      operand(c, MARTLET_OUTPUT, reach(p->shape, p->out_stride, p->out_offset), type);
      break;
    }
    case MARTLET_OPCODE_FILL: operand(c, MARTLET_OUTPUT, all.fill.count, INT8); break;
    case MARTLET_OPCODE_RESIZE_NEAREST:
    case MARTLET_OPCODE_RESIZE_BILINEAR: {
      const martlet_resize_params *p = &all.resize_nearest;
      operand(c, MARTLET_INPUT_0, times_4(p->batch, p->in_h, p->in_w, p->channels), INT8);
      operand(c, MARTLET_OUTPUT, times_4(p->batch, p->out_h, p->out_w, p->channels), INT8);
      break;
    }
    case MARTLET_OPCODE_ARGMAX:
      operand(c, MARTLET_INPUT_0, times_4(all.argmax.outer, all.argmax.axis, all.argmax.inner, 1), INT8);
      operand(c, MARTLET_OUTPUT, times(all.argmax.outer, all.argmax.inner), all.argmax.index_size == 8 ? INT64 : INT32);
      break;
    case MARTLET_OPCODE_QUANTIZE:
    case MARTLET_OPCODE_DEQUANTIZE:
      operand(c, MARTLET_INPUT_0, all.quantize.count, c->opcode == MARTLET_OPCODE_QUANTIZE ? FLOAT32 : INT8);
      operand(c, MARTLET_OUTPUT, all.quantize.count, c->opcode == MARTLET_OPCODE_QUANTIZE ? INT8 : FLOAT32);
  }
  // What parameters within their bounds ask for always fits; of others as much as fits, or nothing would look at them.
  int64_t whole = 0;
  for (int32_t i = 0; i < MARTLET_CONSTANT; i++) whole += c->operands[i].bytes;
  for (int32_t i = 0; i < MARTLET_CONSTANT; i++)
    if (whole > LIMIT_ELEMENTS - 192 && c->operands[i].bytes > LIMIT_TENSOR / 2)
      c->operands[i].bytes = LIMIT_TENSOR / 2;
  // One behind the other in the tensor region; the constant alone in the weights.
  int64_t offset = 0;
  for (int32_t i = 0; i < MARTLET_CONSTANT; i++) {
    if (c->operands[i].bytes < 0) continue;
    c->operands[i].offset = offset;
    offset += (c->operands[i].bytes + 63) & ~(int64_t)63;
  }
  c->operands[MARTLET_CONSTANT].storage = IN_WEIGHTS;
}

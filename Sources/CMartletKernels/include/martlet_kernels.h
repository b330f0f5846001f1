/// The kernels of Martlet: pure functions on int8, int32 and float buffers.
///
/// Every operator has one parameter record. The model file holds exactly that record (little-endian,
/// 4-byte fields, no padding), the converter fills it in, the loader copies it into the arena and validates
/// it, and the kernel reads it: there is no second representation to keep in step.
///
/// A kernel's work is cut into *units*. A unit never depends on another unit of the same operator, so any
/// thread may run any unit in any order and the bits are the same. The grid of units depends on the
/// parameters alone: not on the instruction set and not on the number of threads.
///
/// martlet_operators.h has a row for each operator NAME, and with it there are
///   martlet_NAME_workload(params)       how the work is cut, and what it takes
///   martlet_NAME_weights_bytes(params)  exact size of the packed constant, where there is one
/// and an entry in martlet_kernel_table. None of them validates; the loader has done that before.
///
/// Bounds. The loader holds every record to the bounds that stand beside it, in 64-bit arithmetic, before anything is
/// derived from it (`OperatorValidator`), and then what the sizes above say to `ModelLimits`: scratch of a thread, and
/// work. So with every operator: a tensor has 1 to 2^30 elements, and so has the box of its dimensions; zero points and
/// clamps are in -128...127, clamp_min <= clamp_max; multipliers are in 0...2^31 - 1 and their shifts in -31...31;
/// flags are 0 or 1. A product of two fields in 32 bits stands in a kernel only where a bound here covers it.
#ifndef MARTLET_KERNELS_H
#define MARTLET_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "martlet_operators.h"

// MARK: - Buffers and kernels

/// What an operator reads and writes. Buffers are 64-byte aligned unless an operator says otherwise.
typedef struct martlet_buffers {
  const void *input[2];
  void *output;
  const void *weights;
} martlet_buffers;

/// Runs units [first, last) of an operator. `scratch` belongs to the calling thread, is 64-byte aligned and
/// holds at least martlet_NAME_workload(params).scratch_bytes.
typedef void (*martlet_kernel)(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                               void *scratch);

/// How an operator's work is cut and what it needs.
typedef struct martlet_workload {
  /// > 0 for validated parameters.
  int32_t units;
  /// Cost of the largest unit, in multiply-accumulates or the like.
  int64_t unit_work;
  /// Scratch that one thread needs, the maximum over all instruction sets.
  size_t scratch_bytes;
  /// Products that the operator's definition adds up, of all units; 0 where it is no convolution.
  int64_t multiply_accumulates;
} martlet_workload;

/// A parameter record in the file and in the arena has this many 32-bit words; shorter structs are padded with zeros.
#define MARTLET_PARAMETER_WORDS 34

// MARK: - Convolution family (weights packed by blocks of 16 output channels)

/// 16 output channels of a convolution: what requantization needs, in the order in which the kernel reads it.
/// acc = bias + sum x*(w - weight_zero_point); out = clamp(output_zero_point + rescale(acc, multiplier, shift)).
/// `bias` already holds -input_zero_point * sum(w - weight_zero_point). Channels beyond the last are all zero.
/// rescale is the TensorFlow Lite specification's MultiplyByQuantizedMultiplier with its two roundings:
/// shift > 0 shifts the accumulator left first, shift < 0 divides by a power of two last.
typedef struct martlet_channels {
  int32_t bias[16];
  int32_t multiplier[16];
  int32_t shift[16];
} martlet_channels;

/// Convolution, fully connected (1x1 kernel; rows as in_w) and transposed convolution (input_step > 1: the input is
/// spread out with zero points between its pixels, as "lhs dilation" elsewhere). NHWC, int8.
///
/// The reduction is cut into segments of consecutive input bytes:
///   groups == 1 && dilation_w == 1 && input_step_w == 1: kernel_h segments of kernel_w * in_c bytes;
///   otherwise: kernel_h * kernel_w segments of in_c / groups bytes.
/// Every segment is padded to a multiple of 4 (a K-quad) with weights equal to weight_zero_point, so that whatever is
/// read beyond the segment's end cancels out.
///
/// Packed weights, for each group, for each block of 16 output channels of that group (the last one padded with
/// weight_zero_point):  martlet_channels, then for each segment, for each quad: 16 channels x 4 depth, int8.
///
/// Bounds, for h and w alike: kernel, stride, dilation 1...4096; pad 0...2^14; input_step 1...64;
/// out * stride + kernel * dilation and in * input_step at most 2^30; kernel_h * kernel_w * in_c / groups at most 2^24;
/// groups divides in_c and out_c. A window's columns times a group's channels is no such product: it is bounded by the
/// scratch that it takes, and computed in 64 bits.
typedef struct martlet_conv2d_params {
  int32_t batch, in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t groups;
  int32_t input_step_h, input_step_w;
  int32_t input_zero_point, weight_zero_point, output_zero_point;
  int32_t clamp_min, clamp_max;
  /// 1: rescale(acc) = acc * d rounded half away from zero, with d an IEEE double whose low half is in multiplier and
  /// whose high half is in shift. That is how the reference rescales fully connected layers. One multiplication,
  /// nothing to contract: the same bits everywhere.
  int32_t double_rescale;
} martlet_conv2d_params;

/// Depthwise convolution with out_c = in_c * multiplier. NHWC, int8.
/// Packed weights, for each block of 16 output channels: martlet_channels, then [kernel_h][kernel_w][16] int8.
///
/// Bounds: as for a convolution with input_step 1; kernel_h * kernel_w at most 2^16; in_w * in_c * multiplier at most
/// 2^30. The table of pointers (a row's columns times kernel_h) is bounded by scratch and computed in 64 bits.
typedef struct martlet_depthwise_params {
  int32_t batch, in_h, in_w, in_c;
  int32_t out_h, out_w, multiplier;
  int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t input_zero_point, weight_zero_point, output_zero_point;
  int32_t clamp_min, clamp_max;
} martlet_depthwise_params;

// MARK: - Pooling and reduction

/// Average or max pooling over the part of the window that lies inside the picture. Same scale on both sides.
/// unsigned_rounding: the average is rounded as the uint8 reference does, (sum + n/2) / n over x + 128.
///
/// Bounds: kernel and stride 1...4096, so a window has at most 2^24 pixels, whose sum fits; pad less than the kernel;
/// out * stride + kernel at most 2^30; every window has a pixel inside the picture: (out - 1) * stride - pad < in.
typedef struct martlet_pool_params {
  int32_t batch, in_h, in_w, channels;
  int32_t out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t clamp_min, clamp_max;
  int32_t unsigned_rounding;
} martlet_pool_params;

/// Mean over the middle axis of [outer, reduce, inner]. The multiplier already holds 1 / reduce:
/// out = clamp(output_zero_point + rescale(sum(x - input_zero_point), multiplier, shift)). The sum wraps.
typedef struct martlet_mean_params {
  int32_t outer, reduce, inner;
  int32_t input_zero_point, output_zero_point;
  int32_t multiplier, shift;
  int32_t clamp_min, clamp_max;
} martlet_mean_params;

// MARK: - Element-wise

/// out[i] = table[x[i] + 128]. The 256-byte table is the operator's packed constant. Every unary int8 operator
/// (logistic, tanh, hard-swish, relu, leaky relu, requantize, ...) is one table, made by the converter.
typedef struct martlet_table_params {
  int32_t count;
} martlet_table_params;

/// Add or subtract with broadcasting: shape is that of the output; a stride of 0 repeats. Strides in elements.
/// Trailing dimensions first in memory as usual: shape[5] is the innermost.
///
/// Bounds, of all operators with such strides: what they reach is exactly the input's elements, from 0 on.
/// left_shift 0...22.
typedef struct martlet_add_params {
  int32_t shape[6], stride0[6], stride1[6];
  int32_t zero_point0, zero_point1, output_zero_point;
  int32_t multiplier0, shift0, multiplier1, shift1, output_multiplier, output_shift;
  int32_t left_shift;
  int32_t clamp_min, clamp_max;
  int32_t subtract;
} martlet_add_params;

/// Multiply with broadcasting.
typedef struct martlet_mul_params {
  int32_t shape[6], stride0[6], stride1[6];
  int32_t zero_point0, zero_point1, output_zero_point;
  int32_t multiplier, shift;
  int32_t clamp_min, clamp_max;
} martlet_mul_params;

/// PReLU with broadcasting alpha (input[1]); negative and positive side have their own rescale.
typedef struct martlet_prelu_params {
  int32_t shape[6], stride0[6], stride1[6];
  int32_t input_zero_point, alpha_zero_point, output_zero_point;
  int32_t positive_multiplier, positive_shift, negative_multiplier, negative_shift;
} martlet_prelu_params;

/// The larger (or smaller) of two with broadcasting; inputs and output have one scale and zero point.
typedef struct martlet_extremum_params {
  int32_t shape[6], stride0[6], stride1[6];
} martlet_extremum_params;

/// Softmax over the innermost axis of [rows, depth], int8 to int8, output scale 1/256, zero point -128.
/// Bounds: beta_left_shift 0...31, diff_min <= 0.
typedef struct martlet_softmax_params {
  int32_t rows, depth;
  int32_t beta_multiplier, beta_left_shift, diff_min;
} martlet_softmax_params;

// MARK: - Moving data

/// Strided copy: out[out_offset + i . out_stride] = in[in_offset + i . in_stride], strides and offsets in elements of
/// element_size (1, 4 or 8) bytes; negative in_strides are allowed. Transpose, slice, strided slice, split, concat (one
/// copy per input), space-to-depth, depth-to-space and the inside of pad are this one operator.
/// Bounds: what the strides reach lies inside input and output; no two indices write one element.
typedef struct martlet_copy_params {
  int32_t element_size;
  int32_t shape[6], in_stride[6], out_stride[6];
  int32_t in_offset, out_offset;
} martlet_copy_params;

/// Fills the whole output with one int8 value: the border of a pad.
typedef struct martlet_fill_params {
  int32_t count;
  int32_t value;
} martlet_fill_params;

/// Nearest or bilinear resize of [batch, in_h, in_w, channels], int8, same scale on both sides.
/// unsigned_float (bilinear only): interpolate x + 128 in float32, as the uint8 reference does.
/// Bounds: rows and columns at most 2^16 on both sides.
typedef struct martlet_resize_params {
  int32_t batch, in_h, in_w, channels;
  int32_t out_h, out_w;
  int32_t align_corners, half_pixel_centers;
  int32_t unsigned_float;
} martlet_resize_params;

/// Index of the largest (or smallest) value along the middle axis of [outer, axis, inner]; the first one wins.
/// index_size is 4 or 8 bytes per output element.
typedef struct martlet_argmax_params {
  int32_t outer, axis, inner;
  int32_t index_size;
  int32_t minimum;
} martlet_argmax_params;

/// float32 -> int8: clamp(round_half_away(x / scale) + zero_point); NaN gives the zero point.
/// int8 -> float32: (q - zero_point) * scale. Bounds: the scale is finite and positive.
typedef struct martlet_quantize_params {
  int32_t count;
  float scale;
  int32_t zero_point;
} martlet_quantize_params;

// MARK: - Instruction sets

typedef enum martlet_isa {
  MARTLET_ISA_SCALAR = 0,
  MARTLET_ISA_AVX2 = 1,
  MARTLET_ISA_AVX512VNNI = 2,
  MARTLET_ISA_NEON = 3,
  MARTLET_ISA_DOTPROD = 4,
  MARTLET_ISA_I8MM = 5,
  MARTLET_ISA_COUNT = 6
} martlet_isa;

/// One variant of every kernel. Entries that an instruction set does not speed up are the scalar ones.
typedef struct martlet_kernel_table {
  const char *name;
#define MARTLET_ENTRY(OPCODE, CASE, NAME, ...) martlet_kernel NAME;
  MARTLET_OPERATORS(MARTLET_ENTRY)
#undef MARTLET_ENTRY
} martlet_kernel_table;

/// The table of an instruction set, or NULL where this build or this processor does not have it.
const martlet_kernel_table *martlet_kernels_for(martlet_isa isa);
/// The best instruction set of this processor.
martlet_isa martlet_best_isa(void);
/// The instruction set of that name ("scalar", "avx2", "avx512vnni", "neon", "dotprod", "i8mm"), or MARTLET_ISA_COUNT.
martlet_isa martlet_isa_named(const char *name);

// MARK: - Operators

#if defined(__clang__)
#define MARTLET_SWIFT_NAME(NAME) __attribute__((swift_name(#NAME)))
#define MARTLET_CLOSED_ENUM __attribute__((enum_extensibility(closed)))
#else
#define MARTLET_SWIFT_NAME(NAME)
#define MARTLET_CLOSED_ENUM
#endif

typedef enum MARTLET_CLOSED_ENUM martlet_opcode {
#define MARTLET_CASE(OPCODE, CASE, NAME, SWIFT_NAME, ...) MARTLET_OPCODE_##CASE MARTLET_SWIFT_NAME(SWIFT_NAME) = OPCODE,
  MARTLET_OPERATORS(MARTLET_CASE)
#undef MARTLET_CASE
} martlet_opcode;

#define MARTLET_WORKLOAD(OPCODE, CASE, NAME, ...) martlet_workload martlet_##NAME##_workload(const void *params);
MARTLET_OPERATORS(MARTLET_WORKLOAD)
#undef MARTLET_WORKLOAD

/// A row of the table of operators.
typedef struct martlet_operator {
  /// As TensorFlow Lite spells it; where that has none, in its style.
  const char *name;
  martlet_workload (*workload)(const void *params);
  /// Of its entry in a martlet_kernel_table, in bytes.
  uint16_t kernel_offset;
  bool reads_input_0, reads_input_1, reads_constant;
  bool runs_in_place, is_foldable;
} martlet_operator;

/// The row of an opcode; NULL where there is no such operator.
const martlet_operator *martlet_operator_of(uint16_t opcode);

size_t martlet_conv2d_weights_bytes(const martlet_conv2d_params *params);
size_t martlet_depthwise_weights_bytes(const martlet_depthwise_params *params);

#endif

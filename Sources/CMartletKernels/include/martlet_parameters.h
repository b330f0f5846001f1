/// The operators' parameter records, as they stand in a file and in the arena.
///
/// Bounds. The loader holds every record to the bounds that stand beside it, in 64-bit arithmetic, before anything is
/// derived from it (`OperatorValidator`), and then what the sizes above say to `ModelLimits`: scratch of a thread, and
/// work. So with every operator: a tensor has 1 to 2^30 elements, and so has the box of its dimensions; zero points and
/// clamps are in -128...127, clamp_min <= clamp_max; multipliers are in 0...2^31 - 1 and their shifts in -31...31;
/// flags are 0 or 1. A product of two fields in 32 bits stands in a kernel only where a bound here covers it.
#ifndef MARTLET_PARAMETERS_H
#define MARTLET_PARAMETERS_H

#include <stdint.h>

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

#endif

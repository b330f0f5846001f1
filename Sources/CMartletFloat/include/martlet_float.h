/// float32 counterparts of the convolution kernels, for the workstation: what calibration and comparison run on.
///
/// Every result is a sum in one written order, products and sums rounded separately, whatever vectors the processor
/// has: the same model and pictures give the same file everywhere.
#ifndef MARTLET_FLOAT_H
#define MARTLET_FLOAT_H

#include <stddef.h>

#include "martlet_kernels.h"

/// Floats that `martlet_float_pack` writes for `outputs` filters of `depth` weights each.
size_t martlet_float_packed_count(size_t outputs, size_t depth);

/// Filters [outputs, depth] in blocks of 16, depth outermost within a block; missing ones are zero.
void martlet_float_pack(const float *weights, float *packed, size_t outputs, size_t depth);

/// Floats of scratch that `martlet_float_conv2d` needs.
size_t martlet_float_conv2d_scratch(const martlet_conv2d_params *p);

/// Convolution of any kind that `martlet_conv2d_params` describes, geometry only (no zero points, no clamp).
/// `packed` holds the groups one after another; `bias` has out_c values.
void martlet_float_conv2d(const martlet_conv2d_params *p, const float *input, const float *packed, const float *bias,
                          float *output, float *scratch);

/// Depthwise convolution: weights [kernel_h, kernel_w, in_c * multiplier], bias of in_c * multiplier values.
void martlet_float_depthwise(const martlet_depthwise_params *p, const float *input, const float *weights,
                             const float *bias, float *output);

/// matrix [count, count] += a' b.
void martlet_float_rank_one(float *matrix, const float *a, const float *b, size_t count);

#endif

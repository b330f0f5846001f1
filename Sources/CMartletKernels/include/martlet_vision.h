/// The inner loops of the one resize (Sources/Martlet/Vision/Resizer.swift): integers only, no allocation.
///
/// Every function with a SIMD form has its plain form beside it, named _scalar: the specification.
#ifndef MARTLET_VISION_H
#define MARTLET_VISION_H

#include <stddef.h>
#include <stdint.h>

/// Fraction bits of a filter weight; the weights of one output sample sum to exactly 1 << MARTLET_VISION_WEIGHT_BITS.
#define MARTLET_VISION_WEIGHT_BITS 14
/// Fraction bits of a sample between the two passes.
#define MARTLET_VISION_SAMPLE_BITS 7
/// The taps of every column are padded with zero weights to a multiple of this.
#define MARTLET_VISION_TAP_MULTIPLE 8
/// What stands behind transparent pixels and around a letterboxed picture.
#define MARTLET_VISION_MID_GREY 128

/// How the pixels of a source row are stored; the raw values are bytes per pixel.
typedef enum martlet_row_format {
  MARTLET_ROW_GREY = 1,
  MARTLET_ROW_GREY_ALPHA = 2,
  MARTLET_ROW_RGB = 3,
  MARTLET_ROW_RGBA = 4
} martlet_row_format;

/// Source pixels to `channels` bytes each (1: luma, 3: red, green, blue), transparency over mid-grey.
/// luma = (19595 R + 38470 G + 7471 B + 32768) >> 16; over = (c a + 128 (255 - a) + 127) / 255.
/// A grey format always gives one byte.
void martlet_vision_unpack(uint8_t *out, const uint8_t *row, int32_t pixels, martlet_row_format format,
                           int32_t channels);

/// sums[i] = weight * row[i], weight in 0...1 << 14.
void martlet_vision_weigh(int32_t *sums, const uint8_t *row, int32_t count, int32_t weight);
/// sums[i] += weight * row[i].
void martlet_vision_weigh_more(int32_t *sums, const uint8_t *row, int32_t count, int32_t weight);

/// planes[c * stride + x] = (sums[x * channels + c] + 64) >> 7, for channels 1 and 3.
void martlet_vision_separate(int16_t *planes, int32_t stride, const int32_t *sums, int32_t pixels, int32_t channels);

/// The columns of one output row: out[x * channels + c] = (sum over k of weights[x * taps + k] *
/// planes[c * stride + first[x] + k] + (1 << 20)) >> 21. `taps` is a multiple of 8; weights lie in 0...1 << 14,
/// samples in 0...32640; first[x] + taps <= stride.
void martlet_vision_columns(uint8_t *out, const int16_t *planes, int32_t stride, int32_t channels,
                            const int32_t *first, const int16_t *weights, int32_t taps, int32_t count);
void martlet_vision_columns_scalar(uint8_t *out, const int16_t *planes, int32_t stride, int32_t channels,
                                   const int32_t *first, const int16_t *weights, int32_t taps, int32_t count);

/// Writes `count` pixels of `in_channels` (1 or 3) bytes through `table` [3][256] to out, out + step, ...;
/// `channels` (1 or 3) values each; grey is repeated. reversed: blue, green, red.
void martlet_vision_store(int8_t *out, ptrdiff_t step, int32_t channels, const uint8_t *in, int32_t in_channels,
                          int32_t count, const int8_t *table, int32_t reversed);

#endif

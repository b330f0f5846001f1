/// The inner loops of the one resize (Sources/Martlet/Vision: Resizer and FrameResizer): integers only, no allocation.
///
/// Loops with SIMD forms stand in a table for each instruction set; the scalar one is the specification.
#ifndef MARTLET_VISION_H
#define MARTLET_VISION_H

#include "martlet_kernels.h"

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

/// Luma of pixels `step` bytes apart whose red and blue are bytes `red` and `blue`, green byte 1; the formula above.
void martlet_vision_luma(uint8_t *out, const uint8_t *row, int32_t pixels, int32_t step, int32_t red, int32_t blue);

/// Luma in words of 16 bits, the lower byte first: out[i] = the eight bits of word i above the lowest `shift`, 1...8.
void martlet_vision_words(uint8_t *out, const uint8_t *row, int32_t pixels, int32_t shift);

/// YCbCr to red, green, blue, in integers with 13 fraction bits: `nearest(8192 k)` of the real factors k.
///
///     Y' = Y - luma_offset, Cb' = Cb - 128, Cr' = Cr - 128      (all with 7 fraction bits)
///     R = clamp((luma Y' + red_cr Cr' + 2^19) >> 20)            clamp: to 0...255
///     G = clamp((luma Y' + green_cb Cb' + green_cr Cr' + 2^19) >> 20)
///     B = clamp((luma Y' + blue_cb Cb' + 2^19) >> 20)
///
/// With a matrix's Kr and Kb (BT.601: 0.299, 0.114; BT.709: 0.2126, 0.0722; BT.2020: 0.2627, 0.0593), Kg = 1 - Kr - Kb,
/// and s = 255/219, c = 255/224, offset 16 in limited range, s = c = 1, offset 0 in full range: luma = s,
/// red_cr = 2 c (1 - Kr), blue_cb = 2 c (1 - Kb), green_cb = -2 c (1 - Kb) Kb / Kg, green_cr = -2 c (1 - Kr) Kr / Kg.
typedef struct martlet_vision_matrix {
  /// With 7 fraction bits.
  int16_t luma_offset;
  int16_t luma, red_cr, green_cb, green_cr, blue_cb;
} martlet_vision_matrix;

/// `standard` is 0: BT.601, 1: BT.709, 2: BT.2020.
const martlet_vision_matrix *martlet_vision_matrix_for(int32_t standard, int32_t is_full_range);

typedef struct martlet_vision_table {
  /// sums[i] = weight * row[i], weight in 0...1 << 14.
  void (*weigh)(int32_t *sums, const uint8_t *row, int32_t count, int32_t weight);
  /// sums[i] += weight * row[i].
  void (*weigh_more)(int32_t *sums, const uint8_t *row, int32_t count, int32_t weight);
  /// The rows of one output row at once: out[i] = (sum over k < taps of weights[k] * rows[k][i] + 64) >> 7. The weights
  /// lie in 0...1 << 14 and sum to 1 << 14; exactly `count` bytes of each row are read.
  void (*rows)(int16_t *out, const uint8_t *const *rows, const int16_t *weights, int32_t taps, int32_t count);
  /// The columns of one output row: out[x] = (sum over k of weights[x * taps + k] * samples[first[x] + k] +
  /// (1 << (bits - 1))) >> bits, where bits is 21 for whole pixel values or 14 to keep 7 fraction bits. `taps` is a
  /// multiple of 8; weights lie in 0...1 << 14, samples in 0...32640.
  void (*columns)(int16_t *out, const int16_t *samples, const int32_t *first, const int16_t *weights, int32_t taps,
                  int32_t count, int32_t bits);
  /// even[i] = in[2 i], odd[i] = in[2 i + 1].
  void (*split)(int16_t *even, int16_t *odd, const int16_t *in, int32_t pairs);
  /// a[i] = in[3 i], b[i] = in[3 i + 1], c[i] = in[3 i + 2].
  void (*split3)(int16_t *a, int16_t *b, int16_t *c, const int16_t *in, int32_t triples);
  /// Y, Cb and Cr with 7 fraction bits to red, green and blue in 0...255, by the matrix.
  void (*colour)(int16_t *red, int16_t *green, int16_t *blue, const int16_t *y, const int16_t *cb, const int16_t *cr,
                 int32_t count, const martlet_vision_matrix *matrix);
  /// Luma alone, with 7 fraction bits, to 0...255: clamp((luma Y' + 2^19) >> 20).
  void (*expand)(int16_t *out, const int16_t *y, int32_t count, const martlet_vision_matrix *matrix);
} martlet_vision_table;

/// The loops of an instruction set; not NULL for one that martlet_best_isa can give.
const martlet_vision_table *martlet_vision_for(martlet_isa isa);

/// planes[c * stride + x] = (sums[x * channels + c] + 64) >> 7, for channels 1 and 3.
void martlet_vision_separate(int16_t *planes, int32_t stride, const int32_t *sums, int32_t pixels, int32_t channels);

/// Writes `count` pixels of values 0...255 through `table` [3][256] to out, out + step, ...; `channels` (1: red is
/// luma, or 3) values each. reversed: blue, green, red.
void martlet_vision_store(int8_t *out, ptrdiff_t step, int32_t channels, const int16_t *red, const int16_t *green,
                          const int16_t *blue, int32_t count, const int8_t *table, int32_t reversed);

#endif

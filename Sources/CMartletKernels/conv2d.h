/// The convolution's grid of units and its way through a tile, shared by all instruction sets.
///
/// A unit is a tile: up to tile_h x tile_w output pixels of one picture and one group, times tile_panels blocks of 16
/// output channels. Inside it the kernel sees a matrix product whose left side is never materialised: pixel r's patch
/// starts at a + r * pixel_stride, and its segments follow at fixed strides. What the tile's windows touch is first
/// copied to scratch, part by part, with its border of zero points and in the elements that the instruction set
/// multiplies best; one that is content with int8 reads the input in place where no window leaves the picture.
#ifndef MARTLET_CONV2D_H
#define MARTLET_CONV2D_H

#include "kernels_internal.h"

/// What is computed at load, and what kernels are called with.
typedef struct conv2d_grid {
  /// First, so that a kernel may take it for its record. A 1x1 convolution of stride 1 is rewritten as one row of
  /// pixels, whatever its pictures' shape.
  martlet_conv2d_params p;
  int32_t group_in_c, group_out_c;
  int32_t segments_y, segments_x, segment_bytes, segment_quads;
  int32_t panels;
  size_t panel_bytes;
  int32_t tile_h, tile_w, tile_panels;
  int32_t tiles_y, tiles_x, tiles_p;
  /// No window leaves the picture and segments are whole quads: the input can be read in place.
  bool inside;
  /// Inside, and only one output pixel of a single segment, as of a fully connected layer: units are shares of its
  /// panels, and the input is the patch.
  bool single;
  /// Where the input is copied: as much of a tile at a time, in output pixels, and the rows and columns that their
  /// windows touch, at most 2^30 each by the bounds on the parameters.
  int32_t copy_h, copy_w;
  int32_t window_h, window_w;
  /// Elements from one row of the copied window to the next. The scratch limit bounds window_h * window_stride.
  int64_t window_stride;
  /// Of the patches' sums in scratch, behind the window.
  size_t sums_offset;
} conv2d_grid;

/// The grid that begins with this record.
static inline const conv2d_grid *martlet_conv2d_plan_of(const martlet_conv2d_params *plan) {
  return (const conv2d_grid *)plan;
}

/// Where one unit lies, or a part of it.
typedef struct conv2d_tile {
  int32_t picture, group, panel, panels;
  int32_t y, x, height, width;
  /// The input's ring, for who copies: row y is at ring_start + y, less ring_rows from there on.
  int32_t ring_rows, ring_start;
} conv2d_tile;

/// `rows` x `count` output pixels times `panels` blocks of channels.
typedef struct conv2d_run {
  const conv2d_grid *grid;
  /// Strides in elements of the instruction set's kind.
  const void *a;
  ptrdiff_t row_stride, pixel_stride, segment_stride_y, segment_stride_x;
  /// `a` is the input itself.
  bool in_place;
  const uint8_t *panel;
  int32_t panels, rows, count;
  /// weight_zero_point times the sum of each pixel's patch, [rows][count]; NULL if there is no zero point or the
  /// instruction set does not ask.
  const int32_t *sums;
  /// First pixel's first channel of the panels; out_stride bytes from row to row, out_c from pixel to pixel.
  int8_t *out;
  ptrdiff_t out_stride;
  /// Channels to write from here on: less than 16 * panels at the end of a group.
  int32_t channels;
} conv2d_run;

/// How an instruction set convolves.
typedef struct conv2d_variant {
  /// Copies what the tile's windows touch; see conv2d_window.h.
  void (*copy_window)(const conv2d_grid *grid, const conv2d_tile *tile, const int8_t *input, void *window);
  /// Elements are the input's own int8, so it may be read in place.
  bool in_place;
  /// Only single segments of at least so many bytes, or of any size for 0.
  int32_t least_in_place;
  void (*run)(const conv2d_run *run);
  /// Fills run->sums for a whole run; NULL if the instruction set subtracts the weights' zero point itself.
  void (*sum)(const conv2d_run *run, int32_t *sums);
  /// `sum` is asked in place even if there is no zero point.
  bool sums_in_place;
  /// A single pixel (see conv2d_grid), read in place as int8, times any number of panels; NULL: `run` takes two at a
  /// time where it reads in place. The sum is there if `in_place`.
  void (*single)(const conv2d_run *run);
} conv2d_variant;

void martlet_conv2d_drive(const martlet_conv2d_params *plan, const martlet_buffers *buffers, int32_t first,
                          int32_t last, void *scratch, const conv2d_variant *variant);

/// round half away from zero of acc * d, saturated to a little over 16 bits. No libm: p - t is exact.
static inline int32_t martlet_double_rescale(int32_t acc, int32_t low, int32_t high) {
  uint64_t bits = (uint32_t)low | (uint64_t)(uint32_t)high << 32;
  double d;
  memcpy(&d, &bits, sizeof d);
  double product = (double)acc * d;
  // The comparison is false for NaN, which then counts as the lower limit.
  if (!(product > -65536.0)) return -65536;
  if (product > 65536.0) return 65536;
  int32_t t = (int32_t)product;
  double rest = product - (double)t;
  return rest >= 0.5 ? t + 1 : rest <= -0.5 ? t - 1 : t;
}

/// The rescaling of one accumulator, bias included, by either of the two rules; the specification for all variants.
static inline int8_t martlet_conv2d_output(const martlet_conv2d_params *p, const martlet_channels *channels,
                                           int32_t lane, int32_t acc) {
  int32_t multiplier = channels->multiplier[lane], shift = channels->shift[lane];
  if (!p->double_rescale)
    return martlet_rescale_to_int8(acc, multiplier, shift, p->output_zero_point, p->clamp_min, p->clamp_max);
  int32_t scaled = martlet_clamp(martlet_double_rescale(acc, multiplier, shift), INT16_MIN, INT16_MAX);
  return (int8_t)martlet_clamp(scaled + p->output_zero_point, p->clamp_min, p->clamp_max);
}

#endif

/// The convolution's grid of units and its way through a tile, shared by all instruction sets.
///
/// A unit is a tile: up to tile_h x tile_w output pixels of one picture and one group, times tile_panels blocks of 16 output
/// channels. Inside it the kernel sees a matrix product whose left side is never materialised: pixel r's patch starts at
/// a + r * pixel_stride, and its segments follow at fixed strides. Where a window leaves the picture (or a segment is not
/// whole quads), the tile's window is first copied to scratch with its border of zero points.
#ifndef MARTLET_CONV2D_H
#define MARTLET_CONV2D_H

#include "kernels_internal.h"

typedef struct conv2d_grid {
  /// A 1x1 convolution of stride 1 is rewritten as one row of pixels, whatever its pictures' shape.
  martlet_conv2d_params p;
  int32_t group_in_c, group_out_c;
  int32_t segments_y, segments_x, segment_bytes, segment_quads;
  int32_t panels;
  size_t panel_bytes;
  int32_t tile_h, tile_w, tile_panels;
  int32_t tiles_y, tiles_x, tiles_p;
  /// Windows lie inside the picture and segments are whole quads: read the input in place.
  bool direct;
  int32_t window_h, window_w;
  /// Elements from one row of the copied window to the next.
  int32_t window_stride;
} conv2d_grid;

void martlet_conv2d_grid(const martlet_conv2d_params *params, conv2d_grid *grid);

/// Where one unit lies.
typedef struct conv2d_tile {
  int32_t picture, group, panel, panels;
  int32_t y, x, height, width;
} conv2d_tile;

conv2d_tile martlet_conv2d_tile(const conv2d_grid *grid, int32_t unit);

/// `count` output pixels in one row times `panels` blocks of channels.
typedef struct conv2d_run {
  const conv2d_grid *grid;
  /// int8 or int16 elements, by instruction set; strides in elements.
  const void *a;
  ptrdiff_t pixel_stride, segment_stride_y, segment_stride_x;
  const uint8_t *panel;
  int32_t panels, count;
  /// Sum of each pixel's patch; only where the instruction set asked for it.
  const int32_t *sums;
  /// First pixel's first channel of the panels; out_c bytes from pixel to pixel.
  int8_t *out;
  /// Channels to write from here on: less than 16 * panels at the end of a group.
  int32_t channels;
} conv2d_run;

typedef void (*conv2d_run_kernel)(const conv2d_run *run);
/// Sums of `count` patches into sums[0..<count].
typedef void (*conv2d_sum_kernel)(const conv2d_run *run, int32_t *sums);

/// Copies the tile's window to scratch as int8 or as int16.
void martlet_conv2d_window_s8(const conv2d_grid *grid, const conv2d_tile *tile, const int8_t *input, int8_t *window);
void martlet_conv2d_window_s16(const conv2d_grid *grid, const conv2d_tile *tile, const int8_t *input, int16_t *window);

/// Runs the units with int8 patches. `sum` may be NULL: then `run.sums` is NULL too.
void martlet_conv2d_drive_s8(const martlet_conv2d_params *params, const martlet_buffers *buffers, int32_t first,
                             int32_t last, void *scratch, conv2d_run_kernel kernel, conv2d_sum_kernel sum);
/// Runs the units with patches widened to int16.
void martlet_conv2d_drive_s16(const martlet_conv2d_params *params, const martlet_buffers *buffers, int32_t first,
                              int32_t last, void *scratch, conv2d_run_kernel kernel);

/// The rescaling of one accumulator, bias included, by either of the two rules; the specification for all variants.
static inline int8_t martlet_conv2d_output(const martlet_conv2d_params *p, const martlet_channels *channels, int32_t lane,
                                           int32_t acc);

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

static inline int8_t martlet_conv2d_output(const martlet_conv2d_params *p, const martlet_channels *channels, int32_t lane,
                                           int32_t acc) {
  int32_t multiplier = channels->multiplier[lane], shift = channels->shift[lane];
  int32_t scaled = p->double_rescale ? martlet_double_rescale(acc, multiplier, shift)
                                     : martlet_rescale(acc, multiplier & INT32_MAX, martlet_clamp(shift, -31, 30));
  // Saturating to 16 bits before the zero point changes no int8 result and is what the packing instructions do.
  scaled = martlet_clamp(scaled, INT16_MIN, INT16_MAX) + p->output_zero_point;
  return (int8_t)martlet_clamp(scaled, p->clamp_min, p->clamp_max);
}

#endif

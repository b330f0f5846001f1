/// The depthwise convolution's grid of units and its way through a tile, shared by all instruction sets.
///
/// A unit is some rows of one picture times some blocks of 16 channels. Nothing is copied: for every row of the tile
/// there is a table of pointers, kernel_h for each input column that the row's windows touch, column after column. A
/// pointer outside the picture leads to a pixel of zero points. With dilation_w = 1 the taps of output pixel x are then
/// consecutive entries of the table, [kernel_w][kernel_h]. Only a channel multiplier above 1 copies: the window with
/// every channel repeated.
#ifndef MARTLET_DEPTHWISE_H
#define MARTLET_DEPTHWISE_H

#include "kernels_internal.h"

/// What is computed at load, and what kernels are called with.
typedef struct depthwise_grid {
  /// First, so that a kernel may take it for its record.
  martlet_depthwise_params p;
  int32_t channels;
  int32_t panels;
  size_t panel_bytes;
  int32_t tile_h, tile_panels;
  int32_t tiles_y, tiles_p;
  /// Input columns that the windows of a row touch.
  int32_t columns;
  /// Input rows that the windows of a tile touch.
  int32_t window_h;
  /// Scratch: a pixel of zero points, the tables, then the window where channels are repeated.
  size_t zeros_bytes, table_bytes, repeated_bytes;
} depthwise_grid;

/// The grid that begins with this record.
static inline const depthwise_grid *martlet_depthwise_plan_of(const martlet_depthwise_params *plan) {
  return (const depthwise_grid *)plan;
}

/// All pixels of a tile times `panels` blocks of channels.
typedef struct depthwise_run {
  const depthwise_grid *grid;
  /// Row y's table starts at table + y * columns * kernel_h.
  const int8_t *const *table;
  int32_t rows;
  /// First channel, to be added to every pointer of the table.
  int32_t channel;
  const uint8_t *panel;
  int32_t panels;
  /// Channels to write: less than 16 * panels at the end.
  int32_t channels;
  /// First row's first pixel's first channel of the panels.
  int8_t *out;
} depthwise_run;

typedef void (*depthwise_run_kernel)(const depthwise_run *run);

/// Runs the units, `panels` blocks of channels at a time. A pointer of the table may lead to a tensor's last pixel:
/// kernels read no more than run.channels bytes from it.
void martlet_depthwise_drive(const martlet_depthwise_params *plan, const martlet_buffers *buffers, int32_t first,
                             int32_t last, void *scratch, depthwise_run_kernel kernel, int32_t panels);

#endif

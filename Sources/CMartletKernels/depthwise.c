#include "depthwise.h"
#include "variants.h"

// MARK: - The grid

/// The largest unit, in multiply-accumulates. A depthwise multiply-accumulate costs several times a convolution's.
#define UNIT_WORK ((int64_t)1 << 18)
#define TILE_PIXELS 256
/// Blocks of channels that the widest instruction set handles at once.
#define WIDEST 4
/// Enough units for a small team, and what a unit must be worth for that; kernels gain by two rows at a time.
#define LEAST_UNITS 4
#define LEAST_WORK ((int64_t)1 << 15)
#define LEAST_ROWS 2

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/// Where there are too few units for a team, as in a strip of a cascade, halves tiles: rows first, then blocks of
/// panels. `work` is that of a panel's pixel.
static void split_tiles(depthwise_grid *g, int32_t block, int64_t work) {
  const martlet_depthwise_params *p = &g->p;
  while ((int64_t)p->batch * g->tiles_y * g->tiles_p < LEAST_UNITS &&
         work * g->tile_panels * g->tile_h * p->out_w >= 2 * LEAST_WORK) {
    if (g->tile_h > LEAST_ROWS) {
      g->tile_h = martlet_max(LEAST_ROWS, martlet_ceil_div(g->tile_h, 2));
      g->tiles_y = martlet_ceil_div(p->out_h, g->tile_h);
    } else if (g->tile_panels > block) {
      g->tile_panels = martlet_ceil_div(martlet_ceil_div(g->tile_panels, block), 2) * block;
      g->tiles_p = martlet_ceil_div(g->panels, g->tile_panels);
    } else {
      break;
    }
  }
}

static void make_grid(const martlet_depthwise_params *params, depthwise_grid *g) {
  g->p = *params;
  const martlet_depthwise_params *p = &g->p;
  g->channels = p->in_c * p->multiplier;
  g->panels = (g->channels + 15) / 16;
  int64_t taps = (int64_t)p->kernel_h * p->kernel_w;
  g->panel_bytes = sizeof(martlet_channels) + (size_t)taps * 16;
  g->columns = (p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;

  int32_t block = martlet_min(g->panels, WIDEST);
  int64_t rows = martlet_min(TILE_PIXELS / martlet_min(p->out_w, TILE_PIXELS), p->out_h);
  int64_t affordable = UNIT_WORK / (taps * 16 * block * p->out_w);
  if (rows > affordable) rows = affordable;
  if (rows < 1) rows = 1;
  g->tiles_y = martlet_ceil_div(p->out_h, rows);
  g->tile_h = martlet_ceil_div(p->out_h, g->tiles_y);

  int64_t panels = UNIT_WORK / (taps * 16 * g->tile_h * p->out_w) / block * block;
  if (panels < block) panels = block;
  if (panels > g->panels) panels = g->panels;
  // Even shares, in whole blocks.
  g->tiles_p = martlet_ceil_div(g->panels, panels);
  g->tile_panels = martlet_min(martlet_ceil_div(martlet_ceil_div(g->panels, g->tiles_p), block) * block, g->panels);
  g->tiles_p = martlet_ceil_div(g->panels, g->tile_panels);
  split_tiles(g, block, taps * 16);
  g->window_h = (g->tile_h - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;

  g->zeros_bytes = rounded((size_t)g->panels * 16 + 64);
  g->table_bytes =
      rounded(martlet_scratch_product((int64_t)g->tile_h * g->columns, p->kernel_h * (int64_t)sizeof(void *)));
  g->repeated_bytes =
      p->multiplier == 1 ? 0 : rounded(martlet_scratch_product(g->window_h, (int64_t)p->in_w * g->channels) + 64);
}

// MARK: - Sizes

MARTLET_WORKLOAD(depthwise, params) {
  depthwise_grid g;
  make_grid(params, &g);
  return (martlet_workload){
      .units = g.tiles_p * g.p.batch * g.tiles_y,
      .unit_work = (int64_t)g.p.kernel_h * g.p.kernel_w * 16 * g.tile_panels * g.tile_h * g.p.out_w,
      .scratch_bytes = g.zeros_bytes + g.table_bytes + g.repeated_bytes,
      .multiply_accumulates = (int64_t)g.p.batch * g.p.out_h * g.p.out_w * g.channels *
                              ((int64_t)g.p.kernel_h * g.p.kernel_w),
  };
}

size_t martlet_depthwise_weights_bytes(const martlet_depthwise_params *params) {
  depthwise_grid g;
  make_grid(params, &g);
  return (size_t)g.panels * g.panel_bytes;
}

MARTLET_PLAN(depthwise, params, grid) { make_grid(params, grid); }

// MARK: - Units

typedef struct depthwise_tile {
  int32_t picture, y, height, panel, panels;
} depthwise_tile;

static depthwise_tile tile_of(const depthwise_grid *g, int32_t unit) {
  depthwise_tile t;
  // Rows outermost: neighbouring units read and write neighbouring memory, and so does a thread's share of them.
  t.panel = unit % g->tiles_p * g->tile_panels;
  unit /= g->tiles_p;
  int32_t tile_y = unit % g->tiles_y;
  t.picture = unit / g->tiles_y;
  t.y = tile_y * g->tile_h;
  t.height = martlet_min(g->tile_h, g->p.out_h - t.y);
  t.panels = martlet_min(g->tile_panels, g->panels - t.panel);
  return t;
}

/// The next unit's, without a division.
static void advance(const depthwise_grid *g, depthwise_tile *t) {
  t->panel += g->tile_panels;
  if (t->panel >= g->panels) {
    t->panel = 0;
    t->y += g->tile_h;
    if (t->y >= g->p.out_h) {
      t->y = 0;
      t->picture++;
    }
    t->height = martlet_min(g->tile_h, g->p.out_h - t->y);
  }
  t->panels = martlet_min(g->tile_panels, g->panels - t->panel);
}

/// `count` entries of each column of a row's table: pixel[k], a step further on from column to column in the picture.
static inline __attribute__((always_inline)) void fill_row(const depthwise_grid *g, int32_t kernel_h, int32_t count,
                                                           const int8_t *pixel[], const ptrdiff_t step[],
                                                           const int8_t *zeros, const int8_t **entry) {
  const int32_t left = martlet_min(g->p.pad_left, g->columns);
  const int32_t right = martlet_min(g->p.pad_left + g->p.in_w, g->columns);
  int32_t column = 0;
  for (; column < left; column++, entry += kernel_h)
    for (int32_t k = 0; k < count; k++) entry[k] = zeros;
  for (; column < right; column++, entry += kernel_h) {
    for (int32_t k = 0; k < count; k++) {
      entry[k] = pixel[k];
      pixel[k] += step[k];
    }
  }
  for (; column < g->columns; column++, entry += kernel_h)
    for (int32_t k = 0; k < count; k++) entry[k] = zeros;
}

/// Rows of a window that are filled side by side.
#define TOGETHER 5

/// `rows` says where the picture's rows are.
static void fill_table(const depthwise_grid *g, const depthwise_tile *t, const int8_t *picture,
                       const martlet_buffers *rows, const int8_t *zeros, const int8_t **table) {
  const martlet_depthwise_params *p = &g->p;
  const int64_t row_bytes = (int64_t)p->in_w * g->channels;
  for (int32_t y = 0; y < t->height; y++, table += (ptrdiff_t)g->columns * p->kernel_h) {
    int32_t row = (t->y + y) * p->stride_h - p->pad_top;
    for (int32_t from = 0; from < p->kernel_h; from += TOGETHER) {
      const int8_t *pixel[TOGETHER];
      ptrdiff_t step[TOGETHER];
      const int32_t count = martlet_min(TOGETHER, p->kernel_h - from);
      for (int32_t k = 0; k < count; k++, row += p->dilation_h) {
        const bool inside = row >= 0 && row < p->in_h;
        pixel[k] = inside ? picture + martlet_row(rows, row) * row_bytes : zeros;
        step[k] = inside ? g->channels : 0;
      }
      if (p->kernel_h == 3) fill_row(g, 3, 3, pixel, step, zeros, table);
      else if (p->kernel_h == 5) fill_row(g, 5, 5, pixel, step, zeros, table);
      else fill_row(g, p->kernel_h, count, pixel, step, zeros, table + from);
    }
  }
}

/// The rows that the tile's windows touch, each channel `multiplier` times. Returns where they are.
static martlet_buffers repeat_channels(const depthwise_grid *g, const depthwise_tile *t, const int8_t *picture,
                                       const martlet_buffers *rows, int8_t *out) {
  const martlet_depthwise_params *p = &g->p;
  const int32_t first = martlet_clamp(t->y * p->stride_h - p->pad_top, 0, p->in_h - 1);
  const int32_t last = martlet_min(first + g->window_h, p->in_h), count = p->in_w * p->in_c;
  for (int32_t row = first; row < last; row++) {
    const int8_t *in = picture + (int64_t)martlet_row(rows, row) * count;
    for (int32_t i = 0; i < count; i++, out += p->multiplier) {
      // Eight at a time; what is beyond the channel's end is written again, or is the slack behind the window.
      const uint64_t eight = (uint8_t)in[i] * UINT64_C(0x0101010101010101);
      for (int32_t m = 0; m < p->multiplier; m += 8) memcpy(out + m, &eight, 8);
    }
  }
  return (martlet_buffers){.ring_rows = INT32_MAX, .ring_start = -first};
}

void martlet_depthwise_drive(const martlet_depthwise_params *plan, const martlet_buffers *buffers, int32_t first,
                             int32_t last, void *scratch, depthwise_run_kernel kernel, int32_t panels) {
  const depthwise_grid *g = martlet_depthwise_plan_of(plan);
  const martlet_depthwise_params *p = &g->p;
  int8_t *zeros = scratch;
  const int8_t **table = (const int8_t **)(zeros + g->zeros_bytes);
  int8_t *repeated = (int8_t *)table + g->table_bytes;
  memset(zeros, p->input_zero_point, g->zeros_bytes);
  depthwise_tile t = tile_of(g, first);
  depthwise_run run = {.grid = g, .table = table};
  for (int32_t unit = first; unit < last; unit++, advance(g, &t)) {
    // The next unit may be the same rows times other panels.
    if (unit == first || t.panel == 0) {
      const int8_t *picture = (const int8_t *)buffers->input[0] + (int64_t)t.picture * p->in_h * p->in_w * p->in_c;
      if (p->multiplier > 1) {
        const martlet_buffers rows = repeat_channels(g, &t, picture, buffers, repeated);
        fill_table(g, &t, repeated, &rows, zeros, table);
      } else {
        fill_table(g, &t, picture, buffers, zeros, table);
      }
    }
    run.rows = t.height;
    run.channel = t.panel * 16;
    run.panel = (const uint8_t *)buffers->weights + (size_t)t.panel * g->panel_bytes;
    run.out = (int8_t *)buffers->output + ((int64_t)t.picture * p->out_h + t.y) * p->out_w * g->channels + run.channel;
    for (int32_t left = t.panels; left > 0; left -= panels) {
      run.panels = martlet_min(panels, left);
      run.channels = martlet_min(16 * run.panels, g->channels - run.channel);
      kernel(&run);
      run.channel += 16 * panels;
      run.panel += (size_t)panels * g->panel_bytes;
      run.out += 16 * panels;
    }
  }
}

// MARK: - Scalar: the specification

MARTLET_SMALL_BEGIN
static int8_t pixel_of(const martlet_depthwise_params *p, const martlet_buffers *buffers, const int8_t *picture,
                       const uint8_t *panel, int32_t oy, int32_t ox, int32_t channel) {
  const martlet_channels *channels = (const martlet_channels *)panel;
  const int8_t *weights = (const int8_t *)(channels + 1);
  int32_t lane = channel % 16;
  int32_t acc = channels->bias[lane];
  for (int32_t ky = 0; ky < p->kernel_h; ky++) {
    for (int32_t kx = 0; kx < p->kernel_w; kx++) {
      int32_t y = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
      int32_t x = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
      bool inside = y >= 0 && y < p->in_h && x >= 0 && x < p->in_w;
      const int8_t *pixel = picture + ((int64_t)martlet_row(buffers, y) * p->in_w + x) * p->in_c;
      int32_t value = inside ? pixel[channel / p->multiplier] : p->input_zero_point;
      int32_t w = weights[((int64_t)ky * p->kernel_w + kx) * 16 + lane] - p->weight_zero_point;
      acc = martlet_wrapping_add(acc, value * w);
    }
  }
  return martlet_rescale_to_int8(acc, channels->multiplier[lane], channels->shift[lane], p->output_zero_point,
                                 p->clamp_min, p->clamp_max);
}

MARTLET_KERNEL(depthwise, scalar, params) {
  const depthwise_grid g = *martlet_depthwise_plan_of(params);
  const martlet_depthwise_params *p = &g.p;
  for (int32_t unit = first; unit < last; unit++) {
    depthwise_tile t = tile_of(&g, unit);
    const int8_t *picture = (const int8_t *)buffers->input[0] + (int64_t)t.picture * p->in_h * p->in_w * p->in_c;
    int32_t end = martlet_min((t.panel + t.panels) * 16, g.channels);
    for (int32_t y = t.y; y < t.y + t.height; y++) {
      for (int32_t x = 0; x < p->out_w; x++) {
        int8_t *out = (int8_t *)buffers->output + (((int64_t)t.picture * p->out_h + y) * p->out_w + x) * g.channels;
        for (int32_t channel = t.panel * 16; channel < end; channel++) {
          const uint8_t *panel = (const uint8_t *)buffers->weights + (size_t)(channel / 16) * g.panel_bytes;
          out[channel] = pixel_of(p, buffers, picture, panel, y, x, channel);
        }
      }
    }
  }
}

MARTLET_SMALL_END

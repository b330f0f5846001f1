#include "conv2d.h"
#include "variants.h"

// MARK: - The grid

/// The largest unit, in multiply-accumulates: some tens of microseconds with SIMD, so that a step stays short.
#define UNIT_WORK ((int64_t)1 << 20)
/// The largest tile in pixels, and in bytes of copied window (int16, which AVX2 needs) as far as one row allows.
#define TILE_PIXELS 256
#define WINDOW_BYTES (96 * 1024)
/// Enough units to keep a small team busy to the end of the operator.
#define WANTED_UNITS 8

static int32_t even_share(int32_t count, int32_t parts) { return (count + parts - 1) / parts; }

static void normalise(martlet_conv2d_params *p) {
  bool flat = p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 && p->pad_top == 0 &&
              p->pad_left == 0 && p->input_step_h == 1 && p->input_step_w == 1 && p->in_h == p->out_h &&
              p->in_w == p->out_w;
  if (p->kernel_w == 1) p->dilation_w = 1;
  if (p->kernel_h == 1) p->dilation_h = 1;
  if (!flat) return;
  p->in_w = p->out_w = p->batch * p->in_h * p->in_w;
  p->batch = p->in_h = p->out_h = 1;
}

static void set_window(conv2d_grid *g) {
  const martlet_conv2d_params *p = &g->p;
  g->window_h = (g->tile_h - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;
  g->window_w = (g->tile_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
  g->window_stride = ((int64_t)g->window_w * g->group_in_c + 3 + 3) & ~(int64_t)3;
}

/// In the widest elements of any instruction set; saturates.
static size_t window_bytes(const conv2d_grid *g) { return martlet_scratch_product(g->window_h, g->window_stride * 2); }

static void make_grid(const martlet_conv2d_params *params, conv2d_grid *g) {
  g->p = *params;
  martlet_conv2d_params *p = &g->p;
  normalise(p);
  g->group_in_c = p->in_c / p->groups;
  g->group_out_c = p->out_c / p->groups;
  bool whole_rows = p->groups == 1 && params->dilation_w == 1 && p->input_step_w == 1;
  g->segments_y = p->kernel_h;
  g->segments_x = whole_rows ? 1 : p->kernel_w;
  g->segment_bytes = whole_rows ? p->kernel_w * p->in_c : g->group_in_c;
  g->segment_quads = (g->segment_bytes + 3) / 4;
  g->panels = (g->group_out_c + 15) / 16;
  int64_t depth = (int64_t)g->segments_y * g->segments_x * g->segment_quads * 4;
  g->panel_bytes = sizeof(martlet_channels) + (size_t)depth * 16;

  bool inside_h = p->pad_top == 0 &&
                  (int64_t)(p->out_h - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h < p->in_h;
  bool inside_w = p->pad_left == 0 &&
                  (int64_t)(p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w < p->in_w;
  g->inside = inside_h && inside_w && p->input_step_h == 1 && p->input_step_w == 1 && g->segment_bytes % 4 == 0;

  // Tiles: as many pixels as the work and the window allow, evenly cut.
  int32_t least_panels = martlet_min(g->panels, 2);
  int64_t pixels = UNIT_WORK / (depth * 16 * least_panels);
  if (pixels > TILE_PIXELS) pixels = TILE_PIXELS;
  if (pixels < 1) pixels = 1;
  g->tile_h = 1;
  do {
    g->tiles_x = martlet_ceil_div(p->out_w, pixels);
    g->tile_w = even_share(p->out_w, g->tiles_x);
    set_window(g);
    pixels = g->tile_w / 2;
  } while (window_bytes(g) > WINDOW_BYTES && pixels >= 1);
  while (g->tile_h < p->out_h && g->tile_w * (g->tile_h + 1) <= TILE_PIXELS &&
         (int64_t)g->tile_w * (g->tile_h + 1) * depth * 16 * least_panels <= UNIT_WORK) {
    g->tile_h += 1;
    set_window(g);
    if (window_bytes(g) > WINDOW_BYTES) {
      g->tile_h -= 1;
      break;
    }
  }
  g->tiles_y = even_share(p->out_h, g->tile_h);
  g->tile_h = even_share(p->out_h, g->tiles_y);
  set_window(g);

  int64_t panels = UNIT_WORK / (depth * 16 * g->tile_h * g->tile_w);
  int64_t spatial = (int64_t)p->batch * g->tiles_y * g->tiles_x * p->groups;
  int32_t wanted = spatial >= WANTED_UNITS ? 1 : martlet_ceil_div(WANTED_UNITS, spatial);
  if (panels > even_share(g->panels, wanted)) panels = even_share(g->panels, wanted);
  if (panels < least_panels) panels = least_panels;
  panels = (panels + 1) & ~(int64_t)1;
  g->tile_panels = martlet_min((int32_t)panels, g->panels);
  g->tiles_p = even_share(g->panels, g->tile_panels);
  g->sums_offset = (window_bytes(g) + 63) & ~(size_t)63;
}

/// Panels outermost: neighbouring units share weights, which are what has to come from memory.
static conv2d_tile tile_of(const conv2d_grid *g, int32_t unit) {
  conv2d_tile t;
  int32_t tile_x = unit % g->tiles_x;
  unit /= g->tiles_x;
  int32_t tile_y = unit % g->tiles_y;
  unit /= g->tiles_y;
  t.picture = unit % g->p.batch;
  unit /= g->p.batch;
  int32_t tile_p = unit % g->tiles_p;
  t.group = unit / g->tiles_p;
  t.x = tile_x * g->tile_w;
  t.y = tile_y * g->tile_h;
  t.panel = tile_p * g->tile_panels;
  t.width = martlet_min(g->tile_w, g->p.out_w - t.x);
  t.height = martlet_min(g->tile_h, g->p.out_h - t.y);
  t.panels = martlet_min(g->tile_panels, g->panels - t.panel);
  return t;
}

/// The next unit's, without a division.
static void advance(const conv2d_grid *g, conv2d_tile *t) {
  t->x += g->tile_w;
  if (t->x >= g->p.out_w) {
    t->x = 0;
    t->y += g->tile_h;
    if (t->y >= g->p.out_h) {
      t->y = 0;
      if (++t->picture == g->p.batch) {
        t->picture = 0;
        t->panel += g->tile_panels;
        if (t->panel >= g->panels) {
          t->panel = 0;
          t->group++;
        }
        t->panels = martlet_min(g->tile_panels, g->panels - t->panel);
      }
    }
    t->height = martlet_min(g->tile_h, g->p.out_h - t->y);
  }
  t->width = martlet_min(g->tile_w, g->p.out_w - t->x);
}

// MARK: - Sizes

MARTLET_WORKLOAD(conv2d, params) {
  conv2d_grid g;
  make_grid(params, &g);
  int64_t depth = (int64_t)g.segments_y * g.segments_x * g.segment_quads * 4;
  return (martlet_workload){
      // At most as many as the output has elements.
      .units = g.p.groups * g.tiles_p * g.p.batch * g.tiles_y * g.tiles_x,
      .unit_work = depth * 16 * g.tile_panels * g.tile_h * g.tile_w,
      .scratch_bytes = g.sums_offset + (size_t)g.tile_h * g.tile_w * 4,
      .multiply_accumulates = (int64_t)g.p.batch * g.p.out_h * g.p.out_w * g.p.out_c *
                              ((int64_t)g.p.kernel_h * g.p.kernel_w * g.group_in_c),
  };
}

size_t martlet_conv2d_weights_bytes(const martlet_conv2d_params *params) {
  conv2d_grid g;
  make_grid(params, &g);
  return (size_t)g.p.groups * g.panels * g.panel_bytes;
}

MARTLET_PLAN(conv2d, params, grid) { make_grid(params, grid); }

// MARK: - Driving the tiles

static conv2d_run window_run(const conv2d_grid *g, const void *window) {
  return (conv2d_run){.a = window,
                      .row_stride = (ptrdiff_t)g->p.stride_h * g->window_stride,
                      .pixel_stride = (ptrdiff_t)g->p.stride_w * g->group_in_c,
                      .segment_stride_y = (ptrdiff_t)g->p.dilation_h * g->window_stride,
                      .segment_stride_x = (ptrdiff_t)g->p.dilation_w * g->group_in_c};
}

static conv2d_run in_place_run(const conv2d_grid *g, const conv2d_tile *t, const int8_t *input) {
  const martlet_conv2d_params *p = &g->p;
  const ptrdiff_t row = (ptrdiff_t)p->in_w * p->in_c;
  return (conv2d_run){.a = input + ((ptrdiff_t)t->picture * p->in_h + t->y * p->stride_h) * row +
                           (ptrdiff_t)t->x * p->stride_w * p->in_c + t->group * g->group_in_c,
                      .row_stride = p->stride_h * row,
                      .pixel_stride = (ptrdiff_t)p->stride_w * p->in_c,
                      .segment_stride_y = p->dilation_h * row,
                      .segment_stride_x = (ptrdiff_t)p->dilation_w * p->in_c};
}

/// The input's part of a tile's run: where its patches are and what they add up to.
static conv2d_run run_of(const conv2d_grid *g, const conv2d_tile *t, const int8_t *input, void *scratch,
                         const conv2d_variant *variant) {
  conv2d_run run;
  if (variant->in_place && g->inside) {
    run = in_place_run(g, t, input);
  } else {
    variant->copy_window(g, t, input, scratch);
    run = window_run(g, scratch);
  }
  run.grid = g;
  run.rows = t->height;
  run.count = t->width;
  run.out_stride = (ptrdiff_t)g->p.out_w * g->p.out_c;
  int32_t *sums = variant->sum && g->p.weight_zero_point != 0 ? (int32_t *)((char *)scratch + g->sums_offset) : NULL;
  run.sums = sums;
  if (sums) variant->sum(&run, sums);
  return run;
}

void martlet_conv2d_drive(const martlet_conv2d_params *plan, const martlet_buffers *buffers, int32_t first,
                          int32_t last, void *scratch, const conv2d_variant *variant) {
  const conv2d_grid *g = martlet_conv2d_plan_of(plan);
  conv2d_tile t = tile_of(g, first), before = {.picture = -1};
  conv2d_run run;
  for (int32_t unit = first; unit < last; unit++, advance(g, &t)) {
    // Where a whole picture is one tile, the next unit is the same pixels times other panels.
    if (t.picture != before.picture || t.y != before.y || t.x != before.x || t.group != before.group)
      run = run_of(g, &t, buffers->input[0], scratch, variant);
    before = t;
    run.panel = (const uint8_t *)buffers->weights + ((size_t)t.group * g->panels + t.panel) * g->panel_bytes;
    run.channels = g->group_out_c - t.panel * 16;
    run.out = (int8_t *)buffers->output + ((ptrdiff_t)t.picture * g->p.out_h + t.y) * run.out_stride +
              (ptrdiff_t)t.x * g->p.out_c + t.group * g->group_out_c + t.panel * 16;
    const int32_t channels = run.channels;
    for (int32_t panel = 0; panel < t.panels; panel += 2) {
      run.panels = martlet_min(2, t.panels - panel);
      run.channels = martlet_min(16 * run.panels, channels - panel * 16);
      variant->run(&run);
      run.panel += 2 * g->panel_bytes;
      run.out += 32;
    }
  }
}

// MARK: - Scalar: the specification

MARTLET_SMALL_BEGIN
/// Straight from the definition: no tile's window, no patch, every tap tested against the picture's edge.
static int32_t accumulate(const conv2d_grid *g, const int8_t *picture, const int8_t *weights, int32_t oy, int32_t ox,
                          int32_t lane) {
  const martlet_conv2d_params *p = &g->p;
  int32_t acc = 0;
  for (int32_t ky = 0; ky < p->kernel_h; ky++) {
    for (int32_t kx = 0; kx < p->kernel_w; kx++) {
      int32_t y = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
      int32_t x = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
      bool inside = y >= 0 && x >= 0 && y % p->input_step_h == 0 && x % p->input_step_w == 0 &&
                    y / p->input_step_h < p->in_h && x / p->input_step_w < p->in_w;
      const int8_t *pixel =
          inside ? picture + ((int64_t)(y / p->input_step_h) * p->in_w + x / p->input_step_w) * p->in_c : NULL;
      for (int32_t c = 0; c < g->group_in_c; c++) {
        int32_t depth = g->segments_x == 1 ? kx * g->group_in_c + c : c;
        int64_t segment = (int64_t)ky * g->segments_x + (g->segments_x == 1 ? 0 : kx);
        int64_t quad = segment * g->segment_quads + depth / 4;
        int32_t w = weights[quad * 64 + lane * 4 + depth % 4] - p->weight_zero_point;
        int32_t value = pixel ? pixel[c] : p->input_zero_point;
        acc = martlet_wrapping_add(acc, value * w);
      }
    }
  }
  return acc;
}

MARTLET_KERNEL(conv2d, scalar, params) {
  const conv2d_grid g = *martlet_conv2d_plan_of(params);
  const martlet_conv2d_params *p = &g.p;
  for (int32_t unit = first; unit < last; unit++) {
    conv2d_tile t = tile_of(&g, unit);
    const int8_t *picture = (const int8_t *)buffers->input[0] + (int64_t)t.picture * p->in_h * p->in_w * p->in_c +
                            t.group * g.group_in_c;
    for (int32_t i = 0; i < t.panels; i++) {
      const uint8_t *panel = (const uint8_t *)buffers->weights +
                             ((size_t)t.group * g.panels + t.panel + i) * g.panel_bytes;
      const martlet_channels *channels = (const martlet_channels *)panel;
      const int8_t *weights = (const int8_t *)(channels + 1);
      int32_t lanes = martlet_min(16, g.group_out_c - (t.panel + i) * 16);
      for (int32_t y = t.y; y < t.y + t.height; y++) {
        for (int32_t x = t.x; x < t.x + t.width; x++) {
          int8_t *out = (int8_t *)buffers->output + (((int64_t)t.picture * p->out_h + y) * p->out_w + x) * p->out_c +
                        t.group * g.group_out_c + (t.panel + i) * 16;
          for (int32_t lane = 0; lane < lanes; lane++) {
            int32_t acc = accumulate(&g, picture, weights, y, x, lane);
            out[lane] = martlet_conv2d_output(p, channels, lane, martlet_wrapping_add(acc, channels->bias[lane]));
          }
        }
      }
    }
  }
}

MARTLET_SMALL_END

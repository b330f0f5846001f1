/// How a convolution is cut into units, and what it takes: made at load.
#include "conv2d.h"
#include "variants.h"

/// The largest unit, in multiply-accumulates: some tens of microseconds with SIMD, so that a step stays short.
#define UNIT_WORK ((int64_t)1 << 20)
/// The largest tile in pixels, and what its windows may touch in bytes (of int16, which AVX2 needs) as far as one row
/// allows.
#define TILE_PIXELS 256
#define TILE_BYTES (96 * 1024)
/// What a window that is copied takes in scratch, as far as one pixel allows: with the sums less than 32 KiB.
#define WINDOW_BYTES (30 * 1024)
/// Enough units to keep a small team busy to the end of the operator, as far as there are panels; for fewer than
/// LEAST_UNITS tiles are cut too, where a unit is then still worth LEAST_WORK.
#define WANTED_UNITS 8
#define LEAST_UNITS 4
#define LEAST_WORK ((int64_t)1 << 16)
/// What a share of the panels must be worth: some microseconds, as with fully connected layers.
#define LEAST_SHARE ((int64_t)1 << 15)

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

/// For a window of h x w output pixels.
static void set_window(conv2d_grid *g, int32_t h, int32_t w) {
  const martlet_conv2d_params *p = &g->p;
  g->copy_h = h;
  g->copy_w = w;
  g->window_h = (h - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;
  g->window_w = (w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
  g->window_stride = ((int64_t)g->window_w * g->group_in_c + 3 + 3) & ~(int64_t)3;
}

/// In the widest elements of any instruction set; saturates.
static size_t window_bytes(const conv2d_grid *g) { return martlet_scratch_product(g->window_h, g->window_stride * 2); }

/// Where there are too few units for a team, as in a strip of a cascade, halves tiles: rows first. `work` is a pixel's.
static void split_tiles(conv2d_grid *g, int64_t work) {
  const martlet_conv2d_params *p = &g->p;
  const int64_t others = (int64_t)p->batch * p->groups * g->tiles_p;
  while (others * g->tiles_y * g->tiles_x < LEAST_UNITS && work * g->tile_h * g->tile_w >= 2 * LEAST_WORK) {
    if (g->tile_h > 1) {
      g->tile_h = even_share(g->tile_h, 2);
      g->tiles_y = even_share(p->out_h, g->tile_h);
    } else if (g->tile_w > 1) {
      g->tile_w = even_share(g->tile_w, 2);
      // Whole blocks of a kernel's pixels, 6 or 4 on most sets, but for the last ones.
      if (g->tile_w >= 24) g->tile_w = (g->tile_w + 11) / 12 * 12;
      g->tiles_x = even_share(p->out_w, g->tile_w);
    } else {
      break;
    }
  }
}

/// How much of a tile is copied at a time.
static void set_copied(conv2d_grid *g) {
  int32_t h = g->tile_h, w = g->tile_w;
  set_window(g, h, w);
  while (window_bytes(g) > WINDOW_BYTES && h * w > 1) {
    if (h > 1) h = even_share(h, 2);
    else w = even_share(w, 2);
    set_window(g, h, w);
  }
}

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

  g->single = g->inside && p->groups == 1 && g->segments_y * g->segments_x == 1 &&
              (int64_t)p->batch * p->out_h * p->out_w == 1;

  // Tiles: as many pixels as the work and the window allow, evenly cut.
  int32_t least_panels = martlet_min(g->panels, 2);
  int64_t pixels = UNIT_WORK / (depth * 16 * least_panels);
  if (pixels > TILE_PIXELS) pixels = TILE_PIXELS;
  if (pixels < 1) pixels = 1;
  g->tile_h = 1;
  do {
    g->tiles_x = martlet_ceil_div(p->out_w, pixels);
    g->tile_w = even_share(p->out_w, g->tiles_x);
    set_window(g, 1, g->tile_w);
    pixels = g->tile_w / 2;
  } while (window_bytes(g) > TILE_BYTES && pixels >= 1);
  while (g->tile_h < p->out_h && g->tile_w * (g->tile_h + 1) <= TILE_PIXELS &&
         (int64_t)g->tile_w * (g->tile_h + 1) * depth * 16 * least_panels <= UNIT_WORK) {
    g->tile_h += 1;
    set_window(g, g->tile_h, g->tile_w);
    if (window_bytes(g) > TILE_BYTES) {
      g->tile_h -= 1;
      break;
    }
  }
  g->tiles_y = even_share(p->out_h, g->tile_h);
  g->tile_h = even_share(p->out_h, g->tiles_y);

  int64_t panels = UNIT_WORK / (depth * 16 * g->tile_h * g->tile_w);
  int64_t spatial = (int64_t)p->batch * g->tiles_y * g->tiles_x * p->groups;
  int64_t wanted = spatial >= WANTED_UNITS ? 1 : martlet_ceil_div(WANTED_UNITS, spatial);
  const int64_t shares = depth * 16 * g->panels * g->tile_h * g->tile_w / LEAST_SHARE;
  if (wanted > shares) wanted = shares > 1 ? shares : 1;
  if (panels > even_share(g->panels, (int32_t)wanted)) panels = even_share(g->panels, (int32_t)wanted);
  if (panels < least_panels) panels = least_panels;
  panels = (panels + 1) & ~(int64_t)1;
  g->tile_panels = martlet_min((int32_t)panels, g->panels);
  g->tiles_p = even_share(g->panels, g->tile_panels);
  split_tiles(g, depth * 16 * g->tile_panels);
  set_copied(g);
  g->sums_offset = (window_bytes(g) + 63) & ~(size_t)63;
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

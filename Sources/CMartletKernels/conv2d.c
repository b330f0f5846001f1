#include "conv2d.h"
#include "variants.h"

// MARK: - Tiles

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

/// Whether two tiles are the same pixels: where a whole picture is one tile, the next unit is that times other panels.
static bool is_same(const conv2d_tile *a, const conv2d_tile *b) {
  return a->x == b->x && a->y == b->y && a->picture == b->picture && a->group == b->group;
}

/// The input's part of a run: where the patches of the tile's pixels are and what they add up to.
static conv2d_run run_of(const conv2d_grid *g, const conv2d_tile *t, const int8_t *input, void *scratch, bool in_place,
                         const conv2d_variant *variant) {
  conv2d_run run;
  if (in_place) {
    run = in_place_run(g, t, input);
  } else {
    variant->copy_window(g, t, input, scratch);
    run = window_run(g, scratch);
  }
  run.grid = g;
  run.rows = t->height;
  run.count = t->width;
  run.out_stride = (ptrdiff_t)g->p.out_w * g->p.out_c;
  const bool wants_sums = variant->sum && (g->p.weight_zero_point != 0 || (in_place && variant->sums_in_place));
  int32_t *sums = wants_sums ? (int32_t *)((char *)scratch + g->sums_offset) : NULL;
  run.in_place = in_place;
  run.sums = sums;
  if (sums) variant->sum(&run, sums);
  return run;
}

/// A run's pixels times all panels of the tile, two at a time.
static void run_panels(conv2d_run *run, const conv2d_tile *t, const martlet_buffers *buffers,
                       const conv2d_variant *variant) {
  const conv2d_grid *g = run->grid;
  int32_t channels = g->group_out_c - t->panel * 16;
  run->panel = (const uint8_t *)buffers->weights + ((size_t)t->group * g->panels + t->panel) * g->panel_bytes;
  run->out = (int8_t *)buffers->output + ((ptrdiff_t)t->picture * g->p.out_h + t->y) * run->out_stride +
             (ptrdiff_t)t->x * g->p.out_c + t->group * g->group_out_c + t->panel * 16;
  for (int32_t panels = t->panels; panels > 0; panels -= 2, channels -= 32) {
    run->panels = martlet_min(2, panels);
    run->channels = martlet_min(16 * run->panels, channels);
    variant->run(run);
    run->panel += 2 * g->panel_bytes;
    run->out += 32;
  }
}

/// Whether a variant reads the input where it lies: no window leaves the picture or goes round a ring.
static bool is_in_place(const conv2d_variant *variant, const conv2d_grid *g, const martlet_buffers *buffers) {
  return variant->in_place && g->inside && buffers->ring_rows == 0 && g->segment_bytes >= variant->least_in_place &&
         (g->segments_y * g->segments_x == 1 || variant->least_in_place == 0);
}

/// A tile, copied part by part.
static void run_copied(const conv2d_grid *g, const conv2d_tile *t, const martlet_buffers *buffers, void *scratch,
                       const conv2d_variant *variant, conv2d_tile *before, conv2d_run *run) {
  conv2d_tile part = *t;
  part.ring_rows = buffers->ring_rows > 0 ? buffers->ring_rows : INT32_MAX;
  part.ring_start = buffers->ring_start;
  for (part.y = t->y; part.y < t->y + t->height; part.y += g->copy_h) {
    part.height = martlet_min(g->copy_h, t->y + t->height - part.y);
    for (part.x = t->x; part.x < t->x + t->width; part.x += g->copy_w) {
      part.width = martlet_min(g->copy_w, t->x + t->width - part.x);
      if (!is_same(&part, before)) *run = run_of(g, &part, buffers->input[0], scratch, false, variant);
      *before = part;
      run_panels(run, &part, buffers, variant);
    }
  }
}

/// A single pixel times the panels of units [first, last), which follow one another.
static void run_single(const conv2d_grid *g, const martlet_buffers *buffers, int32_t first, int32_t last, void *scratch,
                       const conv2d_variant *variant) {
  conv2d_run run;
  run.grid = g;
  run.a = buffers->input[0];
  run.row_stride = run.pixel_stride = run.segment_stride_y = run.segment_stride_x = 0;
  run.in_place = true;
  run.rows = run.count = 1;
  run.out_stride = 0;
  run.sums = NULL;
  if (variant->sum && variant->in_place && (g->p.weight_zero_point != 0 || variant->sums_in_place)) {
    int32_t *sums = (int32_t *)((char *)scratch + g->sums_offset);
    variant->sum(&run, sums);
    run.sums = sums;
  }
  conv2d_tile t = {.panel = first * g->tile_panels};
  t.panels = martlet_min(last * g->tile_panels, g->panels) - t.panel;
  if (!variant->single) {
    run_panels(&run, &t, buffers, variant);
    return;
  }
  run.panel = (const uint8_t *)buffers->weights + (size_t)t.panel * g->panel_bytes;
  run.out = (int8_t *)buffers->output + t.panel * 16;
  run.panels = t.panels;
  run.channels = martlet_min(16 * t.panels, g->group_out_c - t.panel * 16);
  variant->single(&run);
}

void martlet_conv2d_drive(const martlet_conv2d_params *plan, const martlet_buffers *buffers, int32_t first,
                          int32_t last, void *scratch, const conv2d_variant *variant) {
  const conv2d_grid *g = martlet_conv2d_plan_of(plan);
  const bool in_place = is_in_place(variant, g, buffers);
  if (g->single && buffers->ring_rows == 0 && (in_place || variant->single)) {
    run_single(g, buffers, first, last, scratch, variant);
    return;
  }
  conv2d_tile t = tile_of(g, first), before = {.picture = -1};
  conv2d_run run;
  for (int32_t unit = first; unit < last; unit++, advance(g, &t)) {
    if (!in_place) {
      run_copied(g, &t, buffers, scratch, variant, &before, &run);
      continue;
    }
    if (!is_same(&t, &before)) run = run_of(g, &t, buffers->input[0], scratch, true, variant);
    before = t;
    run_panels(&run, &t, buffers, variant);
  }
}

// MARK: - Scalar: the specification

MARTLET_SMALL_BEGIN
/// Straight from the definition: no tile's window, no patch, every tap tested against the picture's edge.
static int32_t accumulate(const conv2d_grid *g, const martlet_buffers *buffers, const int8_t *picture,
                          const int8_t *weights, int32_t oy, int32_t ox, int32_t lane) {
  const martlet_conv2d_params *p = &g->p;
  int32_t acc = 0;
  for (int32_t ky = 0; ky < p->kernel_h; ky++) {
    for (int32_t kx = 0; kx < p->kernel_w; kx++) {
      int32_t y = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
      int32_t x = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
      bool inside = y >= 0 && x >= 0 && y % p->input_step_h == 0 && x % p->input_step_w == 0 &&
                    y / p->input_step_h < p->in_h && x / p->input_step_w < p->in_w;
      const int64_t row = martlet_row(buffers, y / p->input_step_h);
      const int8_t *pixel = inside ? picture + (row * p->in_w + x / p->input_step_w) * p->in_c : NULL;
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
            int32_t acc = accumulate(&g, buffers, picture, weights, y, x, lane);
            out[lane] = martlet_conv2d_output(p, channels, lane, martlet_wrapping_add(acc, channels->bias[lane]));
          }
        }
      }
    }
  }
}

MARTLET_SMALL_END

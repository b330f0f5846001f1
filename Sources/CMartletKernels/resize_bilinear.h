/// Where a bilinear resize reads and with which weights.
#ifndef MARTLET_RESIZE_BILINEAR_H
#define MARTLET_RESIZE_BILINEAR_H

#include "resize.h"

/// Cost of one output value in units of work.
#define MARTLET_BILINEAR_COST 8

/// Neighbours, and the distance from the lower one in 1/1024.
typedef struct martlet_tap {
  int32_t lower, upper, weight;
} martlet_tap;

/// Four corners of an output pixel (top left, bottom left, top right, bottom right) and its two distances.
typedef struct martlet_corners {
  const int8_t *at[4];
  int32_t down, right;
} martlet_corners;

/// Input pixels per output pixel, in 1/1024.
static inline int64_t martlet_tap_scale(const martlet_resize_params *p, int32_t in_size, int32_t out_size) {
  if (p->align_corners && out_size > 1) {
    return ((int64_t)1024 * (in_size - 1) + (out_size - 1) / 2) / (out_size - 1);
  }
  return ((int64_t)1024 * in_size + out_size / 2) / out_size;
}

static inline martlet_tap martlet_tap_at(const martlet_resize_params *p, int32_t out, int64_t scale, int32_t in_size) {
  int64_t position = out * scale;
  if (p->half_pixel_centers) position += scale / 2 - 512;
  int64_t lower = position / 1024, upper = (position + 1023) / 1024;
  martlet_tap t;
  // The scale is rounded: far out it can point past the last pixel.
  t.lower = (int32_t)(lower < 0 ? 0 : lower < in_size ? lower : in_size - 1);
  t.upper = (int32_t)(upper < in_size ? upper : in_size - 1);
  t.weight = (int32_t)(position - (int64_t)1024 * t.lower);
  return t;
}

/// One channel of the integer form: the specification, and what the SIMD variants do with their tails.
static inline int8_t martlet_bilinear_one(const martlet_corners *c, int32_t channel) {
  int64_t down = c->down, right = c->right;
  int64_t sum = c->at[0][channel] * (1024 - down) * (1024 - right) + c->at[1][channel] * down * (1024 - right) +
                c->at[2][channel] * (1024 - down) * right + c->at[3][channel] * down * right;
  return (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
}

typedef void (*martlet_bilinear_pixel)(const martlet_corners *corners, int8_t *out, int32_t channels);

/// Runs the integer form row by row.
static inline void martlet_bilinear_run(const martlet_resize_params *p, const martlet_buffers *buffers, int32_t first,
                                        int32_t last, martlet_bilinear_pixel pixel) {
  martlet_span rows = martlet_resize_span(p, MARTLET_BILINEAR_COST, first, last);
  int64_t scale_y = martlet_tap_scale(p, p->in_h, p->out_h), scale_x = martlet_tap_scale(p, p->in_w, p->out_w);
  int64_t row_bytes = (int64_t)p->in_w * p->channels;
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const int8_t *in = (const int8_t *)buffers->input[0] + (i / p->out_h) * p->in_h * row_bytes;
    int8_t *out = (int8_t *)buffers->output + i * p->out_w * p->channels;
    martlet_tap v = martlet_tap_at(p, (int32_t)(i % p->out_h), scale_y, p->in_h);
    const int8_t *top = in + v.lower * row_bytes, *bottom = in + v.upper * row_bytes;
    for (int32_t x = 0; x < p->out_w; x++, out += p->channels) {
      martlet_tap h = martlet_tap_at(p, x, scale_x, p->in_w);
      int64_t left = (int64_t)h.lower * p->channels, right = (int64_t)h.upper * p->channels;
      martlet_corners corners = {{top + left, bottom + left, top + right, bottom + right}, v.weight, h.weight};
      pixel(&corners, out, p->channels);
    }
  }
}

#endif

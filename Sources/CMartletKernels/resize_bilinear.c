/// Two arithmetics: int8 models use the reference's integer one with 10 fractional bits a side; uint8 models its float
/// one, on x + 128.
#include "resize.h"
#include "variants.h"

int32_t martlet_resize_bilinear_units(const martlet_resize_params *p) { return martlet_resize_units_of(p, 8); }
size_t martlet_resize_bilinear_scratch_bytes(const martlet_resize_params *p) { return (void)p, 0; }
int64_t martlet_resize_bilinear_unit_work(const martlet_resize_params *p) { return martlet_resize_unit_work_of(p, 8); }

// MARK: - Integer

/// Neighbours and the distance from the lower one, in 1/1024.
typedef struct tap {
  int32_t lower, upper;
  int64_t weight;
} tap;

static tap tap_at(const martlet_resize_params *p, int32_t out, int32_t in_size, int32_t out_size) {
  int64_t scale = ((int64_t)1024 * in_size + out_size / 2) / out_size;
  if (p->align_corners && out_size > 1) {
    scale = ((int64_t)1024 * (in_size - 1) + (out_size - 1) / 2) / (out_size - 1);
  }
  int64_t position = out * scale;
  if (p->half_pixel_centers) position += scale / 2 - 512;
  int64_t lower = position / 1024, upper = (position + 1023) / 1024;
  tap t;
  // The scale is rounded: far out it can point past the last pixel.
  t.lower = (int32_t)(lower < 0 ? 0 : lower < in_size ? lower : in_size - 1);
  t.upper = (int32_t)(upper < in_size ? upper : in_size - 1);
  t.weight = position - (int64_t)1024 * t.lower;
  return t;
}

static void pixel(const int8_t *in[4], const int64_t weights[4], int8_t *out, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) {
    int64_t sum = in[0][c] * weights[0] + in[1][c] * weights[1] + in[2][c] * weights[2] + in[3][c] * weights[3];
    out[c] = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
  }
}

// MARK: - Float

typedef struct float_tap {
  int32_t lower, upper;
  float weight;
} float_tap;

static float_tap float_tap_at(const martlet_resize_params *p, int32_t out, int32_t in_size, int32_t out_size) {
  float scale = (float)in_size / (float)out_size;
  if (p->align_corners && out_size > 1) scale = (float)(in_size - 1) / (float)(out_size - 1);
  float position = (float)out * scale;
  if (p->half_pixel_centers) position = ((float)out + 0.5f) * scale - 0.5f;
  // position > -1, so truncation is the floor but for negative values, whose floor is clamped to 0 anyway.
  int32_t whole = (int32_t)position;
  float_tap t;
  t.lower = martlet_min(whole, in_size - 1);
  t.upper = martlet_min(position > (float)whole ? whole + 1 : whole, in_size - 1);
  t.weight = position - (float)t.lower;
  return t;
}

static void float_pixel(const int8_t *in[4], float fy, float fx, int8_t *out, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) {
    float sum = (float)(in[0][c] + 128) * (1 - fy) * (1 - fx) + (float)(in[1][c] + 128) * fy * (1 - fx) +
                (float)(in[2][c] + 128) * (1 - fy) * fx + (float)(in[3][c] + 128) * fy * fx + 0.5f;
    out[c] = (int8_t)((uint8_t)(int32_t)sum ^ 0x80);
  }
}

static void row(const martlet_resize_params *p, const int8_t *in, int32_t y, int8_t *out) {
  int64_t row_bytes = (int64_t)p->in_w * p->channels;
  tap v = tap_at(p, y, p->in_h, p->out_h);
  float_tap fv = float_tap_at(p, y, p->in_h, p->out_h);
  if (p->unsigned_float) v.lower = fv.lower, v.upper = fv.upper;
  const int8_t *top = in + v.lower * row_bytes, *bottom = in + v.upper * row_bytes;
  for (int32_t x = 0; x < p->out_w; x++, out += p->channels) {
    tap h = tap_at(p, x, p->in_w, p->out_w);
    float_tap fh = float_tap_at(p, x, p->in_w, p->out_w);
    if (p->unsigned_float) h.lower = fh.lower, h.upper = fh.upper;
    int64_t left = (int64_t)h.lower * p->channels, right = (int64_t)h.upper * p->channels;
    const int8_t *corners[4] = {top + left, bottom + left, top + right, bottom + right};
    if (p->unsigned_float) {
      float_pixel(corners, fv.weight, fh.weight, out, p->channels);
    } else {
      int64_t weights[4] = {(1024 - v.weight) * (1024 - h.weight), v.weight * (1024 - h.weight),
                            (1024 - v.weight) * h.weight, v.weight * h.weight};
      pixel(corners, weights, out, p->channels);
    }
  }
}

void martlet_resize_bilinear_scalar(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                                    void *scratch) {
  const martlet_resize_params *p = params;
  (void)scratch;
  martlet_span rows = martlet_resize_span(p, 8, first, last);
  for (int64_t i = rows.begin; i < rows.end; i++) {
    row(p, (const int8_t *)buffers->input[0] + (i / p->out_h) * p->in_h * (int64_t)p->in_w * p->channels,
        (int32_t)(i % p->out_h), (int8_t *)buffers->output + i * p->out_w * p->channels);
  }
}

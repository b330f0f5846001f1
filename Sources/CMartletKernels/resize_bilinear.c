/// Two arithmetics: int8 models use the reference's integer one with 10 fractional bits a side; uint8 models its float
/// one, on x + 128.
#include "resize_bilinear.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

MARTLET_WORKLOAD(resize_bilinear, p) { return martlet_resize_workload(p, MARTLET_BILINEAR_COST); }

static void pixel(const martlet_corners *corners, int8_t *out, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) out[c] = martlet_bilinear_one(corners, c);
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

static void float_run(const martlet_resize_params *p, const martlet_buffers *buffers, int32_t first, int32_t last) {
  martlet_span rows = martlet_resize_span(p, MARTLET_BILINEAR_COST, first, last);
  int64_t row_bytes = (int64_t)p->in_w * p->channels;
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const int8_t *in = (const int8_t *)buffers->input[0] + (i / p->out_h) * p->in_h * row_bytes;
    int8_t *out = (int8_t *)buffers->output + i * p->out_w * p->channels;
    float_tap v = float_tap_at(p, (int32_t)(i % p->out_h), p->in_h, p->out_h);
    const int8_t *top = in + v.lower * row_bytes, *bottom = in + v.upper * row_bytes;
    for (int32_t x = 0; x < p->out_w; x++, out += p->channels) {
      float_tap h = float_tap_at(p, x, p->in_w, p->out_w);
      int64_t left = (int64_t)h.lower * p->channels, right = (int64_t)h.upper * p->channels;
      const int8_t *corners[4] = {top + left, bottom + left, top + right, bottom + right};
      float_pixel(corners, v.weight, h.weight, out, p->channels);
    }
  }
}

MARTLET_KERNEL(resize_bilinear, scalar, p) {
  if (p->unsigned_float) return float_run(p, buffers, first, last);
  martlet_bilinear_run(p, buffers, first, last, pixel);
}

MARTLET_SMALL_END

#include "resize.h"
#include "variants.h"

MARTLET_SMALL_BEGIN

MARTLET_WORKLOAD(resize_nearest, p) { return martlet_resize_workload(p, 1); }

/// The reference computes this index in float32; so the same divisions and products here, each rounded once.
static int32_t nearest(const martlet_resize_params *p, int32_t out, int32_t in_size, int32_t out_size) {
  float scale = p->align_corners && out_size > 1 ? (float)(in_size - 1) / (float)(out_size - 1)
                                                 : (float)in_size / (float)out_size;
  float offset = p->half_pixel_centers ? 0.5f : 0.0f;
  float position = ((float)out + offset) * scale;
  int32_t index = (int32_t)position;
  // Not negative: rounding half away from zero is this, and the difference is exact.
  if (p->align_corners && position - (float)index >= 0.5f) index++;
  return martlet_min(index, in_size - 1);
}

MARTLET_KERNEL(resize_nearest, scalar, p) {
  martlet_span rows = martlet_resize_span(p, 1, first, last);
  for (int64_t row = rows.begin; row < rows.end; row++) {
    int32_t y = nearest(p, (int32_t)(row % p->out_h), p->in_h, p->out_h);
    const int8_t *in = (const int8_t *)buffers->input[0] +
                       ((row / p->out_h) * p->in_h + y) * (int64_t)p->in_w * p->channels;
    int8_t *out = (int8_t *)buffers->output + row * p->out_w * p->channels;
    for (int32_t x = 0; x < p->out_w; x++) {
      memcpy(out, in + (int64_t)nearest(p, x, p->in_w, p->out_w) * p->channels, (size_t)p->channels);
      out += p->channels;
    }
  }
}

MARTLET_SMALL_END

#include <string.h>

#include "martlet_float.h"
#include "vectors.h"

/// sum[c] += x[c] * w[c], with each x for `multiplier` neighbouring channels.
static inline __attribute__((always_inline)) void accumulate(float *sum, const float *x, const float *w, int channels,
                                                             int multiplier) {
  if (multiplier == 1) {
    for (int c = 0; c < channels; c++) sum[c] += x[c] * w[c];
  } else {
    for (int c = 0; c < channels; c++) sum[c] += x[c / multiplier] * w[c];
  }
}

WIDE_VECTORS
void martlet_float_depthwise(const martlet_depthwise_params *p, const float *input, const float *weights,
                             const float *bias, float *output) {
  const int channels = p->in_c * p->multiplier;
  for (int batch = 0; batch < p->batch; batch++) {
    const float *image = input + (size_t)batch * p->in_h * p->in_w * p->in_c;
    for (int out_y = 0; out_y < p->out_h; out_y++) {
      for (int out_x = 0; out_x < p->out_w; out_x++, output += channels) {
        memcpy(output, bias, channels * sizeof(float));
        for (int ky = 0; ky < p->kernel_h; ky++) {
          const int y = out_y * p->stride_h - p->pad_top + ky * p->dilation_h;
          if (y < 0 || y >= p->in_h) continue;
          for (int kx = 0; kx < p->kernel_w; kx++) {
            const int x = out_x * p->stride_w - p->pad_left + kx * p->dilation_w;
            if (x < 0 || x >= p->in_w) continue;
            accumulate(output, image + ((size_t)y * p->in_w + x) * p->in_c,
                       weights + (size_t)(ky * p->kernel_w + kx) * channels, channels, p->multiplier);
          }
        }
      }
    }
  }
}

/// What the depthwise kernels of aarch64 share where a window is of any shape: 16 channels at a time, tap after tap.
#ifndef MARTLET_DEPTHWISE_TAPS_NEON_H
#define MARTLET_DEPTHWISE_TAPS_NEON_H

#include "channels_neon.h"
#include "depthwise_neon.h"

#if defined(__aarch64__)

/// A panel's taps in the order of the table, [kernel_w][kernel_h], filled up to a multiple of 4 with weights of 0.
typedef struct depthwise_taps {
  martlet_channels_neon channels;
  int32_t count;
  /// Taps in front, a multiple of 4, whose entries are 0, 1, 2, ...
  int32_t consecutive;
  int32_t entry[MARTLET_DEPTHWISE_TAPS];
  /// w - weight_zero_point, which wraps where it does not fit.
  int8x16_t weights[MARTLET_DEPTHWISE_TAPS];
} depthwise_taps;

static inline void martlet_depthwise_taps(const depthwise_run *run, depthwise_taps *out) {
  const martlet_depthwise_params *p = &run->grid->p;
  const martlet_channels *c = (const martlet_channels *)run->panel;
  const int8_t *w = (const int8_t *)(c + 1);
  const int8x16_t zero = vdupq_n_s8((int8_t)p->weight_zero_point);
  martlet_channels_prepare_neon(c, p->output_zero_point, p->clamp_min, p->clamp_max, &out->channels);
  int32_t tap = 0;
  for (int32_t kx = 0; kx < p->kernel_w; kx++) {
    for (int32_t ky = 0; ky < p->kernel_h; ky++, tap++) {
      out->weights[tap] = vsubq_s8(vld1q_s8(w + ((ptrdiff_t)ky * p->kernel_w + kx) * 16), zero);
      out->entry[tap] = kx * p->dilation_w * p->kernel_h + ky;
    }
  }
  out->consecutive = p->dilation_w == 1 ? tap & ~3 : 0;
  for (; tap % 4 != 0; tap++) {
    out->weights[tap] = vdupq_n_s8(0);
    out->entry[tap] = out->entry[tap - 1];
  }
  out->count = tap;
}

/// One tap of a pixel; channels beyond the run's are 0.
MARTLET_INLINE int8x16_t martlet_depthwise_load(const depthwise_run *run, const int8_t *pixel) {
  pixel += run->channel;
  if (run->channels >= 16) return vld1q_s8(pixel);
  if (run->channels == 8) return vcombine_s8(vld1_s8(pixel), vdup_n_s8(0));
  int8_t bytes[16] = {0};
  memcpy(bytes, pixel, (size_t)run->channels);
  return vld1q_s8(bytes);
}

MARTLET_INLINE void martlet_depthwise_store_16(const martlet_channels_neon *c, int32x4_t acc[1][4], int32_t channels,
                                               int8_t *out) {
  if (c->right) martlet_rescale_channels_neon(acc, 1, c);
  else martlet_rescale_channels_any_neon(acc, 1, c);
  martlet_store_lanes_neon(out, martlet_pack_channels_neon(acc[0], c->zero_point, c->clamp_min, c->clamp_max),
                           channels);
}

/// In front of a block that sees the table of each pixel's WINDOW in row Y, and its OUT.
#define MARTLET_DEPTHWISE_PIXELS(RUN, Y, WINDOW, OUT)                                                    \
  const martlet_depthwise_params *const params = &(RUN)->grid->p;                                        \
  const int8_t *const *WINDOW = (RUN)->table + (ptrdiff_t)(Y) * (RUN)->grid->columns * params->kernel_h; \
  int8_t *OUT = (RUN)->out + (ptrdiff_t)(Y) * params->out_w * (RUN)->grid->channels;                     \
  for (int32_t x = 0; x < params->out_w;                                                                 \
       x++, WINDOW += (ptrdiff_t)params->stride_w * params->kernel_h, OUT += (RUN)->grid->channels)

#endif
#endif

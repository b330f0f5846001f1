#include "channels_neon.h"
#include "depthwise_neon.h"

#if defined(__aarch64__)

#define INLINE static inline __attribute__((always_inline))

// MARK: - 3 x 3: products of two taps are added in 16 bits, which is exact where no weight is -128

/// A column: of 2 + rows rows with stride 1, 1 + 2 rows with stride 2.
typedef int8x8_t depthwise_column[5];

INLINE void load_column(depthwise_walk *k, int rows, int stride, depthwise_column out) {
  for (int i = 0; i < (stride == 1 ? 2 + rows : 1 + 2 * rows); i++)
    out[i] = vld1_s8(martlet_depthwise_at(k, 0, i, stride));
  k->column += 3;
}

INLINE void output(const depthwise_window *w, const int8x8_t weights[9], const depthwise_eight *e,
                   const depthwise_column left, const depthwise_column middle, const depthwise_column right, int rows,
                   int stride, bool plain, depthwise_walk *k) {
  for (int row = 0; row < rows; row++) {
    const int8x8_t *const columns[3] = {left + row * stride, middle + row * stride, right + row * stride};
    int32x4_t acc[2] = {vld1q_s32(e->bias[row]), vld1q_s32(e->bias[row] + 4)};
    for (int tap = 0; tap < 9; tap += 2) {
      int16x8_t two = vmull_s8(columns[tap % 3][tap / 3], weights[tap]);
      if (tap < 8) two = vmlal_s8(two, columns[(tap + 1) % 3][(tap + 1) / 3], weights[tap + 1]);
      acc[0] = vaddw_s16(acc[0], vget_low_s16(two));
      acc[1] = vaddw_high_s16(acc[1], two);
    }
    martlet_depthwise_store(&w->end, acc, rows == 1, plain, k->out[row]);
  }
}

INLINE void row_1(const depthwise_window *w, const depthwise_eight *e, const depthwise_span *span, int rows,
                  bool plain) {
  depthwise_walk k = martlet_depthwise_walk(span);
  int8x8_t weights[9];
  for (int tap = 0; tap < 9; tap++) weights[tap] = vld1_s8(e->weights[tap]);
  depthwise_column a, b, c;
  load_column(&k, rows, 1, a);
  load_column(&k, rows, 1, b);
  for (;;) {
#define STEP(A, B, C)                                                   \
  load_column(&k, rows, 1, C);                                          \
  output(w, weights, e, A, B, C, rows, 1, plain, &k);                   \
  for (int row = 0; row < rows; row++) k.out[row] += span->pixel_bytes; \
  if (k.out[0] == k.end) return
    STEP(a, b, c);
    STEP(b, c, a);
    STEP(c, a, b);
#undef STEP
  }
}

INLINE void row_2(const depthwise_window *w, const depthwise_eight *e, const depthwise_span *span, int rows,
                  bool plain) {
  depthwise_walk k = martlet_depthwise_walk(span);
  int8x8_t weights[9];
  for (int tap = 0; tap < 9; tap++) weights[tap] = vld1_s8(e->weights[tap]);
  depthwise_column a, b, c;
  load_column(&k, rows, 2, a);
  for (;;) {
#define STEP(A, C)                                                      \
  load_column(&k, rows, 2, b);                                          \
  load_column(&k, rows, 2, C);                                          \
  output(w, weights, e, A, b, C, rows, 2, plain, &k);                   \
  for (int row = 0; row < rows; row++) k.out[row] += span->pixel_bytes; \
  if (k.out[0] == k.end) return
    STEP(a, c);
    STEP(c, a);
#undef STEP
  }
}

MARTLET_DEPTHWISE_STRIDE(neon, 1)
MARTLET_DEPTHWISE_STRIDE(neon, 2)

static void run_3x3(const depthwise_run *run) {
  static const depthwise_variant_neon variant = {-127,
                                                 {NULL, NULL},
                                                 {MARTLET_DEPTHWISE_KERNELS(1), MARTLET_DEPTHWISE_KERNELS(2)}};
  martlet_depthwise_slide(run, &variant);
}

// MARK: - Any other window, 16 channels at a time: bytes are widened to words and multiplied by words
// (w - weight_zero_point) into 32-bit sums

INLINE int8x16_t load(const depthwise_run *run, const int8_t *pixel) {
  pixel += run->channel;
  if (run->channels >= 16) return vld1q_s8(pixel);
  if (run->channels == 8) return vcombine_s8(vld1_s8(pixel), vdup_n_s8(0));
  int8_t bytes[16] = {0};
  memcpy(bytes, pixel, (size_t)run->channels);
  return vld1q_s8(bytes);
}

/// Taps count as the table does, [kernel_w][kernel_h].
static void widen_weights(const depthwise_run *run, int16x8_t weights[][2], int32_t entry[]) {
  const martlet_depthwise_params *p = &run->grid->p;
  const int8_t *w = (const int8_t *)run->panel + sizeof(martlet_channels);
  const int16x8_t zero = vdupq_n_s16((int16_t)p->weight_zero_point);
  for (int32_t kx = 0; kx < p->kernel_w; kx++) {
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
      int32_t tap = kx * p->kernel_h + ky;
      int8x16_t bytes = vld1q_s8(w + ((size_t)ky * p->kernel_w + kx) * 16);
      weights[tap][0] = vsubq_s16(vmovl_s8(vget_low_s8(bytes)), zero);
      weights[tap][1] = vsubq_s16(vmovl_high_s8(bytes), zero);
      entry[tap] = kx * p->dilation_w * p->kernel_h + ky;
    }
  }
}

INLINE void rows(const depthwise_run *run, int32_t taps) {
  const martlet_depthwise_params *p = &run->grid->p;
  const martlet_channels *c = (const martlet_channels *)run->panel;
  int16x8_t weights[MARTLET_DEPTHWISE_TAPS][2];
  int32_t entry[MARTLET_DEPTHWISE_TAPS];
  widen_weights(run, weights, entry);
  int8_t *out = run->out;
  for (int32_t y = 0; y < run->rows; y++) {
    const int8_t *const *window = run->table + (ptrdiff_t)y * run->grid->columns * p->kernel_h;
    for (int32_t x = 0; x < p->out_w; x++, window += p->stride_w * p->kernel_h, out += run->grid->channels) {
      int32x4_t acc[4];
      for (int j = 0; j < 4; j++) acc[j] = vld1q_s32(c->bias + 4 * j);
      for (int32_t tap = 0; tap < taps; tap++) {
        int8x16_t bytes = load(run, window[entry[tap]]);
        int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
        acc[0] = vmlal_s16(acc[0], vget_low_s16(low), vget_low_s16(weights[tap][0]));
        acc[1] = vmlal_high_s16(acc[1], low, weights[tap][0]);
        acc[2] = vmlal_s16(acc[2], vget_low_s16(high), vget_low_s16(weights[tap][1]));
        acc[3] = vmlal_high_s16(acc[3], high, weights[tap][1]);
      }
      martlet_store_channels_neon(acc, c, p->output_zero_point, p->clamp_min, p->clamp_max, run->channels, out);
    }
  }
}

void martlet_depthwise_widening(const depthwise_run *run) {
  const int32_t taps = run->grid->p.kernel_h * run->grid->p.kernel_w;
  if (taps == 9) rows(run, 9);
  else if (taps == 25) rows(run, 25);
  else rows(run, taps);
}

MARTLET_KERNEL(depthwise, neon, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DEPTHWISE_TAPS) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  const bool slides = martlet_depthwise_slides(p);
  martlet_depthwise_drive(p, buffers, first, last, scratch, slides ? run_3x3 : martlet_depthwise_widening, 1);
}
#endif

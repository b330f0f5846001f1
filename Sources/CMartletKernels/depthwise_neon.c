#include "depthwise_neon.h"
#include "depthwise_taps_neon.h"

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

// MARK: - Any other window

static void run_any(const depthwise_run *all) {
  // A copy: no store of outputs can change it.
  const depthwise_run copy = *all, *run = &copy;
  if (!martlet_depthwise_fits(all, -127)) {
    martlet_depthwise_widening(all);
    return;
  }
  depthwise_taps taps;
  martlet_depthwise_taps(all, &taps);
  for (int32_t y = 0; y < run->rows; y++) {
    MARTLET_DEPTHWISE_PIXELS(run, y, window, out) {
      int32x4_t acc[1][4];
      for (int j = 0; j < 4; j++) acc[0][j] = taps.channels.bias[j];
      int32_t tap = 0;
#define PAIR(AT)                                                                                   \
  const int8x16_t a = martlet_depthwise_load(run, window[AT(tap)]), u = taps.weights[tap];         \
  const int8x16_t b = martlet_depthwise_load(run, window[AT(tap + 1)]), v = taps.weights[tap + 1]; \
  int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(u)), high = vmull_high_s8(a, u);            \
  low = vmlal_s8(low, vget_low_s8(b), vget_low_s8(v));                                             \
  high = vmlal_high_s8(high, b, v);                                                                \
  acc[0][0] = vaddw_s16(acc[0][0], vget_low_s16(low));                                             \
  acc[0][1] = vaddw_high_s16(acc[0][1], low);                                                      \
  acc[0][2] = vaddw_s16(acc[0][2], vget_low_s16(high));                                            \
  acc[0][3] = vaddw_high_s16(acc[0][3], high)
#define CONSECUTIVE(TAP) (TAP)
#define ENTRY(TAP) taps.entry[TAP]
      if (run->channels >= 16)
        for (; tap < taps.consecutive; tap += 2) {
          PAIR(CONSECUTIVE);
        }
      for (; tap < taps.count; tap += 2) {
        PAIR(ENTRY);
      }
#undef PAIR
#undef CONSECUTIVE
#undef ENTRY
      martlet_depthwise_store_16(&taps.channels, acc, copy.channels, out);
    }
  }
}

// MARK: - Any other weights: bytes are widened to words and multiplied by words (w - weight_zero_point)

void martlet_depthwise_widening(const depthwise_run *run) {
  depthwise_taps taps;
  martlet_depthwise_taps(run, &taps);
  const int16x8_t zero = vdupq_n_s16((int16_t)run->grid->p.weight_zero_point);
  for (int32_t y = 0; y < run->rows; y++) {
    MARTLET_DEPTHWISE_PIXELS(run, y, window, out) {
      int32x4_t acc[1][4];
      for (int j = 0; j < 4; j++) acc[0][j] = taps.channels.bias[j];
      for (int32_t tap = 0; tap < run->grid->p.kernel_h * run->grid->p.kernel_w; tap++) {
        const int8x16_t bytes = martlet_depthwise_load(run, window[taps.entry[tap]]),
                        w = vaddq_s8(taps.weights[tap], vdupq_n_s8((int8_t)run->grid->p.weight_zero_point));
        const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
        const int16x8_t w_low = vsubq_s16(vmovl_s8(vget_low_s8(w)), zero), w_high = vsubq_s16(vmovl_high_s8(w), zero);
        acc[0][0] = vmlal_s16(acc[0][0], vget_low_s16(low), vget_low_s16(w_low));
        acc[0][1] = vmlal_high_s16(acc[0][1], low, w_low);
        acc[0][2] = vmlal_s16(acc[0][2], vget_low_s16(high), vget_low_s16(w_high));
        acc[0][3] = vmlal_high_s16(acc[0][3], high, w_high);
      }
      martlet_depthwise_store_16(&taps.channels, acc, run->channels, out);
    }
  }
}

MARTLET_KERNEL(depthwise, neon, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DEPTHWISE_TAPS) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  martlet_depthwise_drive(p, buffers, first, last, scratch, martlet_depthwise_slides(p) ? run_3x3 : run_any, 1);
}
#endif

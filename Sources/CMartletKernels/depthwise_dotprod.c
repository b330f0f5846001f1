#include "depthwise_neon.h"

#if defined(__aarch64__)

// The bytes of a column are interleaved into words, so that one sdot adds four products per channel. With stride 1 a
// word is four rows of one column: two windows, one below the other, take three each. With stride 2 those share only
// one row: words are two rows of the two columns that a window does not share with the one before.

#define TARGET MARTLET_TARGET_dotprod
#define INLINE static inline __attribute__((always_inline))

typedef struct depthwise_window {
  depthwise_end end;
  /// [row][word of the window][channels 0-3, 4-7].
  int8x16_t weights[2][3][2];
} depthwise_window;

/// Bytes 8-15 are not used.
INLINE int8x16_t load(const int8_t *pixel) { return vcombine_s8(vld1_s8(pixel), vdup_n_s8(0)); }

INLINE void words(int8x16_t low, int8x16_t high, int8x16_t out[2]) {
  out[0] = vreinterpretq_s8_s16(vzip1q_s16(vreinterpretq_s16_s8(low), vreinterpretq_s16_s8(high)));
  out[1] = vreinterpretq_s8_s16(vzip2q_s16(vreinterpretq_s16_s8(low), vreinterpretq_s16_s8(high)));
}

TARGET INLINE void dot(int32x4_t acc[2], const int8x16_t x[2], const int8x16_t w[2]) {
  for (int j = 0; j < 2; j++) acc[j] = vdotq_s32(acc[j], x[j], w[j]);
}

/// The bias comes from memory for each output: a load of two registers is less than two copies.
INLINE void start(const depthwise_eight *e, int32x4_t acc[][2], int rows) {
  for (int row = 0; row < rows; row++)
    for (int j = 0; j < 2; j++) acc[row][j] = vld1q_s32(e->bias[row] + 4 * j);
}

// MARK: - Stride 1

/// Loads the next column.
INLINE void column_1(depthwise_walk *k, int rows, int8x16_t out[2]) {
  int8x16_t row[4];
  for (int i = 0; i < 2 + rows; i++) row[i] = load(martlet_depthwise_at(k, 0, i, 1));
  if (rows == 1) row[3] = vdupq_n_s8(0);
  words(vzip1q_s8(row[0], row[1]), vzip1q_s8(row[2], row[3]), out);
  k->column += 3;
}

TARGET INLINE void output_1(const depthwise_window *w, const depthwise_eight *e, const int8x16_t left[2],
                            const int8x16_t middle[2], const int8x16_t right[2], int rows, bool plain,
                            int8_t *const out[2]) {
  int32x4_t acc[2][2];
  start(e, acc, rows);
  for (int row = 0; row < rows; row++) {
    dot(acc[row], left, w->weights[row][0]);
    dot(acc[row], middle, w->weights[row][1]);
    dot(acc[row], right, w->weights[row][2]);
  }
  martlet_depthwise_store(&w->end, acc, rows, plain, out);
}

TARGET INLINE void row_1(const depthwise_window *w, const depthwise_eight *e, const depthwise_span *span, int rows,
                         bool plain) {
  depthwise_walk k = martlet_depthwise_walk(span);
  int8x16_t a[2], b[2], c[2];
  column_1(&k, rows, a);
  column_1(&k, rows, b);
  for (;;) {
#define STEP(A, B, C)                                                        \
  column_1(&k, rows, C);                                                     \
  output_1(w, e, A, B, C, rows, plain, k.out);                               \
  for (int row = 0; row < rows; row++) k.out[row] += span->pixel_bytes;      \
  if (k.out[0] == k.end) return
    STEP(a, b, c);
    STEP(b, c, a);
    STEP(c, a, b);
#undef STEP
  }
}

// MARK: - Stride 2

/// What a window keeps of its two new columns for the next one, which needs the second.
typedef struct depthwise_kept {
  /// Rows 0 and 1 of the window, of the one below 3 and 4; row 2.
  int8x16_t words[2][2];
  int8x16_t shared;
} depthwise_kept;

/// Loads the next two columns; `first`: the one that a row begins with, twice.
INLINE void columns_2(depthwise_walk *k, int rows, bool first, depthwise_kept *out) {
  int8x16_t pair[5];
  for (int i = 0; i < 1 + 2 * rows; i++)
    pair[i] = vzip1q_s8(load(martlet_depthwise_at(k, 0, i, 2)), load(martlet_depthwise_at(k, first ? 0 : 1, i, 2)));
  words(pair[0], pair[1], out->words[0]);
  if (rows == 2) words(pair[3], pair[4], out->words[1]);
  out->shared = pair[2];
  k->column += first ? 3 : 6;
}

TARGET INLINE void output_2(const depthwise_window *w, const depthwise_eight *e, const depthwise_kept *before,
                            const depthwise_kept *now, int rows, bool plain, int8_t *const out[2]) {
  int32x4_t acc[2][2];
  int8x16_t shared[2];
  words(now->shared, before->shared, shared);
  start(e, acc, rows);
  for (int row = 0; row < rows; row++) {
    dot(acc[row], now->words[row], w->weights[row][0]);
    dot(acc[row], before->words[row], w->weights[row][1]);
    dot(acc[row], shared, w->weights[row][2]);
  }
  martlet_depthwise_store(&w->end, acc, rows, plain, out);
}

TARGET INLINE void row_2(const depthwise_window *w, const depthwise_eight *e, const depthwise_span *span, int rows,
                         bool plain) {
  depthwise_walk k = martlet_depthwise_walk(span);
  depthwise_kept a, b;
  columns_2(&k, rows, true, &a);
  for (;;) {
#define STEP(A, B)                                                           \
  columns_2(&k, rows, false, &B);                                            \
  output_2(w, e, &A, &B, rows, plain, k.out);                                \
  for (int row = 0; row < rows; row++) k.out[row] += span->pixel_bytes;      \
  if (k.out[0] == k.end) return
    STEP(a, b);
    STEP(b, a);
#undef STEP
  }
}

// MARK: - Rows

typedef void (*rows_kernel)(const depthwise_window *window, const depthwise_eight *eight, const depthwise_span *span);

#define ROWS(NAME, STRIDE, ROWS, PLAIN)                                                            \
  TARGET static void NAME(const depthwise_window *window, const depthwise_eight *eight,            \
                          const depthwise_span *all) {                                             \
    const depthwise_window w = *window;                                                            \
    for (depthwise_span span = *all; span.y < span.end; span.y += ROWS)                            \
      row_##STRIDE(&w, eight, &span, ROWS, PLAIN);                                                 \
  }
ROWS(any_single_1, 1, 1, false)
ROWS(any_single_2, 2, 1, false)
ROWS(any_pair_1, 1, 2, false)
ROWS(any_pair_2, 2, 2, false)
ROWS(plain_single_1, 1, 1, true)
ROWS(plain_single_2, 2, 1, true)
ROWS(plain_pair_1, 1, 2, true)
ROWS(plain_pair_2, 2, 2, true)

/// The words of four taps ky * 3 + kx, 9 for none.
INLINE void word(const depthwise_eight *e, int a, int b, int c, int d, int8x16_t out[2]) {
  words(vzip1q_s8(load(e->weights[a]), load(e->weights[b])), vzip1q_s8(load(e->weights[c]), load(e->weights[d])), out);
}

static void weights_1(const depthwise_eight *e, int8x16_t out[2][3][2]) {
  for (int x = 0; x < 3; x++) {
    word(e, x, 3 + x, 6 + x, 9, out[0][x]);
    word(e, 9, x, 3 + x, 6 + x, out[1][x]);
  }
}

static void weights_2(const depthwise_eight *e, int8x16_t out[2][3][2]) {
  word(e, 1, 2, 4, 5, out[0][0]);
  word(e, 9, 0, 9, 3, out[0][1]);
  word(e, 7, 8, 9, 6, out[0][2]);
  word(e, 4, 5, 7, 8, out[1][0]);
  word(e, 9, 3, 9, 6, out[1][1]);
  word(e, 1, 2, 9, 0, out[1][2]);
}

static void run_3x3(const depthwise_run *run) {
  static const rows_kernel kernels[2][2][2] = {
      {{any_single_1, any_pair_1}, {plain_single_1, plain_pair_1}},
      {{any_single_2, any_pair_2}, {plain_single_2, plain_pair_2}},
  };
  const martlet_depthwise_params *p = &run->grid->p;
  if (run->grid->channels < 8 || !martlet_depthwise_fits(run, -128)) {
    martlet_depthwise_widening(run);
    return;
  }
  for (int32_t first = 0; first < run->channels; first += 8) {
    depthwise_eight eight;
    martlet_depthwise_eight(run, first, &eight);
    depthwise_window window = {.end = martlet_depthwise_end(run, &eight)};
    if (p->stride_w == 1) weights_1(&eight, window.weights);
    else weights_2(&eight, window.weights);
    const rows_kernel *kernel = kernels[p->stride_w - 1][eight.plain];
    depthwise_span span = martlet_depthwise_span(run, &eight);
    if (p->stride_h == p->stride_w && p->dilation_h == 1 && eight.skip == 0) {
      span.end = run->rows & ~1;
      kernel[1](&window, &eight, &span);
      span.y = span.end;
    }
    span.end = run->rows;
    kernel[0](&window, &eight, &span);
  }
}

MARTLET_KERNEL(depthwise, dotprod, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DEPTHWISE_TAPS) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  const bool sliding = p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1 && p->stride_w <= 2;
  martlet_depthwise_drive(p, buffers, first, last, scratch, sliding ? run_3x3 : martlet_depthwise_widening, 1);
}
#endif

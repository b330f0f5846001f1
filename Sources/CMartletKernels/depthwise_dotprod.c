#include "depthwise_neon.h"
#include "depthwise_taps_neon.h"

#if defined(__aarch64__)

// The bytes of a column are interleaved into words, so that one sdot adds four products per channel. With stride 1 a
// word is four rows of one column: two windows, one below the other, take three each. With stride 2 those share only
// one row: words are two rows of the two columns that a window does not share with the one before.

#define TARGET MARTLET_TARGET_dotprod
#define INLINE static inline __attribute__((always_inline))

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
    dot(acc[row], left, w->words[row][0]);
    dot(acc[row], middle, w->words[row][1]);
    dot(acc[row], right, w->words[row][2]);
  }
  for (int row = 0; row < rows; row++) martlet_depthwise_store(&w->end, acc[row], rows == 1, plain, out[row]);
}

TARGET INLINE void row_1(const depthwise_window *w, const depthwise_eight *e, const depthwise_span *span, int rows,
                         bool plain) {
  depthwise_walk k = martlet_depthwise_walk(span);
  int8x16_t a[2], b[2], c[2];
  column_1(&k, rows, a);
  column_1(&k, rows, b);
  for (;;) {
#define STEP(A, B, C)                                                   \
  column_1(&k, rows, C);                                                \
  output_1(w, e, A, B, C, rows, plain, k.out);                          \
  for (int row = 0; row < rows; row++) k.out[row] += span->pixel_bytes; \
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
    dot(acc[row], now->words[row], w->words[row][0]);
    dot(acc[row], before->words[row], w->words[row][1]);
    dot(acc[row], shared, w->words[row][2]);
  }
  for (int row = 0; row < rows; row++) martlet_depthwise_store(&w->end, acc[row], rows == 1, plain, out[row]);
}

TARGET INLINE void row_2(const depthwise_window *w, const depthwise_eight *e, const depthwise_span *span, int rows,
                         bool plain) {
  depthwise_walk k = martlet_depthwise_walk(span);
  depthwise_kept a, b;
  columns_2(&k, rows, true, &a);
  for (;;) {
#define STEP(A, B)                                                      \
  columns_2(&k, rows, false, &B);                                       \
  output_2(w, e, &A, &B, rows, plain, k.out);                           \
  for (int row = 0; row < rows; row++) k.out[row] += span->pixel_bytes; \
  if (k.out[0] == k.end) return
    STEP(a, b);
    STEP(b, a);
#undef STEP
  }
}

// MARK: - Rows

MARTLET_DEPTHWISE_STRIDE(dotprod, 1)
MARTLET_DEPTHWISE_STRIDE(dotprod, 2)

/// The words of four taps ky * 3 + kx, 9 for none.
INLINE void word(const depthwise_eight *e, int a, int b, int c, int d, int8x16_t out[2]) {
  words(vzip1q_s8(load(e->weights[a]), load(e->weights[b])), vzip1q_s8(load(e->weights[c]), load(e->weights[d])), out);
}

static void words_1(const depthwise_eight *e, int8x16_t out[2][3][2]) {
  for (int x = 0; x < 3; x++) {
    word(e, x, 3 + x, 6 + x, 9, out[0][x]);
    word(e, 9, x, 3 + x, 6 + x, out[1][x]);
  }
}

static void words_2(const depthwise_eight *e, int8x16_t out[2][3][2]) {
  word(e, 1, 2, 4, 5, out[0][0]);
  word(e, 9, 0, 9, 3, out[0][1]);
  word(e, 7, 8, 9, 6, out[0][2]);
  word(e, 4, 5, 7, 8, out[1][0]);
  word(e, 9, 3, 9, 6, out[1][1]);
  word(e, 1, 2, 9, 0, out[1][2]);
}

static void run_3x3(const depthwise_run *run) {
  static const depthwise_variant_neon variant = {-128,
                                                 {words_1, words_2},
                                                 {MARTLET_DEPTHWISE_KERNELS(1), MARTLET_DEPTHWISE_KERNELS(2)}};
  martlet_depthwise_slide(run, &variant);
}

// MARK: - Any other window: words of four taps

TARGET static void run_any(const depthwise_run *all) {
  // A copy: no store of outputs can change it.
  const depthwise_run copy = *all, *run = &copy;
  if (!martlet_depthwise_fits(all, -128)) {
    martlet_depthwise_widening(all);
    return;
  }
  depthwise_taps taps;
  martlet_depthwise_taps(all, &taps);
#define WORDS(A, B, C, D, OUT)                  \
  words(vzip1q_s8(A, B), vzip1q_s8(C, D), OUT); \
  words(vzip2q_s8(A, B), vzip2q_s8(C, D), (OUT) + 2)
  for (int32_t tap = 0; tap < taps.count; tap += 4) {
    int8x16_t *w = taps.weights + tap, out[4];
    WORDS(w[0], w[1], w[2], w[3], out);
    for (int j = 0; j < 4; j++) w[j] = out[j];
  }
  for (int32_t y = 0; y < run->rows; y++) {
    MARTLET_DEPTHWISE_PIXELS(run, y, window, out) {
      int32x4_t acc[1][4];
      for (int j = 0; j < 4; j++) acc[0][j] = taps.channels.bias[j];
      int32_t tap = 0;
#define QUAD(AT)                                                              \
  int8x16_t x[4], word[4];                                                    \
  for (int i = 0; i < 4; i++) x[i] = martlet_depthwise_load(run, window[AT]); \
  WORDS(x[0], x[1], x[2], x[3], word);                                        \
  for (int j = 0; j < 4; j++) acc[0][j] = vdotq_s32(acc[0][j], word[j], taps.weights[tap + j])
      if (run->channels >= 16)
        for (; tap < taps.consecutive; tap += 4) {
          QUAD(tap + i);
        }
      for (; tap < taps.count; tap += 4) {
        QUAD(taps.entry[tap + i]);
      }
#undef QUAD
      martlet_depthwise_store_16(&taps.channels, acc, copy.channels, out);
    }
  }
#undef WORDS
}

MARTLET_KERNEL(depthwise, dotprod, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DEPTHWISE_TAPS) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  martlet_depthwise_drive(p, buffers, first, last, scratch, martlet_depthwise_slides(p) ? run_3x3 : run_any, 1);
}
#endif

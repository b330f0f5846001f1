#include "depthwise_avx2.h"

#if defined(__x86_64__)

// 5 x 5, dilation 1: rows 0 and 1 of a column are a pair, so are rows 2 and 3, and so are row 4 of a column and of the
// next one. They are interleaved once, for some windows at a time, and serve every window that they are in.

/// Windows whose columns are interleaved at a time.
#define WINDOWS 8
#define MAX_COLUMNS (2 * (WINDOWS - 1) + 5)

/// A column's three pairs; the last one's is not there, as row 4 pairs with the next.
typedef struct column_pairs {
  __m256i pair[3][2];
} column_pairs;

TARGET INLINE void load_columns(const depthwise_run *run, const int8_t *const *column, int32_t count,
                                column_pairs columns[]) {
#define ROW(Y) load(run, column[Y], column[Y], FULL)
  __m256i below = ROW(4);
  for (int32_t x = 0; x < count; x++, column += 5) {
    interleave(ROW(0), ROW(1), columns[x].pair[0]);
    interleave(ROW(2), ROW(3), columns[x].pair[1]);
    if (x + 1 == count) break;
    const __m256i next = load(run, column[9], column[9], FULL);
    interleave(below, next, columns[x].pair[2]);
    below = next;
  }
#undef ROW
}

/// One or two neighboring windows, `stride` columns apart.
TARGET INLINE void output(const depthwise_state *state, const column_pairs columns[], int windows, int stride,
                          bool rectified, int8_t *out) {
  // Of row 4 the pairs of columns 0, 2 and 3, the last one times 0 and the last weight.
  static const int8_t from[13][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {3, 0},
                                     {3, 1}, {4, 0}, {4, 1}, {0, 2}, {2, 2}, {3, 2}};
  __m256i acc[2][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < windows; i++) acc[i][0] = state->bias[0], acc[i][1] = state->bias[1];
#pragma clang loop unroll(full)
  for (int pair = 0; pair < 13; pair++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < windows; i++) {
      accumulate(state, pair, columns[from[pair][0] + i * stride].pair[from[pair][1]], acc[i]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < windows; i++) {
    int8_t *at = out + i * (ptrdiff_t)state->run->grid->channels;
    finish(state, acc[i], at, at, FULL, rectified);
  }
}

TARGET INLINE void slide(const depthwise_state *state, const int8_t *const *column, int8_t *out, int stride,
                         bool rectified) {
  const depthwise_grid *g = state->run->grid;
  column_pairs columns[MAX_COLUMNS];
  for (int32_t left = g->p.out_w; left > 0; left -= WINDOWS) {
    const int32_t count = martlet_min(left, WINDOWS);
    load_columns(state->run, column, (count - 1) * stride + 5, columns);
    int32_t x = 0;
#pragma clang loop unroll(disable)
    for (; x + 2 <= count; x += 2, out += 2 * (ptrdiff_t)g->channels)
      output(state, columns + x * stride, 2, stride, rectified, out);
    if (x < count) {
      output(state, columns + x * stride, 1, stride, rectified, out);
      out += g->channels;
    }
    column += WINDOWS * stride * 5;
  }
}

#define SLIDE(NAME, STRIDE, RECTIFIED)                                                              \
  TARGET static void NAME(const depthwise_state *state, const int8_t *const *column, int8_t *out) { \
    slide(state, column, out, STRIDE, RECTIFIED);                                                   \
  }
SLIDE(dense, 1, false)
SLIDE(strided, 2, false)
SLIDE(dense_relu, 1, true)
SLIDE(strided_relu, 2, true)

TARGET bool martlet_depthwise_slide5_avx2(const depthwise_run *run) {
  static void (*const slides[2][2])(const depthwise_state *, const int8_t *const *,
                                    int8_t *) = {{dense, strided}, {dense_relu, strided_relu}};
  // As the table counts, [kernel_w][kernel_h].
  static const int32_t taps[13][2] = {{0, 1},   {2, 3},   {5, 6},   {7, 8}, {10, 11}, {12, 13}, {15, 16},
                                      {17, 18}, {20, 21}, {22, 23}, {4, 9}, {14, 19}, {-1, 24}};
  const depthwise_grid *g = run->grid;
  depthwise_state state;
  prepare(&state, run, taps, 13, false);
  if (!state.fast) return false;
  for (int32_t y = 0; y < run->rows; y++)
    slides[state.rectified][g->p.stride_w - 1](&state, run->table + (ptrdiff_t)y * g->columns * 5,
                                               run->out + (ptrdiff_t)y * g->p.out_w * g->channels);
  return true;
}
#endif

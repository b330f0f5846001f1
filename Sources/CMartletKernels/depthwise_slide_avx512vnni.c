#include "depthwise_slide_avx512.h"

#if defined(__x86_64__)

// 3 x 3, dilation 1: a column is interleaved once and serves every window that it is in.

typedef struct slide3_state {
  slide_state common;
  /// [row of windows][column][channels 4 j ... 4 j + 3 of each 16].
  __m512i weights[2][3][4];
} slide3_state;

/// Loads the next column: three rows, or the four of two windows, one below the other.
TARGET INLINE void load_column(const slide_state *s, slide_walk *k, int rows, int streams, bool full, __m512i out[4]) {
  __m512i x[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 2 + rows; i++) x[i] = load_streams(s, k, i < 3 ? i : k->below + 2, streams, full);
  martlet_depthwise_interleave(x[0], x[1], x[2], x[rows + 1], out);
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) k->column[i] += 3;
}

/// One or two neighboring windows of each stream, and the ones below them.
TARGET INLINE void output(const slide3_state *state, slide_walk *k, __m512i columns[][4], int windows, int stride,
                          int rows, int streams, bool full, bool rectified) {
  const slide_state *s = &state->common;
  __m512i v[2][2][4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < windows; i++) {
#pragma clang loop unroll(full)
      for (int row = 0; row < rows; row++) {
        __m512i acc = s->bias[j];
#pragma clang loop unroll(full)
        for (int x = 0; x < 3; x++)
          acc = _mm512_dpbusd_epi32(acc, columns[i * stride + x][j], state->weights[row][x][j]);
        v[i][row][j] = rescale(s, acc, j, rectified);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < windows; i++) {
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++)
      finish(s, k, i * s->pixel + row * s->below, v[i][row], streams, full, rectified);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) k->out[i] += windows * s->pixel;
}

/// Loads the columns that the windows end in, computes them and moves on. Columns move from register to register: that
/// costs nothing here.
TARGET INLINE void step(const slide3_state *state, slide_walk *k, __m512i columns[][4], int windows, int stride,
                        int rows, int streams, bool full, bool rectified) {
  const int kept = 3 - stride, fresh = windows * stride;
#pragma clang loop unroll(full)
  for (int x = kept; x < kept + fresh; x++) load_column(&state->common, k, rows, streams, full, columns[x]);
  output(state, k, columns, windows, stride, rows, streams, full, rectified);
#pragma clang loop unroll(full)
  for (int x = 0; x < kept; x++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) columns[x][j] = columns[x + fresh][j];
  }
}

TARGET INLINE void slide(const slide3_state *state, int32_t y, int stride, int rows, int streams, bool full,
                         bool rectified) {
  const slide_state *s = &state->common;
  const depthwise_grid *g = s->run->grid;
  slide_walk k = {.below = (ptrdiff_t)g->columns * 3, .channel = s->run->channel};
  int32_t count = (g->p.out_w + streams - 1) / streams;
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) {
    // The last stream ends with the row: it may compute some outputs again.
    const int32_t x = martlet_min(i * count, g->p.out_w - count);
    k.column[i] = s->run->table + y * k.below + (ptrdiff_t)x * stride * 3;
    k.out[i] = s->run->out + ((ptrdiff_t)y * g->p.out_w + x) * g->channels;
  }
  __m512i columns[5][4];
#pragma clang loop unroll(full)
  for (int x = 0; x < 3 - stride; x++) load_column(s, &k, rows, streams, full, columns[x]);
  // Two at a time share what they load; the rare kernels are not worth the size.
  if (rectified && (stride == 2 || rows == 2)) {
#pragma clang loop unroll(disable)
    for (; count >= 2; count -= 2) step(state, &k, columns, 2, stride, rows, streams, full, rectified);
  }
#pragma clang loop unroll(disable)
  for (; count > 0; count--) step(state, &k, columns, 1, stride, rows, streams, full, rectified);
}

typedef void (*slide_kernel)(const slide3_state *state, int32_t y);

#define SLIDE(NAME, STRIDE, ROWS, STREAMS, FULL, RECTIFIED)                   \
  TARGET static void NAME##_##STREAMS(const slide3_state *state, int32_t y) { \
    slide(state, y, STRIDE, ROWS, STREAMS, FULL, RECTIFIED);                  \
  }
SLIDE(signed_dense, 1, 1, 1, false, false)
SLIDE(signed_dense, 1, 1, 2, false, false)
SLIDE(signed_dense, 1, 1, 4, false, false)
SLIDE(signed_strided, 2, 1, 1, false, false)
SLIDE(signed_strided, 2, 1, 2, false, false)
SLIDE(signed_strided, 2, 1, 4, false, false)
SLIDE(rectified_dense, 1, 1, 1, false, true)
SLIDE(rectified_strided, 2, 1, 1, false, true)
SLIDE(rectified_strided, 2, 1, 2, false, true)
SLIDE(rectified_strided, 2, 1, 4, false, true)
SLIDE(rectified_full_strided, 2, 1, 1, true, true)
SLIDE(rectified_full_strided, 2, 1, 2, true, true)
SLIDE(rectified_pair, 1, 2, 1, false, true)
SLIDE(rectified_pair, 1, 2, 2, false, true)
SLIDE(rectified_pair, 1, 2, 4, false, true)
SLIDE(rectified_full_pair, 1, 2, 1, true, true)
SLIDE(rectified_full_pair, 1, 2, 2, true, true)

/// By the streams, 1, 2 and 4. The signed kernels are right for every layer: they stand where a rectified twin is not
/// worth its size.
static const slide_kernel signed_dense[] = {signed_dense_1, signed_dense_2, signed_dense_4},
                          rectified_dense[] = {rectified_dense_1, signed_dense_2, signed_dense_4},
                          signed_strided[] = {signed_strided_1, signed_strided_2, signed_strided_4},
                          rectified_strided[] = {rectified_strided_1, rectified_strided_2, rectified_strided_4},
                          full_strided[] = {rectified_full_strided_1, rectified_full_strided_2, rectified_strided_4},
                          pair[] = {rectified_pair_1, rectified_pair_2, rectified_pair_4},
                          full_pair[] = {rectified_full_pair_1, rectified_full_pair_2, rectified_pair_4};

TARGET static bool prepare(slide3_state *state, const depthwise_run *run, bool *rectified) {
  const __m512i none = _mm512_setzero_si512();
  __m512i taps[9], sums[4] = {none, none, none, none};
  if (!slide_taps(run, 9, taps)) return false;
  for (int x = 0; x < 3; x++) {
    martlet_depthwise_interleave(taps[x], taps[3 + x], taps[6 + x], none, state->weights[0][x]);
    martlet_depthwise_interleave(none, taps[x], taps[3 + x], taps[6 + x], state->weights[1][x]);
    for (int j = 0; j < 4; j++)
      sums[j] = _mm512_dpbusd_epi32(sums[j], _mm512_set1_epi8((char)0x80), state->weights[0][x][j]);
  }
  return slide_prepare(&state->common, run, sums, rectified);
}

TARGET bool martlet_depthwise_slide_avx512(const depthwise_run *run) {
  const martlet_depthwise_params *p = &run->grid->p;
  slide3_state state;
  bool rectified;
  if (!prepare(&state, run, &rectified)) return false;
  const int lanes = martlet_depthwise_lanes(run->panels), streams = lanes == 4 ? 0 : lanes == 2 ? 1 : 2;
  const bool full = run->channels == 16 * lanes;
  int32_t y = 0;
  if (rectified && p->stride_w == 1 && p->stride_h == 1 && p->dilation_h == 1) {
    const slide_kernel kernel = (full ? full_pair : pair)[streams];
    for (; y + 2 <= run->rows; y += 2) kernel(&state, y);
  }
  const slide_kernel *dense = rectified ? rectified_dense : signed_dense;
  const slide_kernel *strided = !rectified ? signed_strided : full ? full_strided : rectified_strided;
  const slide_kernel kernel = (p->stride_w == 1 ? dense : strided)[streams];
  for (; y < run->rows; y++) kernel(&state, y);
  return true;
}

#endif

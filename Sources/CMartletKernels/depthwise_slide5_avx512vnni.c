#include "depthwise_slide_avx512.h"

#if defined(__x86_64__)

// 5 x 5, dilation 1: a block of four columns is interleaved once and serves every window that it is in. Its first four
// rows are a word a column, its fifth row one word for all four columns; a step computes the windows that begin in one
// block, which end in the next one.

#define COLUMNS 4

/// [channels 4 j ... 4 j + 3 of each 16] innermost.
typedef struct columns_avx512 {
  __m512i upper[COLUMNS][4], fifth[4];
} columns_avx512;

typedef struct slide5_state {
  slide_state common;
  /// Of each column's upper four rows.
  __m512i upper[5][4];
  /// Of the fifth row in a window's first and second block, by the column that the window begins at.
  __m512i fifth[COLUMNS][2][4];
} slide5_state;

/// Loads the columns from `x` on; in place of those after `last`, that one.
TARGET INLINE void load_columns(const slide_state *s, const slide_walk *k, int32_t x, int32_t last, int streams,
                                bool full, columns_avx512 *out) {
  __m512i fifth[COLUMNS];
#pragma clang loop unroll(full)
  for (int i = 0; i < COLUMNS; i++) {
    const ptrdiff_t entry = (ptrdiff_t)martlet_min(x + i, last) * 5;
    martlet_depthwise_interleave(load_streams(s, k, entry, streams, full), load_streams(s, k, entry + 1, streams, full),
                                 load_streams(s, k, entry + 2, streams, full),
                                 load_streams(s, k, entry + 3, streams, full), out->upper[i]);
    fifth[i] = load_streams(s, k, entry + 4, streams, full);
  }
  martlet_depthwise_interleave(fifth[0], fifth[1], fifth[2], fifth[3], out->fifth);
}

/// The first `windows` of each stream that begin in `first`; of those, `left` are stored.
TARGET INLINE void output(const slide5_state *state, slide_walk *k, const columns_avx512 *first,
                          const columns_avx512 *second, int32_t left, int windows, int stride, int streams, bool full,
                          bool rectified) {
  const slide_state *s = &state->common;
  __m512i v[COLUMNS][4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    __m512i acc[COLUMNS];
#pragma clang loop unroll(full)
    for (int i = 0; i < windows; i++) acc[i] = s->bias[j];
#pragma clang loop unroll(full)
    for (int x = 0; x < 5; x++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < windows; i++) {
        const int column = i * stride + x;
        const __m512i word = column < COLUMNS ? first->upper[column][j] : second->upper[column - COLUMNS][j];
        acc[i] = _mm512_dpbusd_epi32(acc[i], word, state->upper[x][j]);
      }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < windows; i++) {
      acc[i] = _mm512_dpbusd_epi32(acc[i], first->fifth[j], state->fifth[i * stride][0][j]);
      acc[i] = _mm512_dpbusd_epi32(acc[i], second->fifth[j], state->fifth[i * stride][1][j]);
      v[i][j] = rescale(s, acc[i], j, rectified);
    }
  }
  // Without a branch, which would keep the windows' arithmetic apart: the superfluous ones go where the last one will.
#pragma clang loop unroll(full)
  for (int i = windows - 1; i >= 0; i--)
    finish(s, k, martlet_min(i, left - 1) * s->pixel, v[i], streams, full, rectified);
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) k->out[i] += windows * s->pixel;
}

/// The window of each stream that begins in `column` of `first`, without a ReLU.
TARGET INLINE void output_signed(const slide5_state *state, slide_walk *k, const columns_avx512 *first,
                                 const columns_avx512 *second, int32_t column, int streams) {
  const slide_state *s = &state->common;
  const __m512i *words[5];
  __m512i v[4];
#pragma clang loop unroll(full)
  for (int x = 0; x < 5; x++)
    words[x] = column + x < COLUMNS ? first->upper[column + x] : second->upper[column + x - COLUMNS];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    __m512i acc = s->bias[j];
#pragma clang loop unroll(full)
    for (int x = 0; x < 5; x++) acc = _mm512_dpbusd_epi32(acc, words[x][j], state->upper[x][j]);
    acc = _mm512_dpbusd_epi32(acc, first->fifth[j], state->fifth[column][0][j]);
    acc = _mm512_dpbusd_epi32(acc, second->fifth[j], state->fifth[column][1][j]);
    v[j] = rescale(s, acc, j, false);
  }
  finish(s, k, 0, v, streams, false, false);
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) k->out[i] += s->pixel;
}

/// Where each stream begins, from the row `y` on; returns how many windows a stream has.
TARGET INLINE int32_t start(const slide_state *s, slide_walk *k, int32_t y, ptrdiff_t stride, int streams) {
  const depthwise_grid *g = s->run->grid;
  const int32_t count = (g->p.out_w + streams - 1) / streams;
  k->channel = s->run->channel;
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) {
    // The last stream ends with the row: it may compute some outputs again.
    const int32_t x = martlet_min(i * count, g->p.out_w - count);
    k->column[i] = s->run->table + ((ptrdiff_t)y * g->columns + x * stride) * 5;
    k->out[i] = s->run->out + ((ptrdiff_t)y * g->p.out_w + x) * g->channels;
  }
  return count;
}

TARGET INLINE void slide(const slide5_state *state, int32_t y, int stride, int streams, bool full, bool rectified) {
  const slide_state *s = &state->common;
  slide_walk k;
  int32_t left = start(s, &k, y, stride, streams);
  const int windows = COLUMNS / stride;
  const int32_t last = (left - 1) * stride + 4;
  columns_avx512 blocks[2];
#pragma clang loop unroll(disable)
  for (int32_t x = 0, second = 0; left > 0; x += COLUMNS, second ^= 1) {
    load_columns(s, &k, x, last, streams, full, &blocks[second]);
    // The first block alone has no windows yet. Not before the loop: loading is half of the code.
    if (x == 0) continue;
    const columns_avx512 *first = &blocks[second ^ 1];
    // Half a step is worth its size only where much time is spent.
    if (streams == 1 && rectified && left <= windows / 2)
      output(state, &k, first, &blocks[second], left, windows / 2, stride, streams, full, rectified);
    else output(state, &k, first, &blocks[second], left, windows, stride, streams, full, rectified);
    left -= windows;
  }
}

/// Few channels that are left of a layer without a ReLU: window by window, with any stride.
TARGET INLINE void slide_signed(const slide5_state *state, int32_t y, int streams) {
  const slide_state *s = &state->common;
  const int32_t stride = s->run->grid->p.stride_w;
  slide_walk k;
  int32_t left = start(s, &k, y, stride, streams);
  const int32_t last = (left - 1) * stride + 4;
  columns_avx512 blocks[2];
#pragma clang loop unroll(disable)
  for (int32_t x = 0, second = 0; left > 0; x += COLUMNS, second ^= 1) {
    load_columns(s, &k, x, last, streams, false, &blocks[second]);
    if (x == 0) continue;
#pragma clang loop unroll(disable)
    for (int32_t column = 0; column < COLUMNS && left > 0; column += stride, left--)
      output_signed(state, &k, &blocks[second ^ 1], &blocks[second], column, streams);
  }
}

typedef void (*slide_kernel)(const slide5_state *state, int32_t y);

#define SLIDE(NAME, STRIDE, STREAMS, FULL, RECTIFIED)                         \
  TARGET static void NAME##_##STREAMS(const slide5_state *state, int32_t y) { \
    slide(state, y, STRIDE, STREAMS, FULL, RECTIFIED);                        \
  }
SLIDE(rectified_dense, 1, 1, false, true)
SLIDE(rectified_dense, 1, 2, false, true)
SLIDE(rectified_dense, 1, 4, false, true)
SLIDE(rectified_strided, 2, 1, false, true)
SLIDE(rectified_strided, 2, 2, false, true)
SLIDE(rectified_strided, 2, 4, false, true)
// What most time is spent in, without masks.
SLIDE(rectified_full_dense, 1, 1, true, true)
SLIDE(rectified_full_strided, 2, 1, true, true)
SLIDE(signed_dense, 1, 1, false, false)
SLIDE(signed_strided, 2, 1, false, false)
TARGET static void signed_2(const slide5_state *state, int32_t y) { slide_signed(state, y, 2); }
TARGET static void signed_4(const slide5_state *state, int32_t y) { slide_signed(state, y, 4); }

/// By the streams, 1, 2 and 4.
static const slide_kernel rectified_dense[] = {rectified_dense_1, rectified_dense_2, rectified_dense_4},
                          rectified_strided[] = {rectified_strided_1, rectified_strided_2, rectified_strided_4},
                          signed_dense[] = {signed_dense_1, signed_2, signed_4},
                          signed_strided[] = {signed_strided_1, signed_2, signed_4};

TARGET static bool prepare(slide5_state *state, const depthwise_run *run, bool *rectified) {
  const __m512i none = _mm512_setzero_si512(), all_128 = _mm512_set1_epi8((char)0x80);
  __m512i taps[25], sums[4] = {none, none, none, none}, four[4], fifth[4];
  if (!slide_taps(run, 25, taps)) return false;
  for (int x = 0; x < 5; x++) {
    martlet_depthwise_interleave(taps[x], taps[5 + x], taps[10 + x], taps[15 + x], state->upper[x]);
    for (int j = 0; j < 4; j++) sums[j] = _mm512_dpbusd_epi32(sums[j], all_128, state->upper[x][j]);
  }
  martlet_depthwise_interleave(taps[20], taps[21], taps[22], taps[23], four);
  martlet_depthwise_interleave(taps[24], none, none, none, fifth);
  for (int j = 0; j < 4; j++) {
    sums[j] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sums[j], all_128, four[j]), all_128, fifth[j]);
    for (unsigned i = 0; i < COLUMNS; i++) {
      state->fifth[i][0][j] = _mm512_sll_epi32(four[j], _mm_cvtsi32_si128((int)(8 * i)));
      state->fifth[i][1][j] = _mm512_or_si512(_mm512_srl_epi32(four[j], _mm_cvtsi32_si128((int)(32 - 8 * i))),
                                              _mm512_sll_epi32(fifth[j], _mm_cvtsi32_si128((int)(8 * i))));
    }
  }
  return slide_prepare(&state->common, run, sums, rectified);
}

TARGET bool martlet_depthwise_slide5_avx512(const depthwise_run *run) {
  slide5_state state;
  bool rectified;
  if (!prepare(&state, run, &rectified)) return false;
  const int lanes = martlet_depthwise_lanes(run->panels), streams = lanes == 4 ? 0 : lanes == 2 ? 1 : 2;
  const bool dense = run->grid->p.stride_w == 1;
  slide_kernel kernel = dense ? (rectified ? rectified_dense : signed_dense)[streams]
                              : (rectified ? rectified_strided : signed_strided)[streams];
  if (rectified && run->channels == 64) kernel = dense ? rectified_full_dense_1 : rectified_full_strided_1;
  for (int32_t y = 0; y < run->rows; y++) kernel(&state, y);
  return true;
}

#endif

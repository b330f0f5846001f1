#include "depthwise_avx2.h"

#if defined(__x86_64__)

// MARK: - 3 x 3, dilation 1: what is interleaved serves every window that it is in

// Rows 0 and 1 of a column are a pair; so are row 2 of a column and of the next one. Windows at each column take the
// latter pair of their first column and, times 0 and the last weight, that of their second.

/// A row of windows. `streams`: the second one's columns and outputs are `ahead` windows further on.
TARGET INLINE void row_3x3(const depthwise_state *state, const int8_t *const *column, int8_t *out, int32_t count,
                           int32_t ahead, int stride, pixel_kind kind, bool rectified) {
  const depthwise_run *run = state->run;
  const ptrdiff_t pixel = run->grid->channels, next = (ptrdiff_t)ahead * stride * 3;
#define ROW(COLUMN, ROW) load(run, column[3 * (COLUMN) + (ROW)], column[next + 3 * (COLUMN) + (ROW)], kind)
  __m256i left[2], middle[2], right[2], lower[2], last[2], below;
  interleave(ROW(0, 0), ROW(0, 1), left);
  below = ROW(0, 2);
  if (stride == 1) {
    const __m256i second = ROW(1, 2);
    interleave(ROW(1, 0), ROW(1, 1), middle);
    interleave(below, second, lower);
    below = second;
  }
#pragma clang loop unroll(disable)
  for (int32_t x = 0; x < count; x++, column += 3 * stride, out += pixel) {
    const __m256i third = ROW(2, 2);
    if (stride == 2) {
      const __m256i second = ROW(1, 2);
      interleave(ROW(1, 0), ROW(1, 1), middle);
      interleave(below, second, lower);
      interleave(second, third, last);
    } else {
      interleave(below, third, last);
    }
    interleave(ROW(2, 0), ROW(2, 1), right);
    __m256i acc[2] = {state->bias[0], state->bias[1]};
    accumulate(state, 0, left, acc);
    accumulate(state, 1, middle, acc);
    accumulate(state, 2, right, acc);
    accumulate(state, 3, lower, acc);
    accumulate(state, 4, last, acc);
    finish(state, acc, out, out + ahead * pixel, kind, rectified);
    for (int j = 0; j < 2; j++) {
      left[j] = stride == 1 ? middle[j] : right[j];
      middle[j] = right[j];
      lower[j] = last[j];
    }
    below = third;
  }
#undef ROW
}

typedef void (*row_kernel)(const depthwise_state *state, const int8_t *const *column, int8_t *out, int32_t count,
                           int32_t ahead);
#define DEFINE_ROW(NAME, STRIDE, KIND, RECTIFIED)                                                                \
  TARGET static void NAME(const depthwise_state *state, const int8_t *const *column, int8_t *out, int32_t count, \
                          int32_t ahead) {                                                                       \
    row_3x3(state, column, out, count, ahead, STRIDE, KIND, RECTIFIED);                                          \
  }
#define DEFINE_ROWS(NAME, KIND)            \
  DEFINE_ROW(NAME##_dense, 1, KIND, false) \
  DEFINE_ROW(NAME##_strided, 2, KIND, false)
DEFINE_ROWS(full, FULL)
DEFINE_ROWS(twin, TWIN)
DEFINE_ROWS(partial, PARTIAL)
DEFINE_ROW(full_dense_relu, 1, FULL, true)
DEFINE_ROW(full_strided_relu, 2, FULL, true)
DEFINE_ROW(twin_dense_relu, 1, TWIN, true)
DEFINE_ROW(twin_strided_relu, 2, TWIN, true)

/// [kind][rectified][stride - 1].
static const row_kernel rows_3x3[3][2][2] = {
    {{full_dense, full_strided}, {full_dense_relu, full_strided_relu}},
    {{twin_dense, twin_strided}, {twin_dense_relu, twin_strided_relu}},
    {{partial_dense, partial_strided}, {partial_dense, partial_strided}},
};

// MARK: - Any other window

TARGET INLINE void store_any(const depthwise_state *state, const __m256i acc[2], int8_t *out, pixel_kind kind) {
  if (state->fast) {
    finish(state, acc, out, out, kind, false);
    return;
  }
  const martlet_channels *c = (const martlet_channels *)state->run->panel;
  const __m256i none = _mm256_setzero_si256();
  __m256i v[2];
  for (int j = 0; j < 2; j++) {
    const __m256i shift = quarters(c->shift, j, false);
    const __m256i right = _mm256_sub_epi32(none, _mm256_max_epi32(shift, _mm256_set1_epi32(-31)));
    const __m256i left = _mm256_min_epi32(_mm256_max_epi32(shift, none), _mm256_set1_epi32(30));
    const __m256i multiplier = _mm256_and_si256(quarters(c->multiplier, j, false), _mm256_set1_epi32(INT32_MAX));
    v[j] = martlet_rescale_avx2(acc[j], multiplier, left, _mm256_max_epi32(right, none));
  }
  store(state, pack(&state->run->grid->p, v, false), out, out, kind);
}

TARGET INLINE void windows(depthwise_state *state, const depthwise_run *run, pixel_kind kind) {
  const martlet_depthwise_params *p = &run->grid->p;
  const int32_t count = p->kernel_h * p->kernel_w, pairs = (count + 1) / 2;
  int32_t taps[MAX_PAIRS][2], entry[MAX_PAIRS][2];
  for (int32_t i = 0; i < pairs * 2; i++) {
    int32_t real = i < count ? i : 0;
    taps[i / 2][i % 2] = i < count ? i : -1;
    entry[i / 2][i % 2] = real / p->kernel_h * p->dilation_w * p->kernel_h + real % p->kernel_h;
  }
  prepare(state, run, taps, pairs, false);
  int8_t *out = run->out;
  for (int32_t y = 0; y < run->rows; y++) {
    const int8_t *const *window = run->table + (ptrdiff_t)y * run->grid->columns * p->kernel_h;
    for (int32_t x = 0; x < p->out_w; x++, window += p->stride_w * p->kernel_h, out += run->grid->channels) {
      __m256i acc[2] = {state->bias[0], state->bias[1]};
      for (int32_t i = 0; i < pairs; i++) {
        const int8_t *a = window[entry[i][0]], *b = window[entry[i][1]];
        __m256i pair[2];
        interleave(load(run, a, a, kind), load(run, b, b, kind), pair);
        accumulate(state, i, pair, acc);
      }
      store_any(state, acc, out, kind);
    }
  }
}

TARGET static void run_any(const depthwise_run *run) {
  depthwise_state state;
  if (run->channels >= 16) windows(&state, run, FULL);
  else windows(&state, run, PARTIAL);
}

TARGET static void run_5x5(const depthwise_run *run) {
  if (run->channels < 16 || !martlet_depthwise_slide5_avx2(run)) run_any(run);
}

TARGET static void run_3x3(const depthwise_run *run) {
  static const int32_t taps[5][2] = {{0, 1}, {3, 4}, {6, 7}, {2, 5}, {-1, 8}};
  const depthwise_grid *g = run->grid;
  const int32_t width = g->p.out_w;
  const pixel_kind kind = run->channels >= 16 ? FULL : run->channels == 8 ? TWIN : PARTIAL;
  depthwise_state state;
  prepare(&state, run, taps, 5, kind == TWIN);
  if (!state.fast) {
    run_any(run);
    return;
  }
  // The second stream ends with the row: it may compute an output again.
  const int32_t count = kind == TWIN ? (width + 1) / 2 : width, ahead = width - count;
  const row_kernel kernel = rows_3x3[kind][state.rectified][g->p.stride_w - 1];
  for (int32_t y = 0; y < run->rows; y++)
    kernel(&state, run->table + (ptrdiff_t)y * g->columns * 3, run->out + (ptrdiff_t)y * width * g->channels, count,
           ahead);
}

MARTLET_KERNEL(depthwise, avx2, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MAX_PAIRS * 2) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  const bool sliding = p->dilation_w == 1 && p->stride_w <= 2;
  const bool three = p->kernel_h == 3 && p->kernel_w == 3, five = p->kernel_h == 5 && p->kernel_w == 5;
  const depthwise_run_kernel kernel = sliding && three ? run_3x3 : sliding && five ? run_5x5 : run_any;
  martlet_depthwise_drive(p, buffers, first, last, scratch, kernel, 1);
}
#endif

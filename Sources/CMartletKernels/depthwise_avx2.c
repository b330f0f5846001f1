#include "channels_avx2.h"
#include "depthwise.h"
#include "variants.h"

#if defined(__x86_64__)

// 16 channels at a time, widened to words. Two taps are interleaved word by word, so that one vpmaddwd adds two
// products per channel; of the two accumulators one then holds channels 0-3 and 8-11, the other 4-7 and 12-15, which
// packing puts right.

#define TARGET MARTLET_TARGET_avx2
#define INLINE static inline __attribute__((always_inline))
#define MAX_PAIRS 32

typedef struct channel_rescale {
  __m256i bias, multiplier, left, right;
  martlet_rectified_avx2 rectified;
} channel_rescale;

typedef struct depthwise_state {
  const depthwise_run *run;
  channel_rescale channels[2];
  bool rectified;
  /// (w - weight_zero_point) of each pair of taps, interleaved.
  __m256i weights[MAX_PAIRS][2];
} depthwise_state;

TARGET INLINE void interleave(__m256i a, __m256i b, __m256i out[2]) {
  out[0] = _mm256_unpacklo_epi16(a, b);
  out[1] = _mm256_unpackhi_epi16(a, b);
}

TARGET INLINE __m256i load(const depthwise_run *run, const int8_t *pixel) {
  pixel += run->channel;
  if (run->channels >= 16) return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)pixel));
  if (run->channels == 8) return _mm256_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)pixel));
  int8_t bytes[16] = {0};
  memcpy(bytes, pixel, (size_t)run->channels);
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)bytes));
}

/// `tap` counts as the table does, [kernel_w][kernel_h]; -1 is none.
TARGET INLINE __m256i tap_weights(const depthwise_run *run, int32_t tap) {
  const martlet_depthwise_params *p = &run->grid->p;
  if (tap < 0) return _mm256_setzero_si256();
  const uint8_t *at = run->panel + sizeof(martlet_channels) +
                      ((size_t)(tap % p->kernel_h) * p->kernel_w + tap / p->kernel_h) * 16;
  __m256i w = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)at));
  return _mm256_sub_epi16(w, _mm256_set1_epi16((int16_t)p->weight_zero_point));
}

TARGET INLINE __m256i halves(const int32_t *low, const int32_t *high) {
  return _mm256_setr_m128i(_mm_loadu_si128((const __m128i *)low), _mm_loadu_si128((const __m128i *)high));
}

TARGET INLINE void prepare(depthwise_state *state, const depthwise_run *run, const int32_t taps[][2], int32_t pairs) {
  state->run = run;
  for (int32_t i = 0; i < pairs; i++)
    interleave(tap_weights(run, taps[i][0]), tap_weights(run, taps[i][1]), state->weights[i]);
  const martlet_channels *c = (const martlet_channels *)run->panel;
  const __m256i none = _mm256_setzero_si256();
  state->rectified = run->grid->p.clamp_min >= run->grid->p.output_zero_point;
  for (int j = 0; j < 2; j++) {
    __m256i multiplier = halves(c->multiplier + 4 * j, c->multiplier + 8 + 4 * j);
    __m256i shift = halves(c->shift + 4 * j, c->shift + 8 + 4 * j);
    __m256i right = _mm256_sub_epi32(none, _mm256_max_epi32(shift, _mm256_set1_epi32(-31)));
    state->channels[j] =
        (channel_rescale){.bias = halves(c->bias + 4 * j, c->bias + 8 + 4 * j),
                          .multiplier = _mm256_and_si256(multiplier, _mm256_set1_epi32(INT32_MAX)),
                          .left = _mm256_min_epi32(_mm256_max_epi32(shift, none), _mm256_set1_epi32(30)),
                          .right = _mm256_max_epi32(right, none)};
    bool exact = martlet_rescale_rectify_avx2(state->channels[j].multiplier, shift, &state->channels[j].rectified);
    state->rectified = state->rectified && exact;
  }
}

TARGET INLINE void accumulate(const depthwise_state *state, int32_t pair, const __m256i x[2], __m256i acc[2]) {
  acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(x[0], state->weights[pair][0]));
  acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(x[1], state->weights[pair][1]));
}

TARGET INLINE void store(const depthwise_state *state, const __m256i acc[2], int8_t *out) {
  const martlet_depthwise_params *p = &state->run->grid->p;
  __m256i v[2];
  for (int j = 0; j < 2; j++) {
    const channel_rescale *c = &state->channels[j];
    v[j] = state->rectified ? martlet_rescale_rectified_avx2(acc[j], &c->rectified)
                            : martlet_rescale_avx2(acc[j], c->multiplier, c->left, c->right);
  }
  __m256i words = _mm256_adds_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_set1_epi16((int16_t)p->output_zero_point));
  words = _mm256_permute4x64_epi64(_mm256_packs_epi16(words, words), _MM_SHUFFLE(3, 1, 2, 0));
  __m128i bytes = _mm_max_epi8(_mm256_castsi256_si128(words), _mm_set1_epi8((int8_t)p->clamp_min));
  bytes = _mm_min_epi8(bytes, _mm_set1_epi8((int8_t)p->clamp_max));
  if (state->run->channels >= 16) {
    _mm_storeu_si128((__m128i *)out, bytes);
  } else {
    int8_t lanes[16];
    _mm_storeu_si128((__m128i *)lanes, bytes);
    memcpy(out, lanes, (size_t)state->run->channels);
  }
}

// MARK: - 3 x 3, dilation 1: a column is interleaved once and serves every window that it is in

TARGET INLINE void load_column(const depthwise_run *run, const int8_t *const *column, __m256i out[2][2]) {
  interleave(load(run, column[0]), load(run, column[1]), out[0]);
  interleave(load(run, column[2]), _mm256_setzero_si256(), out[1]);
}

TARGET INLINE void rows_3x3(const depthwise_state *state, int stride) {
  const depthwise_run *run = state->run;
  const depthwise_grid *g = run->grid;
  int8_t *out = run->out;
  for (int32_t y = 0; y < run->rows; y++) {
    const int8_t *const *column = run->table + (ptrdiff_t)y * g->columns * 3;
    __m256i left[2][2], middle[2][2], right[2][2];
    load_column(run, column, left);
    if (stride == 1) load_column(run, column + 3, middle);
    for (int32_t x = 0; x < g->p.out_w; x++, column += 3 * stride, out += g->channels) {
      if (stride == 2) load_column(run, column + 3, middle);
      load_column(run, column + 6, right);
      __m256i acc[2] = {state->channels[0].bias, state->channels[1].bias};
#pragma clang loop unroll(full)
      for (int half = 0; half < 2; half++) {
        accumulate(state, half, left[half], acc);
        accumulate(state, 2 + half, middle[half], acc);
        accumulate(state, 4 + half, right[half], acc);
      }
      store(state, acc, out);
#pragma clang loop unroll(full)
      for (int half = 0; half < 2; half++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 2; j++) {
          left[half][j] = stride == 1 ? middle[half][j] : right[half][j];
          middle[half][j] = right[half][j];
        }
      }
    }
  }
}

TARGET static void run_3x3(const depthwise_run *run) {
  static const int32_t taps[6][2] = {{0, 1}, {2, -1}, {3, 4}, {5, -1}, {6, 7}, {8, -1}};
  depthwise_state state;
  prepare(&state, run, taps, 6);
  if (run->grid->p.stride_w == 1) rows_3x3(&state, 1);
  else rows_3x3(&state, 2);
}

// MARK: - Any other window

TARGET static void run_any(const depthwise_run *run) {
  const martlet_depthwise_params *p = &run->grid->p;
  const int32_t count = p->kernel_h * p->kernel_w, pairs = (count + 1) / 2;
  int32_t taps[MAX_PAIRS][2], entry[MAX_PAIRS][2];
  for (int32_t i = 0; i < pairs * 2; i++) {
    int32_t real = i < count ? i : 0;
    taps[i / 2][i % 2] = i < count ? i : -1;
    entry[i / 2][i % 2] = real / p->kernel_h * p->dilation_w * p->kernel_h + real % p->kernel_h;
  }
  depthwise_state state;
  prepare(&state, run, taps, pairs);
  int8_t *out = run->out;
  for (int32_t y = 0; y < run->rows; y++) {
    const int8_t *const *window = run->table + (ptrdiff_t)y * run->grid->columns * p->kernel_h;
    for (int32_t x = 0; x < p->out_w; x++, window += p->stride_w * p->kernel_h, out += run->grid->channels) {
      __m256i acc[2] = {state.channels[0].bias, state.channels[1].bias};
      for (int32_t i = 0; i < pairs; i++) {
        __m256i pair[2];
        interleave(load(run, window[entry[i][0]]), load(run, window[entry[i][1]]), pair);
        accumulate(&state, i, pair, acc);
      }
      store(&state, acc, out);
    }
  }
}

MARTLET_KERNEL(depthwise, avx2, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MAX_PAIRS * 2) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  bool sliding = p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1 && p->stride_w <= 2;
  martlet_depthwise_drive(p, buffers, first, last, scratch, sliding ? run_3x3 : run_any, 1);
}
#endif

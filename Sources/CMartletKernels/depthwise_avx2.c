#include "channels_avx2.h"
#include "depthwise.h"
#include "variants.h"

#if defined(__x86_64__)

// 16 channels at a time, widened to words; of a panel with 8 or fewer, two streams of pixels: the two halves of a row.
// Two taps are interleaved word by word, so that one vpmaddwd adds two products per channel; of the two accumulators
// one then holds channels 0-3 and 8-11, the other 4-7 and 12-15, which packing puts right.

#define TARGET MARTLET_TARGET_avx2
#define INLINE static inline __attribute__((always_inline))
#define MAX_PAIRS 32

/// What a pixel's vector holds: 16 channels, 8 of two pixels, or fewer than 16 of one.
typedef enum pixel_kind { FULL, TWIN, PARTIAL } pixel_kind;

typedef struct depthwise_state {
  const depthwise_run *run;
  __m256i bias[2];
  martlet_channels_avx2 channels[2];
  /// All shifts are to the right by 1 or more; a ReLU follows.
  bool fast, rectified;
  /// (w - weight_zero_point) of each pair of taps, interleaved.
  __m256i weights[MAX_PAIRS][2];
} depthwise_state;

TARGET INLINE void interleave(__m256i a, __m256i b, __m256i out[2]) {
  out[0] = _mm256_unpacklo_epi16(a, b);
  out[1] = _mm256_unpackhi_epi16(a, b);
}

/// `other`: the second stream's pixel.
TARGET INLINE __m256i load(const depthwise_run *run, const int8_t *pixel, const int8_t *other, pixel_kind kind) {
  pixel += run->channel;
  if (kind == FULL) return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)pixel));
  if (kind == TWIN) {
    const __m128d low = _mm_castsi128_pd(_mm_loadl_epi64((const __m128i *)pixel));
    return _mm256_cvtepi8_epi16(_mm_castpd_si128(_mm_loadh_pd(low, (const double *)(other + run->channel))));
  }
  int8_t bytes[16] = {0};
  memcpy(bytes, pixel, (size_t)run->channels);
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)bytes));
}

/// `tap` counts as the table does, [kernel_w][kernel_h]; -1 is none.
TARGET INLINE __m256i tap_weights(const depthwise_run *run, int32_t tap, bool twin) {
  const martlet_depthwise_params *p = &run->grid->p;
  if (tap < 0) return _mm256_setzero_si256();
  const uint8_t *at = run->panel + sizeof(martlet_channels) +
                      ((size_t)(tap % p->kernel_h) * p->kernel_w + tap / p->kernel_h) * 16;
  __m128i bytes = _mm_loadu_si128((const __m128i *)at);
  if (twin) bytes = _mm_unpacklo_epi64(bytes, bytes);
  return _mm256_sub_epi16(_mm256_cvtepi8_epi16(bytes), _mm256_set1_epi16((int16_t)p->weight_zero_point));
}

/// Channels 4 j ... 4 j + 3 of each 8; of a twin those of the first 8 twice.
TARGET INLINE __m256i quarters(const int32_t *channels, int j, bool twin) {
  return _mm256_setr_m128i(_mm_loadu_si128((const __m128i *)(channels + 4 * j)),
                           _mm_loadu_si128((const __m128i *)(channels + (twin ? 0 : 8) + 4 * j)));
}

TARGET INLINE void prepare(depthwise_state *state, const depthwise_run *run, const int32_t taps[][2], int32_t pairs,
                           bool twin) {
  state->run = run;
  for (int32_t i = 0; i < pairs; i++)
    interleave(tap_weights(run, taps[i][0], twin), tap_weights(run, taps[i][1], twin), state->weights[i]);
  const martlet_channels *c = (const martlet_channels *)run->panel;
  state->fast = true;
  state->rectified = run->grid->p.clamp_min == run->grid->p.output_zero_point;
  for (int j = 0; j < 2; j++) {
    state->bias[j] = quarters(c->bias, j, twin);
    const __m256i shift = quarters(c->shift, j, twin);
    if (!martlet_channels_prepare_avx2(quarters(c->multiplier, j, twin), shift, &state->channels[j])) state->fast = false;
  }
}

TARGET INLINE void accumulate(const depthwise_state *state, int32_t pair, const __m256i x[2], __m256i acc[2]) {
  acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(x[0], state->weights[pair][0]));
  acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(x[1], state->weights[pair][1]));
}

/// 16 results to bytes.
TARGET INLINE __m128i pack(const martlet_depthwise_params *p, const __m256i v[2], bool rectified) {
  __m256i words = _mm256_packs_epi32(v[0], v[1]);
  if (rectified) {
    const __m128i above = _mm_set1_epi8((char)(p->clamp_max - p->output_zero_point));
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    return _mm_add_epi8(_mm_min_epu8(bytes, above), _mm_set1_epi8((int8_t)p->output_zero_point));
  }
  words = _mm256_adds_epi16(words, _mm256_set1_epi16((int16_t)p->output_zero_point));
  __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  return _mm_min_epi8(_mm_max_epi8(bytes, _mm_set1_epi8((int8_t)p->clamp_min)), _mm_set1_epi8((int8_t)p->clamp_max));
}

/// `other`: the second stream's output.
TARGET INLINE void store(const depthwise_state *state, __m128i bytes, int8_t *out, int8_t *other, pixel_kind kind) {
  if (kind == FULL) {
    _mm_storeu_si128((__m128i *)out, bytes);
  } else if (kind == TWIN) {
    _mm_storel_epi64((__m128i *)out, bytes);
    _mm_storeh_pd((double *)other, _mm_castsi128_pd(bytes));
  } else {
    int8_t lanes[16];
    _mm_storeu_si128((__m128i *)lanes, bytes);
    memcpy(out, lanes, (size_t)state->run->channels);
  }
}

TARGET INLINE void finish(const depthwise_state *state, const __m256i acc[2], int8_t *out, int8_t *other,
                          pixel_kind kind, bool rectified) {
  __m256i v[2];
  for (int j = 0; j < 2; j++) v[j] = martlet_rescale_channels_avx2(acc[j], &state->channels[j], rectified);
  store(state, pack(&state->run->grid->p, v, rectified), out, other, kind);
}

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
#define DEFINE_ROW(NAME, STRIDE, KIND, RECTIFIED)                                                             \
  TARGET static void NAME(const depthwise_state *state, const int8_t *const *column, int8_t *out,            \
                          int32_t count, int32_t ahead) {                                                    \
    row_3x3(state, column, out, count, ahead, STRIDE, KIND, RECTIFIED);                                      \
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
  bool sliding = p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1 && p->stride_w <= 2;
  martlet_depthwise_drive(p, buffers, first, last, scratch, sliding ? run_3x3 : run_any, 1);
}
#endif

#include "depthwise_avx512.h"

#if defined(__x86_64__)

// 3 x 3, dilation 1: a column is interleaved once and serves every window that it is in.

#define TARGET MARTLET_TARGET_avx512vnni
#define INLINE static inline __attribute__((always_inline))

/// What a ReLU leaves of the rescaling, for even and odd lanes: with n >= 1 to the right, both roundings are half up,
/// (x * multiplier + 2^30 + 2^(30 + n)) >> 32 >> (n - 1). Negative results round otherwise, which nobody sees.
typedef struct rectified_avx512 {
  __m512i multiplier_even, multiplier_odd, sum_even, sum_odd, right;
} rectified_avx512;

typedef struct slide_state {
  const depthwise_run *run;
  __mmask64 mask;
  __m512i bias[4];
  rectified_avx512 rectified[4];
  martlet_channels_avx512 channels[4];
  /// [row of windows][column][channels 4 j ... 4 j + 3 of each 16].
  __m512i weights[2][3][4];
  __m512i above, zero;
  __mmask16 even_lanes;
  /// Bytes from an output to the next one, and to the one below.
  ptrdiff_t pixel, below;
} slide_state;

/// The way along one or two rows of windows for 1, 2 or 4 streams: parts of the row that share a vector.
typedef struct slide_walk {
  /// Each stream's next column; `below`: from the first row's table to the second row's.
  const int8_t *const *column[4];
  ptrdiff_t below;
  int8_t *out[4];
  ptrdiff_t channel;
} slide_walk;

TARGET INLINE __m512i load_streams(const slide_state *s, const slide_walk *k, ptrdiff_t entry, int streams, bool full) {
  const ptrdiff_t channel = k->channel;
#define PIXEL(STREAM) (k->column[STREAM][entry] + channel)
  __m512i x;
  if (streams == 1) {
    x = full ? _mm512_loadu_si512(PIXEL(0)) : _mm512_maskz_loadu_epi8(s->mask, PIXEL(0));
  } else if (streams == 2) {
#define HALF(STREAM)                                         \
  (full ? _mm256_loadu_si256((const __m256i *)PIXEL(STREAM)) \
        : _mm256_maskz_loadu_epi8((__mmask32)s->mask, PIXEL(STREAM)))
    x = _mm512_inserti64x4(_mm512_castsi256_si512(HALF(0)), HALF(1), 1);
#undef HALF
  } else {
#define QUARTER(STREAM) \
  (full ? _mm_loadu_si128((const __m128i *)PIXEL(STREAM)) : _mm_maskz_loadu_epi8((__mmask16)s->mask, PIXEL(STREAM)))
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(QUARTER(0)), QUARTER(1), 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(QUARTER(2)), QUARTER(3), 1);
#undef QUARTER
    x = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
#undef PIXEL
  return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
}

/// Loads the next column: three rows, or the four of two windows, one below the other.
TARGET INLINE void load_column(const slide_state *s, slide_walk *k, int rows, int streams, bool full, __m512i out[4]) {
  __m512i x[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 2 + rows; i++) x[i] = load_streams(s, k, i < 3 ? i : k->below + 2, streams, full);
  martlet_depthwise_interleave(x[0], x[1], x[2], x[rows + 1], out);
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) k->column[i] += 3;
}

/// `odd`: the odd lanes, from memory: were it known, the compiler would make a permutation of the selection, which has
/// three sources and takes two of Zen 5's slots.
TARGET INLINE __m512i rectify(__m512i x, const rectified_avx512 *c, __mmask16 even_lanes) {
  __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, c->multiplier_even), c->sum_even);
  __m512i odd = _mm512_mul_epi32(_mm512_shuffle_epi32(x, _MM_PERM_DDBB), c->multiplier_odd);
  odd = _mm512_add_epi64(odd, c->sum_odd);
  return _mm512_srav_epi32(_mm512_mask_shuffle_epi32(odd, even_lanes, even, _MM_PERM_DDBB), c->right);
}

TARGET INLINE void store_streams(const slide_state *s, slide_walk *k, ptrdiff_t offset, int streams, bool full,
                                 __m512i bytes) {
  const __mmask64 mask = full ? ~(__mmask64)0 : s->mask;
  if (streams == 1) {
    _mm512_mask_storeu_epi8(k->out[0] + offset, mask, bytes);
  } else if (streams == 2) {
    _mm256_mask_storeu_epi8(k->out[0] + offset, (__mmask32)mask, _mm512_castsi512_si256(bytes));
    _mm256_mask_storeu_epi8(k->out[1] + offset, (__mmask32)mask, _mm512_extracti64x4_epi64(bytes, 1));
  } else {
    _mm_mask_storeu_epi8(k->out[0] + offset, (__mmask16)mask, _mm512_castsi512_si128(bytes));
    _mm_mask_storeu_epi8(k->out[1] + offset, (__mmask16)mask, _mm512_extracti32x4_epi32(bytes, 1));
    _mm_mask_storeu_epi8(k->out[2] + offset, (__mmask16)mask, _mm512_extracti32x4_epi32(bytes, 2));
    _mm_mask_storeu_epi8(k->out[3] + offset, (__mmask16)mask, _mm512_extracti32x4_epi32(bytes, 3));
  }
}

/// One window of each stream, and the one below it.
TARGET INLINE void output(const slide_state *s, slide_walk *k, const __m512i left[4], const __m512i middle[4],
                          const __m512i right[4], int rows, int streams, bool full, bool rectified) {
  const martlet_depthwise_params *p = &s->run->grid->p;
  __m512i v[2][4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
      __m512i acc = _mm512_dpbusd_epi32(s->bias[j], left[j], s->weights[row][0][j]);
      acc = _mm512_dpbusd_epi32(acc, middle[j], s->weights[row][1][j]);
      acc = _mm512_dpbusd_epi32(acc, right[j], s->weights[row][2][j]);
      v[row][j] = rectified ? rectify(acc, &s->rectified[j], s->even_lanes)
                            : martlet_rescale_prepared_avx512(acc, &s->channels[j], false);
    }
  }
#pragma clang loop unroll(full)
  for (int row = 0; row < rows; row++) {
    __m512i low = _mm512_packs_epi32(v[row][0], v[row][1]), high = _mm512_packs_epi32(v[row][2], v[row][3]), bytes;
    if (rectified) {
      bytes = _mm512_add_epi8(_mm512_min_epu8(_mm512_packus_epi16(low, high), s->above), s->zero);
    } else {
      const __m512i zero = _mm512_set1_epi16((int16_t)p->output_zero_point);
      bytes = _mm512_packs_epi16(_mm512_adds_epi16(low, zero), _mm512_adds_epi16(high, zero));
      bytes = _mm512_max_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_min));
      bytes = _mm512_min_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_max));
    }
    store_streams(s, k, row * s->below, streams, full, bytes);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < streams; i++) k->out[i] += s->pixel;
}

TARGET INLINE void slide(const slide_state *s, int32_t y, int stride, int rows, int streams, bool full,
                         bool rectified) {
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
  // Columns move from register to register: that costs nothing here.
  __m512i left[4], middle[4], right[4];
  load_column(s, &k, rows, streams, full, left);
  if (stride == 1) load_column(s, &k, rows, streams, full, middle);
#pragma clang loop unroll(disable)
  for (; count > 0; count--) {
    if (stride == 2) load_column(s, &k, rows, streams, full, middle);
    load_column(s, &k, rows, streams, full, right);
    output(s, &k, left, middle, right, rows, streams, full, rectified);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      left[j] = stride == 1 ? middle[j] : right[j];
      middle[j] = right[j];
    }
  }
}

typedef void (*slide_kernel)(const slide_state *s, int32_t y);

#define SLIDE(NAME, STRIDE, ROWS, STREAMS, FULL, RECTIFIED)              \
  TARGET static void NAME##_##STREAMS(const slide_state *s, int32_t y) { \
    slide(s, y, STRIDE, ROWS, STREAMS, FULL, RECTIFIED);                 \
  }
#define SLIDE_ANY(NAME, STRIDE, ROWS, FULL, RECTIFIED) \
  SLIDE(NAME, STRIDE, ROWS, 1, FULL, RECTIFIED)        \
  SLIDE(NAME, STRIDE, ROWS, 2, FULL, RECTIFIED)        \
  SLIDE(NAME, STRIDE, ROWS, 4, FULL, RECTIFIED)        \
  static const slide_kernel NAME[] = {NAME##_1, NAME##_2, NAME##_4};
SLIDE_ANY(signed_dense, 1, 1, false, false)
SLIDE_ANY(signed_strided, 2, 1, false, false)
SLIDE_ANY(rectified_dense, 1, 1, false, true)
SLIDE_ANY(rectified_strided, 2, 1, false, true)
SLIDE_ANY(rectified_pair, 1, 2, false, true)
SLIDE_ANY(rectified_full_pair, 1, 2, true, true)

/// False where w - weight_zero_point or a shift to the left is beyond the sliding kernels.
TARGET static bool prepare(slide_state *s, const depthwise_run *run, bool *rectified) {
  const martlet_depthwise_params *p = &run->grid->p;
  const __m512i none = _mm512_setzero_si512(), zero_point = _mm512_set1_epi8((int8_t)p->weight_zero_point);
  s->run = run;
  s->mask = run->channels >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << run->channels) - 1;
  __m512i taps[9];
  for (int tap = 0; tap < 9; tap++) {
    const __m512i w = martlet_depthwise_gather(run, sizeof(martlet_channels) + (size_t)tap * 16);
    taps[tap] = _mm512_sub_epi8(w, zero_point);
    // The saturated difference is another one where it does not fit.
    if (_mm512_cmpneq_epi8_mask(taps[tap], _mm512_subs_epi8(w, zero_point))) return false;
  }
  __m512i sums[4] = {none, none, none, none};
  for (int x = 0; x < 3; x++) {
    martlet_depthwise_interleave(taps[x], taps[3 + x], taps[6 + x], none, s->weights[0][x]);
    martlet_depthwise_interleave(none, taps[x], taps[3 + x], taps[6 + x], s->weights[1][x]);
    for (int j = 0; j < 4; j++)
      sums[j] = _mm512_dpbusd_epi32(sums[j], _mm512_set1_epi8((char)0x80), s->weights[0][x][j]);
  }
  *rectified = p->clamp_min == p->output_zero_point;
  s->above = _mm512_set1_epi8((char)(p->clamp_max - p->output_zero_point));
  s->zero = _mm512_set1_epi8((int8_t)p->output_zero_point);
  s->even_lanes = 0x5555;
  s->pixel = run->grid->channels;
  s->below = s->pixel * p->out_w;
  for (int j = 0; j < 4; j++) {
    const __m512i multiplier = martlet_depthwise_gather(run, offsetof(martlet_channels, multiplier) + j * 16);
    const __m512i shift = martlet_depthwise_gather(run, offsetof(martlet_channels, shift) + j * 16);
    s->bias[j] = _mm512_sub_epi32(martlet_depthwise_gather(run, offsetof(martlet_channels, bias) + j * 16), sums[j]);
    if (!martlet_rescale_prepare_avx512(s->bias[j], multiplier, shift, &s->channels[j])) return false;
    const martlet_channels_avx512 *c = &s->channels[j];
    const __mmask16 shifts = _mm512_cmplt_epi32_mask(shift, none);
    if (_mm512_mask_test_epi32_mask((__mmask16)~shifts, c->multiplier_even, c->multiplier_even)) *rectified = false;
    const __m512i right = _mm512_maskz_sub_epi32(shifts, _mm512_set1_epi32(-1), shift);
    s->rectified[j] = (rectified_avx512){.multiplier_even = c->multiplier_even,
                                         .multiplier_odd = c->multiplier_odd,
                                         .sum_even = c->sum_even,
                                         .sum_odd = c->sum_odd,
                                         .right = _mm512_min_epi32(right, _mm512_set1_epi32(30))};
  }
  return true;
}

TARGET bool martlet_depthwise_slide_avx512(const depthwise_run *run) {
  const martlet_depthwise_params *p = &run->grid->p;
  slide_state state;
  bool rectified;
  if (!prepare(&state, run, &rectified)) return false;
  const int lanes = martlet_depthwise_lanes(run->panels), streams = lanes == 4 ? 0 : lanes == 2 ? 1 : 2;
  int32_t y = 0;
  if (rectified && p->stride_w == 1 && p->stride_h == 1 && p->dilation_h == 1) {
    const slide_kernel *pair = run->channels == 16 * lanes ? rectified_full_pair : rectified_pair;
    for (; y + 2 <= run->rows; y += 2) pair[streams](&state, y);
  }
  const slide_kernel *single = p->stride_w == 1 ? rectified ? rectified_dense : signed_dense
                               : rectified      ? rectified_strided
                                                : signed_strided;
  for (; y < run->rows; y++) single[streams](&state, y);
  return true;
}

#endif

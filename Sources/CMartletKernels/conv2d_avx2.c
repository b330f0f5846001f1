#include "channels_avx2.h"
#include "conv2d_window.h"
#include "variants.h"

#if defined(__x86_64__)

// vpmaddwd on bytes widened to words: exact for every weight and every input, which vpmaddubsw is not (it saturates,
// and its sign trick fails for -128). The tile's window is widened once as it is copied; half a panel's quad is widened
// as it is loaded. Each lane of an accumulator then holds half of a channel's sum.

#define TARGET MARTLET_TARGET_avx2
#define INLINE static inline __attribute__((always_inline))
/// 6 pixels x 8 channels: 12 accumulators, two vectors of weights and one broadcast pixel.
#define MAX_PIXELS 6

#define WIDEN(x) ((int16_t)(x))
MARTLET_DEFINE_CONV2D_WINDOW(copy_window, int16_t, WIDEN, TARGET)

TARGET INLINE void multiply(const conv2d_run *run, const int16_t *a, const uint8_t *w, int pixels, __m256i acc[][2]) {
  const conv2d_grid *g = run->grid;
  const __m256i zero_point = _mm256_set1_epi16((int16_t)g->p.weight_zero_point);
  const ptrdiff_t stride = run->pixel_stride;
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int16_t *x = a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      for (int32_t quad = 0; quad < g->segment_quads; quad++, x += 4, w += 64) {
        __m256i w0 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w));
        __m256i w1 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + 16)));
        w0 = _mm256_sub_epi16(w0, zero_point);
        w1 = _mm256_sub_epi16(w1, zero_point);
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++) {
          int64_t words;
          memcpy(&words, x + i * stride, 8);
          __m256i value = _mm256_set1_epi64x(words);
          acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(w0, value));
          acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(w1, value));
        }
      }
    }
  }
}

/// 8 channels of a panel, for all pixels of a run. Lanes are in the order in which horizontal addition leaves them,
/// channels 0 1 4 5 2 3 6 7; packing sorts them.
typedef struct half_panel {
  __m256i bias, multiplier, left, right;
  martlet_rectified_avx2 rectified;
  const martlet_channels *channels;
  const uint8_t *weights;
  int32_t first_lane, lanes;
} half_panel;

TARGET INLINE __m256i in_lane_order(const int32_t *eight) {
  __m256i x = _mm256_loadu_si256((const __m256i *)eight);
  return _mm256_permute4x64_epi64(x, _MM_SHUFFLE(3, 1, 2, 0));
}

/// A block of pixels in one row.
typedef struct pixel_block {
  const int16_t *a;
  int8_t *out;
} pixel_block;

/// martlet_double_rescale of 4 lanes.
TARGET INLINE __m128i double_rescale(__m128i x, const martlet_channels *c, int lane) {
  __m256i low = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(c->multiplier + lane)));
  __m256i high = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(c->shift + lane)));
  __m256d factor = _mm256_castsi256_pd(_mm256_or_si256(low, _mm256_slli_epi64(high, 32)));
  __m256d p = _mm256_mul_pd(_mm256_cvtepi32_pd(x), factor);
  // Of a NaN and a number, vmaxpd gives the second.
  p = _mm256_min_pd(_mm256_max_pd(p, _mm256_set1_pd(-65536.0)), _mm256_set1_pd(65536.0));
  __m256d t = _mm256_round_pd(p, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC), rest = _mm256_sub_pd(p, t);
  const __m256d one = _mm256_set1_pd(1.0);
  t = _mm256_add_pd(t, _mm256_and_pd(_mm256_cmp_pd(rest, _mm256_set1_pd(0.5), _CMP_GE_OQ), one));
  t = _mm256_sub_pd(t, _mm256_and_pd(_mm256_cmp_pd(rest, _mm256_set1_pd(-0.5), _CMP_LE_OQ), one));
  return _mm256_cvtpd_epi32(t);
}

/// Out of line: few outputs are rescaled in double.
TARGET static __attribute__((noinline)) void rescale_in_double(const half_panel *half, __m256i sums[], int pixels) {
  for (int i = 0; i < pixels; i++) {
    // Its own inverse.
    __m256i sorted = _mm256_permute4x64_epi64(sums[i], _MM_SHUFFLE(3, 1, 2, 0));
    __m128i low = double_rescale(_mm256_castsi256_si128(sorted), half->channels, half->first_lane);
    __m128i high = double_rescale(_mm256_extracti128_si256(sorted, 1), half->channels, half->first_lane + 4);
    sums[i] = _mm256_permute4x64_epi64(_mm256_setr_m128i(low, high), _MM_SHUFFLE(3, 1, 2, 0));
  }
}

TARGET INLINE void store(const conv2d_run *run, const half_panel *half, int8_t *out, int pixels, bool rectified,
                         __m256i sums[]) {
  const martlet_conv2d_params *p = &run->grid->p;
  if (rectified) {
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) sums[i] = martlet_rescale_rectified_avx2(sums[i], &half->rectified);
  } else if (p->double_rescale) {
    __m256i copies[MAX_PIXELS];
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) copies[i] = sums[i];
    rescale_in_double(half, copies, pixels);
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) sums[i] = copies[i];
  } else {
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) sums[i] = martlet_rescale_avx2(sums[i], half->multiplier, half->left, half->right);
  }
  const __m256i zero = _mm256_set1_epi16((int16_t)p->output_zero_point);
  const __m256i least = _mm256_set1_epi8((int8_t)p->clamp_min), most = _mm256_set1_epi8((int8_t)p->clamp_max);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i sort = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i += 4) {
    __m256i v[4];
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) v[k] = i + k < pixels ? sums[i + k] : _mm256_setzero_si256();
    __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(v[0], v[1]), zero);
    __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(v[2], v[3]), zero);
    __m256i bytes = _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(ab, cd), least), most);
    bytes = _mm256_shuffle_epi8(_mm256_permutevar8x32_epi32(bytes, order), sort);
    int64_t rows[4];
    _mm256_storeu_si256((__m256i *)rows, bytes);
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      if (i + k >= pixels) break;
      int8_t *at = out + (ptrdiff_t)(i + k) * p->out_c;
      if (half->lanes == 8) memcpy(at, &rows[k], 8);
      else memcpy(at, &rows[k], (size_t)half->lanes);
    }
  }
}

TARGET INLINE void block(const conv2d_run *run, const half_panel *half, const pixel_block *at, int pixels,
                         bool rectified) {
  __m256i acc[MAX_PIXELS][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) acc[i][0] = acc[i][1] = _mm256_setzero_si256();
  multiply(run, at->a, half->weights, pixels, acc);
  __m256i sums[MAX_PIXELS];
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) {
    sums[i] = _mm256_add_epi32(_mm256_hadd_epi32(acc[i][0], acc[i][1]), half->bias);
  }
  store(run, half, at->out, pixels, rectified, sums);
}

#define DEFINE_BLOCK(N)                                                                              \
  TARGET static void block_##N(const conv2d_run *r, const half_panel *half, const pixel_block *at) { \
    block(r, half, at, N, false);                                                                    \
  }                                                                                                  \
  TARGET static void relu_##N(const conv2d_run *r, const half_panel *half, const pixel_block *at) {  \
    block(r, half, at, N, true);                                                                     \
  }
DEFINE_BLOCK(1)
DEFINE_BLOCK(2)
DEFINE_BLOCK(3)
DEFINE_BLOCK(4)
DEFINE_BLOCK(5)
DEFINE_BLOCK(6)

typedef void (*block_kernel)(const conv2d_run *run, const half_panel *half, const pixel_block *at);
static const block_kernel blocks[2][MAX_PIXELS] = {{block_1, block_2, block_3, block_4, block_5, block_6},
                                                   {relu_1, relu_2, relu_3, relu_4, relu_5, relu_6}};

TARGET static void run_half(const conv2d_run *run, const half_panel *half, bool rectified, int8_t *out) {
  const int32_t parts = (run->count + MAX_PIXELS - 1) / MAX_PIXELS;
  const int32_t size = run->count / parts, larger = run->count % parts;
  for (int32_t y = 0; y < run->rows; y++) {
    pixel_block at = {.a = (const int16_t *)run->a + y * run->row_stride, .out = out + y * run->out_stride};
    for (int32_t i = 0; i < parts; i++) {
      const int32_t pixels = size + (i < larger);
      blocks[rectified][pixels - 1](run, half, &at);
      at.a += pixels * run->pixel_stride;
      at.out += (ptrdiff_t)pixels * run->grid->p.out_c;
    }
  }
}

TARGET static void run_avx2(const conv2d_run *run) {
  const martlet_conv2d_params *p = &run->grid->p;
  for (int32_t lane = 0; lane < run->channels; lane += 8) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + lane / 16 * run->grid->panel_bytes);
    const int32_t first = lane % 16;
    const __m256i none = _mm256_setzero_si256(), shift = in_lane_order(c->shift + first);
    const __m256i right = _mm256_sub_epi32(none, _mm256_max_epi32(shift, _mm256_set1_epi32(-31)));
    half_panel half = {
        .bias = in_lane_order(c->bias + first),
        .multiplier = _mm256_and_si256(in_lane_order(c->multiplier + first), _mm256_set1_epi32(INT32_MAX)),
        .left = _mm256_min_epi32(_mm256_max_epi32(shift, none), _mm256_set1_epi32(30)),
        .right = _mm256_max_epi32(right, none),
        .channels = c,
        .weights = (const uint8_t *)(c + 1) + first * 4,
        .first_lane = first,
        .lanes = martlet_min(8, run->channels - lane)};
    const bool rectified = p->clamp_min >= p->output_zero_point && !p->double_rescale &&
                           martlet_rescale_rectify_avx2(half.multiplier, shift, &half.rectified);
    run_half(run, &half, rectified, run->out + lane);
  }
}

MARTLET_KERNEL(conv2d, avx2, p) {
  static const conv2d_variant variant = {.copy_window = copy_window, .run = run_avx2};
  martlet_conv2d_drive(p, buffers, first, last, scratch, &variant);
}
#endif

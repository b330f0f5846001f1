#include "conv2d_window.h"
#include "requant_avx512.h"
#include "variants.h"

#if defined(__x86_64__)

// vpdpbusd multiplies unsigned by signed bytes. The window is copied as x + 128; what that adds, 128 * sum w, leaves
// the bias, once per tile and panel. With a zero point of the weights, each pixel subtracts it times the patch's sum.

#define TARGET MARTLET_TARGET_avx512vnni
#define INLINE static inline __attribute__((always_inline))
/// Pixels x panels of accumulators: 24 registers, leaving room for two panels' weights and the constants.
#define MAX_PIXELS 12
/// The same for a single panel, where each broadcast pixel serves one multiplication only.
#define MAX_NARROW 16

/// 4 x 16 int32 to 4 x 16 int8, in order: zero point added, saturated, clamped.
TARGET INLINE __m512i pack(__m512i a, __m512i b, __m512i c, __m512i d, const martlet_conv2d_params *p) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i zero = _mm512_set1_epi16((int16_t)p->output_zero_point);
  __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero),
          cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
  __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(ab, cd));
  bytes = _mm512_max_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_min));
  return _mm512_min_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_max));
}

#define FLIP(x) ((uint8_t)((x) ^ 0x80))
MARTLET_DEFINE_CONV2D_WINDOW(copy_window, uint8_t, FLIP, TARGET)

/// All that blocks read again and again, one step away: a block's first multiplications wait for these loads.
typedef struct run_state {
  martlet_channels_avx512 panel[2];
  const conv2d_run *run;
  const uint8_t *weights;
  ptrdiff_t other_panel, pixel_stride, segment_stride_y, segment_stride_x, out_c;
  int32_t segments_y, segments_x, segment_quads;
  /// The rule is fixed-point and no channel shifts to the left: the vector path.
  bool fast;
} run_state;

TARGET INLINE void multiply(const run_state *s, const uint8_t *a, int pixels, int panels, __m512i acc[][2]) {
  const uint8_t *w = s->weights;
  const ptrdiff_t other = s->other_panel, stride = s->pixel_stride;
  const int32_t quads = s->segment_quads;
  for (int32_t sy = 0; sy < s->segments_y; sy++, a += s->segment_stride_y) {
    const uint8_t *segment = a;
    for (int32_t sx = 0; sx < s->segments_x; sx++, segment += s->segment_stride_x) {
      const uint8_t *x = segment;
      for (int32_t quad = 0; quad < quads; quad++, x += 4, w += 64) {
        __m512i w0 = _mm512_loadu_si512(w);
        __m512i w1 = panels == 2 ? _mm512_loadu_si512(w + other) : w0;
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++) {
          int32_t word;
          memcpy(&word, x + i * stride, 4);
          __m512i value = _mm512_set1_epi32(word);
          acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], value, w0);
          if (panels == 2) acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], value, w1);
        }
      }
    }
  }
}

/// martlet_double_rescale of 8 lanes.
TARGET INLINE __m256i double_rescale(__m256i x, const martlet_channels *c, int lane) {
  __m512i low = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(c->multiplier + lane)));
  __m512i high = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(c->shift + lane)));
  __m512d factor = _mm512_castsi512_pd(_mm512_or_si512(low, _mm512_slli_epi64(high, 32)));
  __m512d p = _mm512_mul_pd(_mm512_cvtepi32_pd(x), factor);
  // Of a NaN and a number, vmaxpd gives the second.
  p = _mm512_min_pd(_mm512_max_pd(p, _mm512_set1_pd(-65536.0)), _mm512_set1_pd(65536.0));
  __m512d t = _mm512_roundscale_pd(p, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC), rest = _mm512_sub_pd(p, t);
  t = _mm512_mask_add_pd(t, _mm512_cmp_pd_mask(rest, _mm512_set1_pd(0.5), _CMP_GE_OQ), t, _mm512_set1_pd(1.0));
  t = _mm512_mask_sub_pd(t, _mm512_cmp_pd_mask(rest, _mm512_set1_pd(-0.5), _CMP_LE_OQ), t, _mm512_set1_pd(1.0));
  return _mm512_cvtpd_epi32(t);
}

/// Multipliers of 1 and more, and the rule in double: out of line, since few outputs are rescaled so.
TARGET static __attribute__((noinline)) void store_otherwise(const conv2d_run *run, int8_t *out, int pixels, int panels,
                                                             int32_t acc[][2][16]) {
  const conv2d_grid *g = run->grid;
  const __m512i none = _mm512_setzero_si512();
  for (int j = 0; j < panels; j++) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + j * g->panel_bytes);
    const __mmask16 mask = (__mmask16)((1u << martlet_min(16, run->channels - j * 16)) - 1);
    const __m512i multiplier = _mm512_and_si512(_mm512_loadu_si512(c->multiplier), _mm512_set1_epi32(INT32_MAX));
    const __m512i shift =
        _mm512_min_epi32(_mm512_max_epi32(_mm512_loadu_si512(c->shift), _mm512_set1_epi32(-31)), _mm512_set1_epi32(30));
    for (int i = 0; i < pixels; i++) {
      __m512i v = _mm512_loadu_si512(acc[i][j]);
      if (g->p.double_rescale) {
        __m256i low = double_rescale(_mm512_castsi512_si256(v), c, 0);
        __m256i high = double_rescale(_mm512_extracti64x4_epi64(v, 1), c, 8);
        v = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
      } else {
        v = martlet_rescale_avx512(v, multiplier, _mm512_max_epi32(shift, none),
                                   _mm512_max_epi32(_mm512_sub_epi32(none, shift), none));
      }
      __m256i words = _mm256_adds_epi16(_mm512_cvtsepi32_epi16(v), _mm256_set1_epi16((int16_t)g->p.output_zero_point));
      __m128i bytes = _mm_max_epi8(_mm256_cvtsepi16_epi8(words), _mm_set1_epi8((int8_t)g->p.clamp_min));
      bytes = _mm_min_epi8(bytes, _mm_set1_epi8((int8_t)g->p.clamp_max));
      _mm_mask_storeu_epi8(out + (ptrdiff_t)i * g->p.out_c + j * 16, mask, bytes);
    }
  }
}

TARGET INLINE void store(const run_state *state, int8_t *out, int pixels, int panels, bool rectified,
                         __m512i acc[][2]) {
  const conv2d_run *run = state->run;
  const martlet_conv2d_params *p = &run->grid->p;
  if (!state->fast) {
    int32_t lanes[MAX_NARROW][2][16];
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) {
      _mm512_storeu_si512(lanes[i][0], acc[i][0]);
      if (panels == 2) _mm512_storeu_si512(lanes[i][1], acc[i][1]);
    }
    store_otherwise(run, out, pixels, panels, lanes);
    return;
  }
  const int step = panels == 2 ? 2 : 4;
  const ptrdiff_t next = state->out_c;
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i += step, out += step * next) {
    __m512i v[4];
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      int pixel = panels == 2 ? i + k / 2 : i + k, panel = panels == 2 ? k % 2 : 0;
      v[k] = pixel < pixels ? martlet_rescale_prepared_avx512(acc[pixel][panel], &state->panel[panel], rectified)
                            : _mm512_setzero_si512();
    }
    __m512i bytes = pack(v[0], v[1], v[2], v[3], p);
    if (panels == 2) {
      __mmask32 mask = (__mmask32)(((uint64_t)1 << run->channels) - 1);
      _mm256_mask_storeu_epi8(out, mask, _mm512_castsi512_si256(bytes));
      if (i + 1 < pixels) _mm256_mask_storeu_epi8(out + next, mask, _mm512_extracti64x4_epi64(bytes, 1));
    } else {
      __mmask16 mask = (__mmask16)(((uint32_t)1 << run->channels) - 1);
      _mm_mask_storeu_epi8(out, mask, _mm512_castsi512_si128(bytes));
      if (i + 1 < pixels) _mm_mask_storeu_epi8(out + next, mask, _mm512_extracti32x4_epi32(bytes, 1));
      if (i + 2 < pixels) _mm_mask_storeu_epi8(out + 2 * next, mask, _mm512_extracti32x4_epi32(bytes, 2));
      if (i + 3 < pixels) _mm_mask_storeu_epi8(out + 3 * next, mask, _mm512_extracti32x4_epi32(bytes, 3));
    }
  }
}

/// A block of pixels in one row, from the first pixel's patch, sum and output on.
TARGET INLINE void block(const run_state *state, const uint8_t *a, const int32_t *sums, int8_t *out, int pixels,
                         int panels, bool rectified) {
  __m512i acc[MAX_NARROW][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) {
    acc[i][0] = state->panel[0].bias;
    if (panels == 2) acc[i][1] = state->panel[1].bias;
  }
  if (sums) {
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) {
      __m512i sum = _mm512_set1_epi32(sums[i]);
      acc[i][0] = _mm512_sub_epi32(acc[i][0], sum);
      if (panels == 2) acc[i][1] = _mm512_sub_epi32(acc[i][1], sum);
    }
  }
  multiply(state, a, pixels, panels, acc);
  store(state, out, pixels, panels, rectified, acc);
}

#define DEFINE_BLOCK(NAME, N, PANELS, RECTIFIED)                                                                     \
  TARGET static void NAME##_##N##_##PANELS(const run_state *s, const uint8_t *a, const int32_t *sums, int8_t *out) { \
    block(s, a, sums, out, N, PANELS, RECTIFIED);                                                                    \
  }
// Code has a price on a device: these sizes serve every count, and only what large layers run has its rectified twin.
DEFINE_BLOCK(block, 1, 2, false)
DEFINE_BLOCK(block, 2, 2, false)
DEFINE_BLOCK(block, 3, 2, false)
DEFINE_BLOCK(block, 4, 2, false)
DEFINE_BLOCK(block, 5, 2, false)
DEFINE_BLOCK(block, 6, 2, false)
DEFINE_BLOCK(block, 8, 2, false)
DEFINE_BLOCK(block, 10, 2, false)
DEFINE_BLOCK(block, 12, 2, false)
DEFINE_BLOCK(block, 1, 1, false)
DEFINE_BLOCK(block, 2, 1, false)
DEFINE_BLOCK(block, 4, 1, false)
DEFINE_BLOCK(block, 8, 1, false)
DEFINE_BLOCK(block, 16, 1, false)
DEFINE_BLOCK(relu, 8, 2, true)
DEFINE_BLOCK(relu, 10, 2, true)
DEFINE_BLOCK(relu, 12, 2, true)
DEFINE_BLOCK(relu, 16, 1, true)

typedef void (*block_kernel)(const run_state *state, const uint8_t *a, const int32_t *sums, int8_t *out);
typedef struct block_size {
  int32_t pixels;
  block_kernel block, rectified;
} block_size;
/// By the wanted number of pixels: the smallest size that is not below it.
static const block_size wide[MAX_PIXELS + 1] = {
    [1] = {1, block_1_2, block_1_2},    [2] = {2, block_2_2, block_2_2},    [3] = {3, block_3_2, block_3_2},
    [4] = {4, block_4_2, block_4_2},    [5] = {5, block_5_2, block_5_2},    [6] = {6, block_6_2, block_6_2},
    [7] = {8, block_8_2, relu_8_2},     [8] = {8, block_8_2, relu_8_2},     [9] = {10, block_10_2, relu_10_2},
    [10] = {10, block_10_2, relu_10_2}, [11] = {12, block_12_2, relu_12_2}, [12] = {12, block_12_2, relu_12_2}};
static const block_size narrow[] = {{1, block_1_1, block_1_1},
                                    {2, block_2_1, block_2_1},
                                    {4, block_4_1, block_4_1},
                                    {8, block_8_1, block_8_1},
                                    {16, block_16_1, relu_16_1}};

/// The block to run next, with `left` of a row's `count` pixels to go. It may be larger than what is left, if not than
/// the row: the last one ends with the row and computes again what the one before it has written, which takes less than
/// a small rest of its own, in which the multiplier would wait for itself.
static const block_size *next_block(int32_t left, int32_t count, int32_t panels) {
  if (panels == 1) {
    const block_size *size = narrow;
    while (size->pixels < left && size->pixels < MAX_NARROW && size[1].pixels <= count) size++;
    return size;
  }
  // Even shares: of 14 pixels two blocks of 8, not of 12.
  const int32_t parts = (left + MAX_PIXELS - 1) / MAX_PIXELS, share = (left + parts - 1) / parts;
  const block_size *size = &wide[share];
  return size->pixels <= count ? size : &wide[(share + 1) / 2];
}

/// 128 times the sum of each channel's weights.
TARGET INLINE __m512i weight_sums(const conv2d_grid *g, const uint8_t *panel) {
  const __m512i all_128 = _mm512_set1_epi8((char)0x80);
  __m512i even = _mm512_setzero_si512(), odd = even;
  size_t at = sizeof(martlet_channels);
  for (; at + 128 <= g->panel_bytes; at += 128) {
    even = _mm512_dpbusd_epi32(even, all_128, _mm512_loadu_si512(panel + at));
    odd = _mm512_dpbusd_epi32(odd, all_128, _mm512_loadu_si512(panel + at + 64));
  }
  if (at < g->panel_bytes) even = _mm512_dpbusd_epi32(even, all_128, _mm512_loadu_si512(panel + at));
  return _mm512_add_epi32(even, odd);
}

/// A single pixel, as in a fully connected layer: the weights are read once, from memory, so they become unsigned here
/// and the window's pixel signed again; one sum over the pixel then serves all channels.
TARGET static void run_vector(const conv2d_run *run) {
  const conv2d_grid *g = run->grid;
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  int32_t total = 0;
  __m512i acc[2][2] = {{_mm512_setzero_si512(), _mm512_setzero_si512()},
                       {_mm512_setzero_si512(), _mm512_setzero_si512()}};
  const uint8_t *w = run->panel + sizeof(martlet_channels);
  const size_t other = run->panels == 2 ? g->panel_bytes : 0;
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const uint8_t *x = (const uint8_t *)run->a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      for (int32_t quad = 0; quad < g->segment_quads; quad++, x += 4, w += 64) {
        int32_t word;
        memcpy(&word, x, 4);
        const __m512i value = _mm512_set1_epi32(word ^ (int32_t)0x80808080);
        const int odd = quad & 1;
        acc[0][odd] = _mm512_dpbusd_epi32(acc[0][odd], _mm512_xor_si512(_mm512_loadu_si512(w), flip), value);
        acc[1][odd] = _mm512_dpbusd_epi32(acc[1][odd], _mm512_xor_si512(_mm512_loadu_si512(w + other), flip), value);
      }
      const int32_t bytes = g->segment_quads * 4;
      __m512i sum = _mm512_setzero_si512();
      for (int32_t k = 0; k < bytes; k += 64) {
        __mmask64 mask = bytes - k >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (bytes - k)) - 1;
        sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(mask, x - bytes + k), _mm512_set1_epi8(1));
      }
      total += _mm512_reduce_add_epi32(sum) - 128 * bytes;
    }
  }
  // sum x*(w - zero point) = sum x*(w + 128) - (128 + zero point) * sum x
  const __m512i correction = _mm512_set1_epi32(martlet_wrapping_mul(total, 128 + g->p.weight_zero_point));
  int32_t lanes[1][2][16];
  for (int32_t j = 0; j < run->panels; j++) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + j * g->panel_bytes);
    __m512i sum = _mm512_add_epi32(_mm512_add_epi32(acc[j][0], acc[j][1]), _mm512_loadu_si512(c->bias));
    _mm512_storeu_si512(lanes[0][j], _mm512_sub_epi32(sum, correction));
  }
  store_otherwise(run, run->out, 1, run->panels, lanes);
}

TARGET static void run_avx512vnni(const conv2d_run *run) {
  const conv2d_grid *g = run->grid;
  if (run->rows * run->count == 1) {
    run_vector(run);
    return;
  }
  run_state state;
  state.run = run;
  state.weights = run->panel + sizeof(martlet_channels);
  state.other_panel = (ptrdiff_t)g->panel_bytes;
  state.pixel_stride = run->pixel_stride;
  state.segment_stride_y = run->segment_stride_y;
  state.segment_stride_x = run->segment_stride_x;
  state.out_c = g->p.out_c;
  state.segments_y = g->segments_y;
  state.segments_x = g->segments_x;
  state.segment_quads = g->segment_quads;
  state.fast = !g->p.double_rescale;
  for (int32_t j = 0; j < run->panels; j++) {
    const uint8_t *panel = run->panel + j * g->panel_bytes;
    const martlet_channels *c = (const martlet_channels *)panel;
    __m512i bias = _mm512_sub_epi32(_mm512_loadu_si512(c->bias), weight_sums(g, panel));
    bool right_only = martlet_rescale_prepare_avx512(bias, _mm512_loadu_si512(c->multiplier),
                                                     _mm512_loadu_si512(c->shift), &state.panel[j]);
    state.fast = state.fast && right_only;
  }
  const bool rectified = g->p.clamp_min >= g->p.output_zero_point;
  // What is multiplied next lies behind these panels: each block has its share of it fetched.
  const char *next = (const char *)run->panel + run->panels * g->panel_bytes;
  const int32_t blocks = run->rows * ((run->count + MAX_NARROW - 1) / MAX_NARROW);
  const int64_t lines = martlet_ceil_div((int64_t)run->panels * (int64_t)g->panel_bytes / 64, blocks);
  for (int32_t y = 0; y < run->rows; y++) {
    const uint8_t *a = (const uint8_t *)run->a + y * run->row_stride;
    const int32_t *sums = run->sums ? run->sums + (ptrdiff_t)y * run->count : NULL;
    int8_t *out = run->out + y * run->out_stride;
    for (int32_t left = run->count; left > 0;) {
      const block_size *size = next_block(left, run->count, run->panels);
      // A branch, which is foreseen: the addresses must not wait for the choice of a size.
      if (__builtin_expect(size->pixels > left, 0)) {
        const int32_t back = size->pixels - left;
        a -= back * run->pixel_stride;
        out -= (ptrdiff_t)back * g->p.out_c;
        if (sums) sums -= back;
      }
      for (int64_t line = 0; line < lines; line++, next += 64) _mm_prefetch(next, _MM_HINT_T0);
      (rectified ? size->rectified : size->block)(&state, a, sums, out);
      left -= size->pixels;
      a += size->pixels * run->pixel_stride;
      out += (ptrdiff_t)size->pixels * g->p.out_c;
      if (sums) sums += size->pixels;
    }
  }
}

/// The window holds x + 128: weight_zero_point * (sum (x + 128) - 128 * depth).
TARGET static void sum_avx512vnni(const conv2d_run *run, int32_t *out) {
  const conv2d_grid *g = run->grid;
  const __m512i ones = _mm512_set1_epi8(1);
  const int32_t bytes = g->segment_quads * 4, depth = bytes * g->segments_y * g->segments_x;
  for (int32_t i = 0; i < run->rows * run->count; i++) {
    const uint8_t *pixel = (const uint8_t *)run->a + i / run->count * run->row_stride +
                           i % run->count * run->pixel_stride;
    __m512i sum = _mm512_setzero_si512();
    for (int32_t sy = 0; sy < g->segments_y; sy++) {
      for (int32_t sx = 0; sx < g->segments_x; sx++) {
        const uint8_t *x = pixel + sy * run->segment_stride_y + sx * run->segment_stride_x;
        for (int32_t k = 0; k < bytes; k += 64) {
          __mmask64 mask = bytes - k >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (bytes - k)) - 1;
          sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(mask, x + k), ones);
        }
      }
    }
    out[i] = martlet_wrapping_mul(_mm512_reduce_add_epi32(sum) - 128 * depth, g->p.weight_zero_point);
  }
}

MARTLET_KERNEL(conv2d, avx512vnni, p) {
  static const conv2d_variant variant = {.copy_window = copy_window, .run = run_avx512vnni, .sum = sum_avx512vnni};
  martlet_conv2d_drive(p, buffers, first, last, scratch, &variant);
}
#endif

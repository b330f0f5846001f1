#include "conv2d_block_avx512.h"
#include "conv2d_window.h"
#include "variants.h"

#if defined(__x86_64__)

// vpdpbusd multiplies unsigned by signed bytes. A window is copied as x + 128, and what that adds, 128 * sum w, leaves
// the bias, once per tile and panel. Pixels that are read in place stay signed and the weights become w + 128: each
// pixel then subtracts 128 times its sum. With a zero point of the weights it subtracts that times the sum too.

#define FLIP(x) ((uint8_t)((x) ^ 0x80))
MARTLET_DEFINE_CONV2D_WINDOW(copy_window, uint8_t, FLIP, TARGET)
/// From so many bytes of depth on, a pixel's sum takes less time than its copy.
#define LEAST_IN_PLACE 128

// Code has a price on a device: these sizes serve every count, and only what large layers run has its rectified twin.
#define DEFINE_BLOCK(NAME, N, PANELS, IN_PLACE, RECTIFIED)                                                           \
  TARGET static void NAME##_##N##_##PANELS(const run_state *s, const uint8_t *a, const int32_t *sums, int8_t *out) { \
    block(s, a, sums, out, N, PANELS, IN_PLACE, RECTIFIED);                                                          \
  }
#define DEFINE_BLOCKS(NAME, IN_PLACE)              \
  DEFINE_BLOCK(NAME, 1, 2, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 2, 2, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 3, 2, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 4, 2, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 5, 2, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 6, 2, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 8, 2, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 10, 2, IN_PLACE, false)       \
  DEFINE_BLOCK(NAME, 12, 2, IN_PLACE, false)       \
  DEFINE_BLOCK(NAME, 1, 1, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 2, 1, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 4, 1, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 8, 1, IN_PLACE, false)        \
  DEFINE_BLOCK(NAME, 16, 1, IN_PLACE, false)       \
  DEFINE_BLOCK(NAME##_relu, 8, 2, IN_PLACE, true)  \
  DEFINE_BLOCK(NAME##_relu, 10, 2, IN_PLACE, true) \
  DEFINE_BLOCK(NAME##_relu, 12, 2, IN_PLACE, true) \
  DEFINE_BLOCK(NAME##_relu, 16, 1, IN_PLACE, true)
DEFINE_BLOCKS(copied, false)
DEFINE_BLOCKS(in_place, true)

typedef void (*block_kernel)(const run_state *state, const uint8_t *a, const int32_t *sums, int8_t *out);
typedef struct block_size {
  int32_t pixels;
  block_kernel block, rectified;
} block_size;

/// By the wanted number of pixels: the smallest size that is not below it.
#define WIDE(N)                                                                                              \
  {                                                                                                          \
    [1] = {1, N##_1_2, N##_1_2}, [2] = {2, N##_2_2, N##_2_2}, [3] = {3, N##_3_2, N##_3_2},                   \
    [4] = {4, N##_4_2, N##_4_2}, [5] = {5, N##_5_2, N##_5_2}, [6] = {6, N##_6_2, N##_6_2},                   \
    [7] = {8, N##_8_2, N##_relu_8_2}, [8] = {8, N##_8_2, N##_relu_8_2}, [9] = {10, N##_10_2, N##_relu_10_2}, \
    [10] = {10, N##_10_2, N##_relu_10_2}, [11] = {12, N##_12_2, N##_relu_12_2}, [12] = {                     \
      12,                                                                                                    \
      N##_12_2,                                                                                              \
      N##_relu_12_2                                                                                          \
    }                                                                                                        \
  }
static const block_size wide[2][MAX_PIXELS + 1] = {WIDE(copied), WIDE(in_place)};
#define NARROW(N)                                                                                 \
  {                                                                                               \
    {1, N##_1_1, N##_1_1}, {2, N##_2_1, N##_2_1}, {4, N##_4_1, N##_4_1}, {8, N##_8_1, N##_8_1}, { \
      16, N##_16_1, N##_relu_16_1                                                                 \
    }                                                                                             \
  }
static const block_size narrow[2][5] = {NARROW(copied), NARROW(in_place)};

/// The block to run next, with `left` of a row's pixels to go. It may be larger than what is left, if not than the row:
/// the last one ends with the row and computes again what the one before it has written, which takes less than a small
/// rest of its own, in which the multiplier would wait for itself.
static const block_size *next_block(const conv2d_run *run, int32_t left) {
  if (run->panels == 1) {
    const block_size *size = narrow[run->in_place];
    while (size->pixels < left && size->pixels < MAX_NARROW && size[1].pixels <= run->count) size++;
    return size;
  }
  // Even shares: of 14 pixels two blocks of 8, not of 12.
  const int32_t parts = (left + MAX_PIXELS - 1) / MAX_PIXELS, share = (left + parts - 1) / parts;
  const block_size *size = &wide[run->in_place][share];
  return size->pixels <= run->count ? size : &wide[run->in_place][(share + 1) / 2];
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

// MARK: - Sums of pixels

/// Adds 16 parts each of the patches of 4 pixels, which are to be added up: in vectors, and with one over the last of
/// them in the first of the next segment.
TARGET INLINE void add_patches(const conv2d_run *run, const uint8_t *pixel, ptrdiff_t stride, __m512i sums[4]) {
  const conv2d_grid *g = run->grid;
  const __m512i ones = _mm512_set1_epi8(1), flip = _mm512_set1_epi8(run->in_place ? 0 : (char)0x80);
  const int32_t bytes = g->segment_quads * 4;
  const __mmask64 rest = ((__mmask64)1 << bytes % 64) - 1;
  const __m512i flip_rest = _mm512_maskz_mov_epi8(rest, flip);
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const uint8_t *x = pixel + sy * run->segment_stride_y + sx * run->segment_stride_x;
      int32_t k = 0;
      for (; k + 64 <= bytes; k += 64, x += 64)
        for (int i = 0; i < 4; i++)
          sums[i] = _mm512_dpbusd_epi32(sums[i], ones, _mm512_xor_si512(_mm512_loadu_si512(x + i * stride), flip));
      if (k == bytes) continue;
      for (int i = 0; i < 4; i++) {
        __m512i value = _mm512_maskz_loadu_epi8(rest, x + i * stride);
        sums[i] = _mm512_dpbusd_epi32(sums[i], ones, _mm512_xor_si512(value, flip_rest));
      }
    }
  }
}

/// The sums of four vectors.
TARGET INLINE __m128i totals(const __m512i v[4]) {
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/// The weights' zero point, and in place 128 more, times each patch's sum.
TARGET static void sum_avx512vnni(const conv2d_run *run, int32_t *out) {
  const __m128i factor = _mm_set1_epi32(run->grid->p.weight_zero_point + (run->in_place ? 128 : 0));
  const __m512i none = _mm512_setzero_si512();
  for (int32_t y = 0; y < run->rows; y++, out += run->count) {
    const uint8_t *row = (const uint8_t *)run->a + y * run->row_stride;
    const ptrdiff_t stride = run->pixel_stride;
    int32_t x = 0;
    for (; x + 4 <= run->count; x += 4) {
      __m512i sums[4] = {none, none, none, none};
      add_patches(run, row + x * stride, stride, sums);
      _mm_storeu_si128((__m128i *)(out + x), _mm_mullo_epi32(totals(sums), factor));
    }
    for (; x < run->count; x++) {
      __m512i sums[4] = {none, none, none, none};
      add_patches(run, row + x * stride, 0, sums);
      _mm_storeu_si32(out + x, _mm_mullo_epi32(totals(sums), factor));
    }
  }
}

// MARK: - Runs

/// A quad of depth of a single pixel times two panels.
TARGET INLINE void add_quad(const uint8_t *w, size_t other, const uint8_t *x, int32_t flip_pixel, __m512i *first,
                            __m512i *second) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  int32_t word;
  memcpy(&word, x, 4);
  const __m512i value = _mm512_set1_epi32(word ^ flip_pixel);
  *first = _mm512_dpbusd_epi32(*first, _mm512_xor_si512(_mm512_loadu_si512(w), flip), value);
  *second = _mm512_dpbusd_epi32(*second, _mm512_xor_si512(_mm512_loadu_si512(w + other), flip), value);
}

/// A single pixel, as in a fully connected layer: the weights are read once, from memory, so they become unsigned here
/// and a copied pixel signed again; one sum over the pixel then serves all channels.
TARGET static void run_vector(const conv2d_run *run) {
  const conv2d_grid *g = run->grid;
  const __m512i none = _mm512_setzero_si512();
  const int32_t flip_pixel = run->in_place ? 0 : (int32_t)0x80808080;
  // Chains that do not wait for each other.
  __m512i acc[2][4] = {{none, none, none, none}, {none, none, none, none}};
  const uint8_t *w = run->panel + sizeof(martlet_channels);
  const size_t other = run->panels == 2 ? g->panel_bytes : 0;
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const uint8_t *x = (const uint8_t *)run->a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      int32_t quad = 0;
      for (; quad + 4 <= g->segment_quads; quad += 4, x += 16, w += 256) {
#pragma clang loop unroll(full)
        for (int k = 0; k < 4; k++) add_quad(w + 64 * k, other, x + 4 * k, flip_pixel, &acc[0][k], &acc[1][k]);
      }
      for (; quad < g->segment_quads; quad++, x += 4, w += 64)
        add_quad(w, other, x, flip_pixel, &acc[0][0], &acc[1][0]);
    }
  }
  // sum x*(w - zero point) = sum x*(w + 128) - (128 + zero point) * sum x
  int32_t correction;
  if (run->in_place) {
    correction = run->sums[0];
  } else {
    __m512i sums[4] = {none, none, none, none};
    add_patches(run, run->a, 0, sums);
    correction = martlet_wrapping_mul(_mm512_reduce_add_epi32(sums[0]), 128 + g->p.weight_zero_point);
  }
  int32_t lanes[1][2][16];
  for (int32_t j = 0; j < run->panels; j++) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + j * g->panel_bytes);
    __m512i sum = _mm512_add_epi32(_mm512_add_epi32(acc[j][0], acc[j][1]), _mm512_add_epi32(acc[j][2], acc[j][3]));
    sum = _mm512_add_epi32(sum, _mm512_loadu_si512(c->bias));
    _mm512_storeu_si512(lanes[0][j], _mm512_sub_epi32(sum, _mm512_set1_epi32(correction)));
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
    __m512i bias = _mm512_loadu_si512(c->bias);
    if (!run->in_place) bias = _mm512_sub_epi32(bias, weight_sums(g, panel));
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
      const block_size *size = next_block(run, left);
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

MARTLET_KERNEL(conv2d, avx512vnni, p) {
  static const conv2d_variant variant = {.copy_window = copy_window,
                                         .in_place = true,
                                         .least_in_place = LEAST_IN_PLACE,
                                         .run = run_avx512vnni,
                                         .sum = sum_avx512vnni,
                                         .sums_in_place = true};
  martlet_conv2d_drive(p, buffers, first, last, scratch, &variant);
}
#endif

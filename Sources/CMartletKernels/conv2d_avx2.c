#include "conv2d_block_avx2.h"
#include "conv2d_window.h"
#include "variants.h"

#if defined(__x86_64__)

#define WIDEN(x) ((int16_t)(x))
MARTLET_DEFINE_CONV2D_WINDOW(copy_window, int16_t, WIDEN, TARGET)

#define DEFINE_BLOCK(N)                                                                                   \
  TARGET static void wide_##N(const panel_avx2 *panel, const pixels_avx2 *at) { block(panel, at, N, 2); } \
  TARGET static void half_##N(const panel_avx2 *panel, const pixels_avx2 *at) { block(panel, at, N, 1); }
DEFINE_BLOCK(1)
DEFINE_BLOCK(2)
DEFINE_BLOCK(3)
DEFINE_BLOCK(4)
DEFINE_BLOCK(5)

typedef void (*block_kernel)(const panel_avx2 *panel, const pixels_avx2 *at);
static const block_kernel blocks[2][MAX_PIXELS] = {{half_1, half_2, half_3, half_4, half_5},
                                                   {wide_1, wide_2, wide_3, wide_4, wide_5}};

TARGET static void run_panel(const panel_avx2 *panel, int8_t *out) {
  const conv2d_run *run = panel->run;
  const block_kernel *kernels = blocks[panel->lanes > 8];
  const int32_t parts = (run->count + MAX_PIXELS - 1) / MAX_PIXELS;
  const int32_t size = run->count / parts, larger = run->count % parts;
  pixels_avx2 at = {.sums = run->sums};
  for (int32_t y = 0; y < run->rows; y++) {
    at.a = (const int16_t *)run->a + y * run->row_stride;
    at.out = out + y * run->out_stride;
    for (int32_t i = 0; i < parts; i++) {
      const int32_t pixels = size + (i < larger);
      kernels[pixels - 1](panel, &at);
      at.a += pixels * run->pixel_stride;
      at.out += (ptrdiff_t)pixels * run->grid->p.out_c;
      if (at.sums) at.sums += pixels;
    }
  }
}

/// Quads of 4 channels times a pixel's, which is in every 64-bit lane: halves of the channels' sums.
TARGET INLINE __m256i multiply_four(__m256i acc, const uint8_t *w, __m256i value) {
  const __m256i four = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(four, value));
}

/// A single pixel, as it lies in the input, times one or two panels: weights are widened as they are loaded, once.
TARGET INLINE void single(const conv2d_grid *g, const int8_t *x, const uint8_t *panel, int panels, int8_t *out,
                          int32_t channels) {
  const uint8_t *w = panel + sizeof(martlet_channels);
  const size_t other = g->panel_bytes;
  const __m256i zero_point = _mm256_set1_epi16((int16_t)g->p.weight_zero_point);
  __m256i acc[2][4], total = _mm256_setzero_si256();
#pragma clang loop unroll(full)
  for (int i = 0; i < panels; i++)
    for (int j = 0; j < 4; j++) acc[i][j] = _mm256_setzero_si256();
  for (int32_t quad = g->segment_quads; quad > 0; quad--, x += 4, w += 64) {
    int32_t four;
    memcpy(&four, x, 4);
    const __m256i value = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
#pragma clang loop unroll(full)
    for (int i = 0; i < panels; i++)
      for (int j = 0; j < 4; j++) acc[i][j] = multiply_four(acc[i][j], w + i * other + 16 * j, value);
    total = _mm256_add_epi32(total, _mm256_madd_epi16(value, zero_point));
  }
  total = _mm256_hadd_epi32(total, total);
#pragma clang loop unroll(full)
  for (int i = 0; i < panels; i++) {
    const martlet_channels *c = (const martlet_channels *)(panel + i * other);
    __m256i sums[2];
    for (int j = 0; j < 2; j++) {
      // Horizontal addition leaves channels 0 1 4 5 2 3 6 7.
      __m256i sum = _mm256_sub_epi32(_mm256_hadd_epi32(acc[i][2 * j], acc[i][2 * j + 1]), total);
      sum = _mm256_permute4x64_epi64(sum, _MM_SHUFFLE(3, 1, 2, 0));
      sums[j] = _mm256_add_epi32(sum, _mm256_loadu_si256((const __m256i *)(c->bias + 8 * j)));
    }
    store_pixel(&g->p, c, out + i * 16, martlet_min(16, channels - i * 16), sums);
  }
}

TARGET static void run_single(const conv2d_run *run) {
  const conv2d_grid *g = run->grid;
  const uint8_t *panel = run->panel;
  int8_t *out = run->out;
  int32_t left = run->panels, channels = run->channels;
#pragma clang loop unroll(disable)
  for (; left >= 2; left -= 2, panel += 2 * g->panel_bytes, out += 32, channels -= 32)
    single(g, run->a, panel, 2, out, channels);
  if (left > 0) single(g, run->a, panel, 1, out, channels);
}

TARGET static void run_avx2(const conv2d_run *run) {
  const martlet_conv2d_params *p = &run->grid->p;
  panel_avx2 panel = {.run = run};
  for (int32_t lane = 0; lane < run->channels; lane += 16) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + lane / 16 * run->grid->panel_bytes);
    panel.source = c;
    panel.lanes = martlet_min(16, run->channels - lane);
    panel.fast = !p->double_rescale;
    panel.rectified = p->clamp_min == p->output_zero_point;
    for (int j = 0; j < 2; j++) {
      panel.bias[j] = _mm256_loadu_si256((const __m256i *)(c->bias + 8 * j));
      const __m256i multiplier = _mm256_loadu_si256((const __m256i *)(c->multiplier + 8 * j));
      const __m256i shift = _mm256_loadu_si256((const __m256i *)(c->shift + 8 * j));
      // Channels beyond the last are 0 throughout.
      if (!martlet_channels_prepare_avx2(multiplier, shift, &panel.channels[j]) && 8 * j < panel.lanes)
        panel.fast = false;
    }
    run_panel(&panel, run->out + lane);
  }
}

/// weight_zero_point times the sum of each pixel's patch.
TARGET static void sum_avx2(const conv2d_run *run, int32_t *sums) {
  const conv2d_grid *g = run->grid;
  const __m128i one = _mm_set1_epi16(1);
  for (int32_t y = 0; y < run->rows; y++) {
    for (int32_t i = 0; i < run->count; i++) {
      const int16_t *pixel = (const int16_t *)run->a + y * run->row_stride + i * run->pixel_stride;
      __m128i total = _mm_setzero_si128();
      for (int32_t sy = 0; sy < g->segments_y; sy++) {
        for (int32_t sx = 0; sx < g->segments_x; sx++) {
          const int16_t *x = pixel + sy * run->segment_stride_y + sx * run->segment_stride_x;
          int32_t quad = 0;
          for (; quad + 2 <= g->segment_quads; quad += 2)
            total = _mm_add_epi32(total, _mm_madd_epi16(_mm_loadu_si128((const __m128i *)(x + 4 * quad)), one));
          if (quad < g->segment_quads)
            total = _mm_add_epi32(total, _mm_madd_epi16(_mm_loadl_epi64((const __m128i *)(x + 4 * quad)), one));
        }
      }
      total = _mm_add_epi32(total, _mm_shuffle_epi32(total, _MM_SHUFFLE(1, 0, 3, 2)));
      total = _mm_add_epi32(total, _mm_shuffle_epi32(total, _MM_SHUFFLE(2, 3, 0, 1)));
      *sums++ = martlet_wrapping_mul(_mm_cvtsi128_si32(total), g->p.weight_zero_point);
    }
  }
}

MARTLET_KERNEL(conv2d, avx2, p) {
  static const conv2d_variant variant = {.copy_window = copy_window,
                                         .run = run_avx2,
                                         .sum = sum_avx2,
                                         .single = run_single};
  martlet_conv2d_drive(p, buffers, first, last, scratch, &variant);
}
#endif

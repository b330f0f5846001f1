/// A block of the AVX-512 VNNI convolution: some pixels of a row times one or two panels, from multiplication to bytes.
#ifndef MARTLET_CONV2D_BLOCK_AVX512_H
#define MARTLET_CONV2D_BLOCK_AVX512_H

#include "conv2d.h"
#include "requant_avx512.h"

#if defined(__x86_64__)

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

/// vpdpbusd multiplies unsigned by signed bytes: pixels that are x + 128 by weights, or weights that become w + 128
/// here by pixels as they are.
TARGET INLINE void multiply(const run_state *s, const uint8_t *a, int pixels, int panels, bool in_place,
                            __m512i acc[][2]) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
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
        if (in_place) {
          w0 = _mm512_xor_si512(w0, flip);
          w1 = _mm512_xor_si512(w1, flip);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++) {
          int32_t word;
          memcpy(&word, x + i * stride, 4);
          __m512i value = _mm512_set1_epi32(word);
          acc[i][0] = in_place ? _mm512_dpbusd_epi32(acc[i][0], w0, value) : _mm512_dpbusd_epi32(acc[i][0], value, w0);
          if (panels == 1) continue;
          acc[i][1] = in_place ? _mm512_dpbusd_epi32(acc[i][1], w1, value) : _mm512_dpbusd_epi32(acc[i][1], value, w1);
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
                         int panels, bool in_place, bool rectified) {
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
  multiply(state, a, pixels, panels, in_place, acc);
  store(state, out, pixels, panels, rectified, acc);
}

#endif
#endif

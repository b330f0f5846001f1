/// The convolution's blocks on AVX2: up to 6 pixels times 16 or 8 channels.
///
/// vpmaddwd on bytes widened to words: exact for every weight and every input, which vpmaddubsw is not (it saturates,
/// and its sign trick fails for -128 and takes as many instructions). The tile's window is widened once as it is
/// copied. Of a quad's weights the first two of each channel are widened, then the last two, so that an accumulator's
/// lane is a channel.
#ifndef MARTLET_CONV2D_BLOCK_AVX2_H
#define MARTLET_CONV2D_BLOCK_AVX2_H

#include "channels_avx2.h"
#include "conv2d.h"

#if defined(__x86_64__)

#define TARGET MARTLET_TARGET_avx2
#define INLINE static inline __attribute__((always_inline))
/// 6 pixels x 16 channels: 12 accumulators, two vectors of weights, a broadcast pair of values and a product.
#define MAX_PIXELS 5

/// 16 channels of a run, or their first 8.
typedef struct panel_avx2 {
  const conv2d_run *run;
  const martlet_channels *source;
  /// [first and last 8 channels].
  __m256i bias[2];
  martlet_channels_avx2 channels[2];
  /// What may be stored without the general rescaling, and with that of a ReLU.
  bool fast, rectified;
  /// Channels to write.
  int32_t lanes;
} panel_avx2;

/// A block's first pixel: its patch, its patch's sum or NULL, its output.
typedef struct pixels_avx2 {
  const int16_t *a;
  const int32_t *sums;
  int8_t *out;
} pixels_avx2;

/// Words 0 and 1, or 2 and 3, of 8 channels' quads.
TARGET INLINE __m256i widen(const uint8_t *w, int phase) {
  const int8_t o = -128, at = (int8_t)(2 * phase);
#define QUAD(I) o, (int8_t)(at + 4 * I), o, (int8_t)(at + 4 * I + 1)
  const __m256i order = _mm256_setr_epi8(QUAD(0), QUAD(1), QUAD(2), QUAD(3), QUAD(0), QUAD(1), QUAD(2), QUAD(3));
#undef QUAD
  return _mm256_srai_epi16(_mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)w), order), 8);
}

TARGET INLINE void multiply(const panel_avx2 *panel, const int16_t *a, int pixels, int vectors, __m256i acc[][2]) {
  const conv2d_run *run = panel->run;
  const conv2d_grid *g = run->grid;
  const uint8_t *w = (const uint8_t *)(panel->source + 1);
  const ptrdiff_t stride = run->pixel_stride;
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int16_t *x = a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      // Two pointers, so that three pixels each are one addition away.
      const int16_t *y = x + 3 * stride;
      for (int32_t quad = 0; quad < g->segment_quads; quad++, x += 4, y += 4, w += 64) {
#pragma clang loop unroll(full)
        for (int phase = 0; phase < 2; phase++) {
          __asm__ volatile("" : "+r"(w));
          const __m256i w0 = widen(w, phase);
          const __m256i w1 = vectors == 2 ? widen(w + 32, phase) : w0;
#pragma clang loop unroll(full)
          for (int i = 0; i < pixels; i++) {
            int32_t pair;
            memcpy(&pair, (i < 3 ? x + i * stride : y + (i - 3) * stride) + 2 * phase, 4);
            const __m256i value = _mm256_set1_epi32(pair);
            acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(w0, value));
            if (vectors == 2) acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(w1, value));
          }
        }
      }
    }
  }
}

// MARK: - Rescaling and storing

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

/// Clamps and packs two pixels of 16 channels or four of 8, each vector two of the halves; in order.
TARGET INLINE __m256i pack(const martlet_conv2d_params *p, __m256i ab, __m256i cd, bool rectified) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  __m256i bytes;
  if (rectified) {
    const __m256i above = _mm256_set1_epi8((char)(p->clamp_max - p->output_zero_point));
    bytes = _mm256_min_epu8(_mm256_packus_epi16(ab, cd), above);
    bytes = _mm256_add_epi8(bytes, _mm256_set1_epi8((int8_t)p->output_zero_point));
  } else {
    const __m256i zero = _mm256_set1_epi16((int16_t)p->output_zero_point);
    bytes = _mm256_packs_epi16(_mm256_adds_epi16(ab, zero), _mm256_adds_epi16(cd, zero));
    bytes = _mm256_max_epi8(bytes, _mm256_set1_epi8((int8_t)p->clamp_min));
    bytes = _mm256_min_epi8(bytes, _mm256_set1_epi8((int8_t)p->clamp_max));
  }
  return _mm256_permutevar8x32_epi32(bytes, order);
}

/// The end of a layer whose channels are no multiple of 8.
TARGET static __attribute__((noinline)) void store_part(const panel_avx2 *panel, int8_t *out, const int8_t *bytes,
                                                        int pixels, int step) {
  for (int i = 0; i < pixels; i++) memcpy(out + (ptrdiff_t)i * panel->run->grid->p.out_c, bytes + i * step, (size_t)panel->lanes);
}

/// Two pixels of 16 channels or four of 8, or fewer.
TARGET INLINE void store_bytes(const panel_avx2 *panel, int8_t *out, __m256i bytes, int pixels, int vectors) {
  const ptrdiff_t next = panel->run->grid->p.out_c;
  const __m128i high = _mm256_extracti128_si256(bytes, 1), low = _mm256_castsi256_si128(bytes);
  if (panel->lanes != 8 * vectors) {
    int8_t copy[32];
    _mm256_storeu_si256((__m256i *)copy, bytes);
    store_part(panel, out, copy, pixels, 8 * vectors);
  } else if (vectors == 2) {
    _mm_storeu_si128((__m128i *)out, low);
    if (pixels > 1) _mm_storeu_si128((__m128i *)(out + next), high);
  } else {
    _mm_storel_epi64((__m128i *)out, low);
    if (pixels > 1) _mm_storeh_pd((double *)(out + next), _mm_castsi128_pd(low));
    if (pixels > 2) _mm_storel_epi64((__m128i *)(out + 2 * next), high);
    if (pixels > 3) _mm_storeh_pd((double *)(out + 3 * next), _mm_castsi128_pd(high));
  }
}

/// Any shifts, and the rule in double: out of line, since few outputs are rescaled so.
TARGET static __attribute__((noinline)) void store_otherwise(const panel_avx2 *panel, int8_t *out, int pixels,
                                                             int vectors, int32_t acc[][2][8]) {
  const martlet_conv2d_params *p = &panel->run->grid->p;
  const __m256i none = _mm256_setzero_si256();
  for (int i = 0; i < pixels; i++, out += p->out_c) {
    __m256i v[2] = {none, none};
    for (int j = 0; j < vectors; j++) {
      const martlet_channels *c = panel->source;
      const __m256i x = _mm256_loadu_si256((const __m256i *)acc[i][j]);
      if (p->double_rescale) {
        v[j] = _mm256_setr_m128i(double_rescale(_mm256_castsi256_si128(x), c, 8 * j),
                                 double_rescale(_mm256_extracti128_si256(x, 1), c, 8 * j + 4));
      } else {
        const __m256i shift = _mm256_loadu_si256((const __m256i *)(c->shift + 8 * j));
        const __m256i multiplier = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(c->multiplier + 8 * j)), _mm256_set1_epi32(INT32_MAX));
        const __m256i right = _mm256_sub_epi32(none, _mm256_max_epi32(shift, _mm256_set1_epi32(-31)));
        v[j] = martlet_rescale_avx2(x, multiplier, _mm256_min_epi32(_mm256_max_epi32(shift, none), _mm256_set1_epi32(30)), _mm256_max_epi32(right, none));
      }
    }
    const __m256i words = _mm256_packs_epi32(v[0], v[1]);
    int8_t bytes[32];
    _mm256_storeu_si256((__m256i *)bytes, pack(p, words, words, false));
    memcpy(out, bytes, (size_t)panel->lanes);
  }
}

TARGET INLINE void store_fast(const panel_avx2 *panel, int8_t *out, int pixels, int vectors, bool rectified,
                              __m256i acc[][2]) {
  const martlet_conv2d_params *p = &panel->run->grid->p;
  const int step = vectors == 2 ? 2 : 4;
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i += step) {
    __m256i v[4];
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      const int pixel = vectors == 2 ? i + k / 2 : i + k, j = vectors == 2 ? k % 2 : 0;
      v[k] = pixel < pixels ? martlet_rescale_channels_avx2(acc[pixel][j], &panel->channels[j], rectified)
                            : _mm256_setzero_si256();
    }
    const __m256i bytes = pack(p, _mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]), rectified);
    store_bytes(panel, out + (ptrdiff_t)i * p->out_c, bytes, pixels - i, vectors);
  }
}

/// A block of pixels in one row.
TARGET INLINE void block(const panel_avx2 *panel, const pixels_avx2 *at, int pixels, int vectors) {
  __m256i acc[MAX_PIXELS][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) acc[i][0] = panel->bias[0], acc[i][1] = panel->bias[1];
  if (at->sums) {
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) {
      const __m256i sum = _mm256_set1_epi32(at->sums[i]);
      acc[i][0] = _mm256_sub_epi32(acc[i][0], sum);
      acc[i][1] = _mm256_sub_epi32(acc[i][1], sum);
    }
  }
  multiply(panel, at->a, pixels, vectors, acc);
  if (!panel->fast) {
    int32_t lanes[MAX_PIXELS][2][8];
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) {
      _mm256_storeu_si256((__m256i *)lanes[i][0], acc[i][0]);
      if (vectors == 2) _mm256_storeu_si256((__m256i *)lanes[i][1], acc[i][1]);
    }
    store_otherwise(panel, at->out, pixels, vectors, lanes);
  } else if (panel->rectified) {
    store_fast(panel, at->out, pixels, vectors, true, acc);
  } else {
    store_fast(panel, at->out, pixels, vectors, false, acc);
  }
}

#endif
#endif

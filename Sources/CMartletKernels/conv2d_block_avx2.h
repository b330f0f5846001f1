/// The convolution's blocks on AVX2: up to 5 pixels times 16 or 8 channels.
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
/// 5 pixels x 16 channels: 10 accumulators, two vectors of weights, a broadcast pair of values and a product leave the
/// compiler two of 16 registers. With 6 it spills accumulators, and the loop waits for their reload.
#define MAX_PIXELS 5

/// 16 channels of a run, or their first 8: what they are, and what is made of them.
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
TARGET INLINE __m128i double_rescale(__m128i x, __m256i factor) {
  __m256d p = _mm256_mul_pd(_mm256_cvtepi32_pd(x), _mm256_castsi256_pd(factor));
  // Of a NaN and a number, vmaxpd gives the second.
  p = _mm256_min_pd(_mm256_max_pd(p, _mm256_set1_pd(-65536.0)), _mm256_set1_pd(65536.0));
  // Away from zero by the largest number below a half, then truncated: halves are rounded up by the addition, and
  // nothing less than a half gets there.
  const __m256d sign = _mm256_and_pd(p, _mm256_set1_pd(-0.0));
  return _mm256_cvttpd_epi32(_mm256_add_pd(p, _mm256_or_pd(sign, _mm256_set1_pd(0x1.fffffffffffffp-2))));
}

/// The rescaling of channels 8 j ... 8 j + 7 by either rule and with any shifts.
TARGET INLINE __m256i rescale_any(const martlet_conv2d_params *p, const martlet_channels *c, int j, __m256i x) {
  const __m256i multiplier = _mm256_loadu_si256((const __m256i *)(c->multiplier + 8 * j));
  const __m256i shift = _mm256_loadu_si256((const __m256i *)(c->shift + 8 * j)), none = _mm256_setzero_si256();
  if (p->double_rescale) {
    // Factors are put together in the order 0 1 4 5 2 3 6 7.
    x = _mm256_permute4x64_epi64(x, _MM_SHUFFLE(3, 1, 2, 0));
    const __m128i low = double_rescale(_mm256_castsi256_si128(x), _mm256_unpacklo_epi32(multiplier, shift));
    const __m128i high = double_rescale(_mm256_extracti128_si256(x, 1), _mm256_unpackhi_epi32(multiplier, shift));
    return _mm256_permute4x64_epi64(_mm256_setr_m128i(low, high), _MM_SHUFFLE(3, 1, 2, 0));
  }
  const __m256i right = _mm256_sub_epi32(none, _mm256_max_epi32(shift, _mm256_set1_epi32(-31)));
  const __m256i left = _mm256_min_epi32(_mm256_max_epi32(shift, none), _mm256_set1_epi32(30));
  return martlet_rescale_avx2(x, _mm256_and_si256(multiplier, _mm256_set1_epi32(INT32_MAX)), left,
                              _mm256_max_epi32(right, none));
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
TARGET static __attribute__((noinline)) void store_part(int8_t *out, ptrdiff_t next, const int8_t *bytes, int32_t step,
                                                        int32_t pixels, int32_t lanes) {
  for (int32_t i = 0; i < pixels; i++) memcpy(out + i * next, bytes + i * step, (size_t)lanes);
}

/// Two pixels of 16 channels or four of 8, or fewer.
TARGET INLINE void store_bytes(const panel_avx2 *panel, int8_t *out, __m256i bytes, int pixels, int vectors) {
  const ptrdiff_t next = panel->run->grid->p.out_c;
  const __m128i high = _mm256_extracti128_si256(bytes, 1), low = _mm256_castsi256_si128(bytes);
  if (panel->lanes != 8 * vectors) {
    int8_t copy[32];
    _mm256_storeu_si256((__m256i *)copy, bytes);
    store_part(out, next, copy, 8 * vectors, martlet_min(pixels, 4 / vectors), panel->lanes);
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

/// A pixel of 16 channels by rescale_any.
TARGET INLINE void store_pixel(const martlet_conv2d_params *p, const martlet_channels *c, int8_t *out, int32_t lanes,
                               const __m256i acc[2]) {
  const __m256i words = _mm256_packs_epi32(rescale_any(p, c, 0, acc[0]), rescale_any(p, c, 1, acc[1]));
  const __m128i bytes = _mm256_castsi256_si128(pack(p, words, words, false));
  if (lanes == 16) {
    _mm_storeu_si128((__m128i *)out, bytes);
  } else {
    int8_t copy[16];
    _mm_storeu_si128((__m128i *)copy, bytes);
    store_part(out, 0, copy, 0, 1, lanes);
  }
}

/// Pixels by rescale_any: out of line, since few outputs are rescaled so.
TARGET static __attribute__((noinline)) void store_otherwise(const panel_avx2 *panel, int8_t *out, int pixels,
                                                             int vectors, int32_t acc[][2][8]) {
  const martlet_conv2d_params *p = &panel->run->grid->p;
  for (int i = 0; i < pixels; i++, out += p->out_c) {
    const __m256i first = _mm256_loadu_si256((const __m256i *)acc[i][0]);
    const __m256i last = vectors == 2 ? _mm256_loadu_si256((const __m256i *)acc[i][1]) : first;
    store_pixel(p, panel->source, out, panel->lanes, (const __m256i[2]){first, last});
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

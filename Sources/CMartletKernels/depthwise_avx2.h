/// What the AVX2 depthwise kernels share.
///
/// 16 channels at a time, widened to words; of a panel with 8 two streams of pixels, the two halves of a row. Two taps
/// are interleaved word by word, so that one vpmaddwd adds two products per channel; of the two accumulators one then
/// holds channels 0-3 and 8-11, the other 4-7 and 12-15, which packing puts right.
#ifndef MARTLET_DEPTHWISE_AVX2_H
#define MARTLET_DEPTHWISE_AVX2_H

#include "channels_avx2.h"
#include "depthwise.h"
#include "variants.h"

#if defined(__x86_64__)

/// Windows of 5 x 5 with dilation 1 and a stride of 1 or 2 along x, of 16 channels; false, with nothing done, where a
/// channel's shift wants the general way.
bool martlet_depthwise_slide5_avx2(const depthwise_run *run);

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
    if (!martlet_channels_prepare_avx2(quarters(c->multiplier, j, twin), shift, &state->channels[j]))
      state->fast = false;
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

#endif
#endif

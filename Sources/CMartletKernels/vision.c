/// The inner loops of the one resize. All sums stay below 2^31: a sample is at most 255 << 7, weights sum to 1 << 14.
#include "martlet_vision.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// MARK: - Pixels

static inline uint8_t luma(const uint8_t *p) {
  return (uint8_t)((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16);
}

static inline uint8_t over(uint8_t value, uint8_t alpha) {
  return (uint8_t)((value * alpha + MARTLET_VISION_MID_GREY * (255 - alpha) + 127) / 255);
}

void martlet_vision_unpack(uint8_t *out, const uint8_t *row, int32_t pixels, martlet_row_format format,
                           int32_t channels) {
  switch (format) {
    case MARTLET_ROW_GREY:
      for (int32_t i = 0; i < pixels; i++) out[i] = row[i];
      break;
    case MARTLET_ROW_GREY_ALPHA:
      for (int32_t i = 0; i < pixels; i++) out[i] = over(row[2 * i], row[2 * i + 1]);
      break;
    case MARTLET_ROW_RGB:
      if (channels == 1) {
        for (int32_t i = 0; i < pixels; i++) out[i] = luma(row + 3 * i);
      } else {
        for (int32_t i = 0; i < 3 * pixels; i++) out[i] = row[i];
      }
      break;
    case MARTLET_ROW_RGBA:
      for (int32_t i = 0; i < pixels; i++) {
        const uint8_t *p = row + 4 * i;
        uint8_t rgb[3] = {over(p[0], p[3]), over(p[1], p[3]), over(p[2], p[3])};
        if (channels == 1) {
          out[i] = luma(rgb);
        } else {
          for (int32_t c = 0; c < 3; c++) out[3 * i + c] = rgb[c];
        }
      }
      break;
  }
}

void martlet_vision_store(int8_t *out, ptrdiff_t step, int32_t channels, const uint8_t *in, int32_t in_channels,
                          int32_t count, const int8_t *table, int32_t reversed) {
  const ptrdiff_t green = in_channels == 3 ? 1 : 0, blue = in_channels == 3 ? 2 : 0;
  for (int32_t i = 0; i < count; i++, in += in_channels, out += step) {
    if (channels == 1) {
      out[0] = table[in[0]];
    } else {
      out[reversed ? 2 : 0] = table[in[0]];
      out[1] = table[256 + in[green]];
      out[reversed ? 0 : 2] = table[512 + in[blue]];
    }
  }
}

// MARK: - Down the rows

#define WEIGH_BODY(OPERATOR) \
  for (int32_t i = 0; i < count; i++) sums[i] OPERATOR (int16_t)weight * (int32_t)row[i];

#if defined(__x86_64__)
// The compiler vectorizes the plain loop; with AVX2 it is twice as wide. The bits cannot differ.
__attribute__((target("avx2"))) static void weigh_avx2(int32_t *restrict sums, const uint8_t *restrict row,
                                                       int32_t count, int32_t weight) {
  WEIGH_BODY(=)
}
__attribute__((target("avx2"))) static void weigh_more_avx2(int32_t *restrict sums, const uint8_t *restrict row,
                                                            int32_t count, int32_t weight) {
  WEIGH_BODY(+=)
}
#endif

static void weigh_plain(int32_t *restrict sums, const uint8_t *restrict row, int32_t count, int32_t weight) {
  WEIGH_BODY(=)
}
static void weigh_more_plain(int32_t *restrict sums, const uint8_t *restrict row, int32_t count, int32_t weight) {
  WEIGH_BODY(+=)
}

void martlet_vision_weigh(int32_t *sums, const uint8_t *row, int32_t count, int32_t weight) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return weigh_avx2(sums, row, count, weight);
#endif
  weigh_plain(sums, row, count, weight);
}

void martlet_vision_weigh_more(int32_t *sums, const uint8_t *row, int32_t count, int32_t weight) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return weigh_more_avx2(sums, row, count, weight);
#endif
  weigh_more_plain(sums, row, count, weight);
}

#define HALF_SAMPLE (1 << (MARTLET_VISION_WEIGHT_BITS - MARTLET_VISION_SAMPLE_BITS - 1))
#define TO_SAMPLE(SUM) (int16_t)(((SUM) + HALF_SAMPLE) >> (MARTLET_VISION_WEIGHT_BITS - MARTLET_VISION_SAMPLE_BITS))

void martlet_vision_separate(int16_t *planes, int32_t stride, const int32_t *sums, int32_t pixels, int32_t channels) {
  if (channels == 1) {
    for (int32_t x = 0; x < pixels; x++) planes[x] = TO_SAMPLE(sums[x]);
    return;
  }
  int16_t *restrict red = planes, *restrict green = planes + stride, *restrict blue = planes + 2 * (ptrdiff_t)stride;
  for (int32_t x = 0; x < pixels; x++) {
    red[x] = TO_SAMPLE(sums[3 * x]);
    green[x] = TO_SAMPLE(sums[3 * x + 1]);
    blue[x] = TO_SAMPLE(sums[3 * x + 2]);
  }
}

// MARK: - Along the columns

#define PIXEL_BITS (MARTLET_VISION_WEIGHT_BITS + MARTLET_VISION_SAMPLE_BITS)

static inline int32_t dot_scalar(const int16_t *samples, const int16_t *weights, int32_t taps) {
  int32_t sum = 0;
  for (int32_t k = 0; k < taps; k++) sum += (int32_t)samples[k] * weights[k];
  return sum;
}

#if defined(__x86_64__)
static inline int32_t dot(const int16_t *samples, const int16_t *weights, int32_t taps) {
  __m128i sum = _mm_setzero_si128();
  for (int32_t k = 0; k < taps; k += 8) {
    __m128i a = _mm_loadu_si128((const __m128i *)(samples + k));
    __m128i b = _mm_loadu_si128((const __m128i *)(weights + k));
    sum = _mm_add_epi32(sum, _mm_madd_epi16(a, b));
  }
  sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 1)));
}
#elif defined(__aarch64__)
static inline int32_t dot(const int16_t *samples, const int16_t *weights, int32_t taps) {
  int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
  for (int32_t k = 0; k < taps; k += 8) {
    int16x8_t a = vld1q_s16(samples + k), b = vld1q_s16(weights + k);
    low = vmlal_s16(low, vget_low_s16(a), vget_low_s16(b));
    high = vmlal_high_s16(high, a, b);
  }
  return vaddvq_s32(vaddq_s32(low, high));
}
#else
#define dot dot_scalar
#endif

#define COLUMNS_BODY(DOT)                                                                                  \
  for (int32_t x = 0; x < count; x++) {                                                                    \
    for (int32_t c = 0; c < channels; c++) {                                                               \
      int32_t sum = DOT(planes + c * (ptrdiff_t)stride + first[x], weights + x * (ptrdiff_t)taps, taps);   \
      out[x * channels + c] = (uint8_t)((sum + (1 << (PIXEL_BITS - 1))) >> PIXEL_BITS);                    \
    }                                                                                                      \
  }

void martlet_vision_columns(uint8_t *out, const int16_t *planes, int32_t stride, int32_t channels,
                            const int32_t *first, const int16_t *weights, int32_t taps, int32_t count) {
  COLUMNS_BODY(dot)
}

void martlet_vision_columns_scalar(uint8_t *out, const int16_t *planes, int32_t stride, int32_t channels,
                                   const int32_t *first, const int16_t *weights, int32_t taps, int32_t count) {
  COLUMNS_BODY(dot_scalar)
}

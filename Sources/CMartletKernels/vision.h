/// The loops of the one resize, written once for the instruction sets that the compiler vectorizes them for. All sums
/// stay below 2^31: a sample is at most 255 << 7, weights sum to 1 << 14, a colour's factors to less than 2^16.
#ifndef MARTLET_VISION_INTERNAL_H
#define MARTLET_VISION_INTERNAL_H

#include "kernels_internal.h"
#include "martlet_vision.h"

extern const martlet_vision_table martlet_vision_scalar;
#if defined(__x86_64__)
extern const martlet_vision_table martlet_vision_avx2;
#elif defined(__aarch64__)
extern const martlet_vision_table martlet_vision_neon;
#endif

#define MARTLET_VISION_DROPPED (MARTLET_VISION_WEIGHT_BITS - MARTLET_VISION_SAMPLE_BITS)
/// A weighted sum of 8-bit rows, brought to 7 fraction bits.
#define MARTLET_VISION_SAMPLE(SUM) (int16_t)(((SUM) + (1 << (MARTLET_VISION_DROPPED - 1))) >> MARTLET_VISION_DROPPED)

// MARK: - One sample

static inline int16_t martlet_vision_row_sample(const uint8_t *const *rows, const int16_t *weights, int32_t taps,
                                                int32_t i) {
  int32_t sum = 0;
  for (int32_t k = 0; k < taps; k++) sum += (int32_t)weights[k] * rows[k][i];
  return MARTLET_VISION_SAMPLE(sum);
}

static inline int16_t martlet_vision_column(const int16_t *samples, const int16_t *weights, int32_t taps,
                                            int32_t bits) {
  int32_t sum = 0;
  for (int32_t k = 0; k < taps; k++) sum += (int32_t)samples[k] * weights[k];
  return (int16_t)((sum + (1 << (bits - 1))) >> bits);
}

#define MARTLET_COLOUR_BITS 20

static inline int16_t martlet_vision_clamped(int32_t sum) {
  int32_t value = (sum + (1 << (MARTLET_COLOUR_BITS - 1))) >> MARTLET_COLOUR_BITS;
  return (int16_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// MARK: - Whole loops; ATTRIBUTE is a target, or nothing

#define MARTLET_VISION_LOOPS(ATTRIBUTE)                                                                             \
  ATTRIBUTE static void weigh(int32_t *restrict sums, const uint8_t *restrict row, int32_t count, int32_t weight) { \
    for (int32_t i = 0; i < count; i++) sums[i] = (int16_t)weight * (int32_t)row[i];                                \
  }                                                                                                                 \
  ATTRIBUTE static void weigh_more(int32_t *restrict sums, const uint8_t *restrict row, int32_t count,              \
                                   int32_t weight) {                                                                \
    for (int32_t i = 0; i < count; i++) sums[i] += (int16_t)weight * (int32_t)row[i];                               \
  }                                                                                                                 \
  ATTRIBUTE static void split(int16_t *restrict even, int16_t *restrict odd, const int16_t *restrict in,            \
                              int32_t pairs) {                                                                      \
    for (int32_t i = 0; i < pairs; i++) {                                                                           \
      even[i] = in[2 * i];                                                                                          \
      odd[i] = in[2 * i + 1];                                                                                       \
    }                                                                                                               \
  }                                                                                                                 \
  ATTRIBUTE static void split3(int16_t *restrict a, int16_t *restrict b, int16_t *restrict c,                       \
                               const int16_t *restrict in, int32_t triples) {                                       \
    for (int32_t i = 0; i < triples; i++) {                                                                         \
      a[i] = in[3 * i];                                                                                             \
      b[i] = in[3 * i + 1];                                                                                         \
      c[i] = in[3 * i + 2];                                                                                         \
    }                                                                                                               \
  }                                                                                                                 \
  ATTRIBUTE static void colour(int16_t *restrict red, int16_t *restrict green, int16_t *restrict blue,              \
                               const int16_t *restrict y, const int16_t *restrict cb, const int16_t *restrict cr,   \
                               int32_t count, const martlet_vision_matrix *matrix) {                                \
    const martlet_vision_matrix m = *matrix;                                                                        \
    for (int32_t i = 0; i < count; i++) {                                                                           \
      const int16_t b = (int16_t)(cb[i] - (128 << MARTLET_VISION_SAMPLE_BITS));                                     \
      const int16_t r = (int16_t)(cr[i] - (128 << MARTLET_VISION_SAMPLE_BITS));                                     \
      const int32_t grey = (int32_t)m.luma * (int16_t)(y[i] - m.luma_offset);                                       \
      red[i] = martlet_vision_clamped(grey + (int32_t)m.red_cr * r);                                                \
      green[i] = martlet_vision_clamped(grey + (int32_t)m.green_cb * b + (int32_t)m.green_cr * r);                  \
      blue[i] = martlet_vision_clamped(grey + (int32_t)m.blue_cb * b);                                              \
    }                                                                                                               \
  }                                                                                                                 \
  ATTRIBUTE static void expand(int16_t *restrict out, const int16_t *restrict y, int32_t count,                     \
                               const martlet_vision_matrix *matrix) {                                               \
    const int16_t luma = matrix->luma, offset = matrix->luma_offset;                                                \
    for (int32_t i = 0; i < count; i++) out[i] = martlet_vision_clamped((int32_t)luma * (int16_t)(y[i] - offset));  \
  }

#endif

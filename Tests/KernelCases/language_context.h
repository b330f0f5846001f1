/// What the cases of the language kernels share.
#ifndef MARTLET_LANGUAGE_CONTEXT_H
#define MARTLET_LANGUAGE_CONTEXT_H

#include "context.h"

#include <string.h>

static inline float random_float(martlet_random *random, float size) {
  return size * (float)(martlet_random_in(random, -1000000, 1000000) / 1000000.0);
}

static inline float *random_floats(martlet_case_context *context, size_t count, float size) {
  float *values = martlet_case_zeros(context, count * sizeof(float));
  for (size_t i = 0; i < count; i++) values[i] = random_float(&context->random, size);
  return values;
}

/// One in eight becomes what a damaged weight makes: NaNs of both signs, infinities, the largest, a denormal.
static inline void spoil(martlet_case_context *context, float *values, size_t count) {
  static const uint32_t odd[] = {0x7FC00000, 0xFFC00001, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x00000001};
  for (size_t i = 0; i < count; i++)
    if (martlet_random_in(&context->random, 0, 7) == 0)
      memcpy(values + i, odd + martlet_random_in(&context->random, 0, 6), 4);
}

/// Runs a kernel's units in three pieces out of order.
static inline void run_pieces(martlet_kernel kernel, const void *params, int32_t units, void *scratch) {
  const int32_t third = units / 3;
  kernel(params, NULL, third, units - third, scratch);
  kernel(params, NULL, units - third, units, scratch);
  kernel(params, NULL, 0, third, scratch);
}

static inline bool equal(martlet_case_context *context, const void *expected, void *actual, size_t bytes) {
  if (context->sabotage && bytes > 0) ((uint8_t *)actual)[bytes / 2] ^= 1;
  return memcmp(expected, actual, bytes) == 0;
}

/// Bit for bit, but for those of a NaN, which are the processor's own between two matrices.
static inline bool same_floats(martlet_case_context *context, const float *expected, float *actual, size_t count) {
  if (context->sabotage && count > 0) actual[count / 2] = actual[count / 2] == 1 ? 2 : 1;
  for (size_t i = 0; i < count; i++) {
    const bool is_nan = expected[i] != expected[i];
    if (is_nan ? actual[i] == actual[i] : memcmp(expected + i, actual + i, 4) != 0) return false;
  }
  return true;
}

/// Whether every NaN has the bits that it has on every processor.
static inline bool has_one_nan(const float *values, size_t count) {
  static const uint32_t nan = 0x7FC00000;
  for (size_t i = 0; i < count; i++)
    if (values[i] != values[i] && memcmp(values + i, &nan, 4) != 0) return false;
  return true;
}

static inline martlet_activations activations(martlet_case_context *context, int32_t tokens, int32_t depth, bool is_float) {
  martlet_activations a = {.stride = (depth + 63) / 64 * 64 + 64, .groups = martlet_group_count(depth)};
  const size_t count = (size_t)(tokens * a.stride);
  if (is_float) a.values = martlet_case_zeros(context, count * sizeof(float));
  a.quants = martlet_case_zeros(context, count);
  a.scales = martlet_case_zeros(context, (size_t)(tokens * a.groups) * sizeof(float));
  a.sums = martlet_case_zeros(context, (size_t)(tokens * a.groups) * 2 * sizeof(int32_t));
  return a;
}

#endif

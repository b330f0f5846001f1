#include "context.h"

#include <string.h>

/// One row of output pixels against the scalar form: full samples, single full weights, and all between.
static bool columns_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t taps = 8 * martlet_random_in(random, 1, 6), count = index % 30 + 1;
  const int32_t stride = taps + 40;
  int16_t *samples = martlet_case_zeros(context, (size_t)stride * 2);
  int16_t *weights = martlet_case_zeros(context, (size_t)(taps * count) * 2);
  int32_t *first = martlet_case_zeros(context, (size_t)count * 4);
  int16_t *expected = martlet_case_zeros(context, (size_t)count * 2);
  int16_t *found = martlet_case_zeros(context, (size_t)count * 2);
  for (int32_t i = 0; i < stride; i++) {
    samples[i] = (int16_t)MARTLET_RANDOM_OF(random, 0, 32640, martlet_random_in(random, 0, 32640));
  }
  for (int32_t x = 0; x < count; x++) {
    first[x] = martlet_random_in(random, 0, 40);
    for (int32_t left = 1 << MARTLET_VISION_WEIGHT_BITS; left > 0;) {
      int32_t part = index % 5 == 0 ? left : martlet_random_in(random, 1, left);
      weights[x * taps + martlet_random_in(random, 0, taps - 1)] += (int16_t)part;
      left -= part;
    }
  }
  for (int32_t bits = 14; bits <= 21; bits += 7) {
    context->vision_reference->columns(expected, samples, first, weights, taps, count, bits);
    context->vision_variant->columns(found, samples, first, weights, taps, count, bits);
    if (context->sabotage) found[count / 2] ^= 1;
    if (memcmp(expected, found, (size_t)count * 2) != 0) return false;
  }
  return true;
}

/// The weighted sum of rows, a row at a time, against the formula.
static bool rows_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t count = index + 1, weight = martlet_random_in(random, 0, 1 << MARTLET_VISION_WEIGHT_BITS);
  const int32_t more = (1 << MARTLET_VISION_WEIGHT_BITS) - weight;
  const uint8_t *row = (const uint8_t *)martlet_case_bytes(context, (size_t)count);
  const uint8_t *next = (const uint8_t *)martlet_case_bytes(context, (size_t)count);
  int32_t *sums = martlet_case_zeros(context, (size_t)count * 4);
  context->vision_variant->weigh(sums, row, count, weight);
  context->vision_variant->weigh_more(sums, next, count, more);
  if (context->sabotage) sums[count / 2]++;
  for (int32_t i = 0; i < count; i++) {
    if (sums[i] != weight * row[i] + more * next[i]) return false;
  }
  return true;
}

/// All rows of an output row at once, against the scalar form: one full weight, zeros, and all between. Buffers end
/// where the rows do.
static bool whole_rows_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t count = index + 1, taps = martlet_random_in(random, 1, 9);
  const uint8_t *rows[9];
  int16_t weights[9] = {0};
  for (int32_t k = 0; k < taps; k++) rows[k] = (const uint8_t *)martlet_case_bytes(context, (size_t)count);
  for (int32_t left = 1 << MARTLET_VISION_WEIGHT_BITS; left > 0;) {
    const int32_t part = index % 5 == 0 ? left : martlet_random_in(random, 1, left);
    weights[martlet_random_in(random, 0, taps - 1)] += (int16_t)part;
    left -= part;
  }
  int16_t *expected = martlet_case_zeros(context, (size_t)count * 2);
  int16_t *found = martlet_case_zeros(context, (size_t)count * 2);
  context->vision_reference->rows(expected, rows, weights, taps, count);
  context->vision_variant->rows(found, rows, weights, taps, count);
  if (context->sabotage) found[count / 2] ^= 1;
  return memcmp(expected, found, (size_t)count * 2) == 0;
}

/// Samples taken apart.
static bool split_case(martlet_case_context *context, int32_t index) {
  const int32_t count = index + 1;
  const int16_t *in = (const int16_t *)martlet_case_bytes(context, (size_t)count * 6);
  int16_t *out = martlet_case_zeros(context, (size_t)count * 6);
  context->vision_variant->split(out, out + count, in, count);
  if (context->sabotage) out[count / 2] ^= 1;
  for (int32_t i = 0; i < count; i++) {
    if (out[i] != in[2 * i] || out[count + i] != in[2 * i + 1]) return false;
  }
  context->vision_variant->split3(out, out + count, out + 2 * count, in, count);
  for (int32_t i = 0; i < count; i++) {
    for (int32_t c = 0; c < 3; c++) {
      if (out[c * count + i] != in[3 * i + c]) return false;
    }
  }
  return true;
}

/// Y, Cb and Cr anywhere, also where no red, green, blue is: every matrix.
static bool colour_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t count = index % 40 + 1;
  const martlet_vision_matrix *matrix = martlet_vision_matrix_for(index % 3, index / 3 % 2);
  int16_t *in = martlet_case_zeros(context, (size_t)count * 6);
  int16_t *expected = martlet_case_zeros(context, (size_t)count * 6);
  int16_t *found = martlet_case_zeros(context, (size_t)count * 6);
  for (int32_t i = 0; i < 3 * count; i++) {
    in[i] = (int16_t)MARTLET_RANDOM_OF(random, 0, 32640, martlet_random_in(random, 0, 32640));
  }
  context->vision_reference->colour(expected, expected + count, expected + 2 * count, in, in + count, in + 2 * count,
                                    count, matrix);
  context->vision_variant->colour(found, found + count, found + 2 * count, in, in + count, in + 2 * count, count,
                                  matrix);
  if (context->sabotage) found[count / 2] ^= 1;
  if (memcmp(expected, found, (size_t)count * 6) != 0) return false;
  context->vision_reference->expand(expected, in, count, matrix);
  context->vision_variant->expand(found, in, count, matrix);
  return memcmp(expected, found, (size_t)count * 2) == 0;
}

const martlet_case_group martlet_vision_cases[] = {
    {"vision columns", 120, columns_case},     {"vision rows", 120, rows_case},
    {"vision all rows", 140, whole_rows_case}, {"vision split", 120, split_case},
    {"vision colours", 240, colour_case},      {NULL, 0, NULL},
};

#include "context.h"
#include "martlet_vision.h"

#include <string.h>

/// One row of output pixels against the scalar form: full samples, single full weights, and all between.
static bool columns_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t taps = 8 * martlet_random_in(random, 1, 6), count = index % 30 + 1, channels = index % 2 ? 3 : 1;
  const int32_t stride = taps + 40;
  int16_t *planes = martlet_case_zeros(context, (size_t)(stride * channels) * 2);
  int16_t *weights = martlet_case_zeros(context, (size_t)(taps * count) * 2);
  int32_t *first = martlet_case_zeros(context, (size_t)count * 4);
  uint8_t *expected = martlet_case_zeros(context, (size_t)(count * channels));
  uint8_t *found = martlet_case_zeros(context, (size_t)(count * channels));
  for (int32_t i = 0; i < stride * channels; i++) {
    planes[i] = (int16_t)MARTLET_RANDOM_OF(random, 0, 32640, martlet_random_in(random, 0, 32640));
  }
  for (int32_t x = 0; x < count; x++) {
    first[x] = martlet_random_in(random, 0, 40);
    for (int32_t left = 1 << MARTLET_VISION_WEIGHT_BITS; left > 0;) {
      int32_t part = index % 5 == 0 ? left : martlet_random_in(random, 1, left);
      weights[x * taps + martlet_random_in(random, 0, taps - 1)] += (int16_t)part;
      left -= part;
    }
  }
  martlet_vision_columns_scalar(expected, planes, stride, channels, first, weights, taps, count);
  martlet_vision_columns(found, planes, stride, channels, first, weights, taps, count);
  if (context->sabotage) found[count / 2] ^= 1;
  return memcmp(expected, found, (size_t)(count * channels)) == 0;
}

/// The weighted sum of rows, a row at a time, against the formula.
static bool rows_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t count = index + 1, weight = martlet_random_in(random, 0, 1 << MARTLET_VISION_WEIGHT_BITS);
  const int32_t more = (1 << MARTLET_VISION_WEIGHT_BITS) - weight;
  const uint8_t *row = (const uint8_t *)martlet_case_bytes(context, (size_t)count);
  const uint8_t *next = (const uint8_t *)martlet_case_bytes(context, (size_t)count);
  int32_t *sums = martlet_case_zeros(context, (size_t)count * 4);
  martlet_vision_weigh(sums, row, count, weight);
  martlet_vision_weigh_more(sums, next, count, more);
  if (context->sabotage) sums[count / 2]++;
  for (int32_t i = 0; i < count; i++) {
    if (sums[i] != weight * row[i] + more * next[i]) return false;
  }
  return true;
}

const martlet_case_group martlet_vision_cases[] = {
    {"vision columns", 120, columns_case},
    {"vision rows", 120, rows_case},
    {NULL, 0, NULL},
};

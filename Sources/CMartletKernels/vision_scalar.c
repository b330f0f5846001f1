/// The resize's inner loops in plain C: the specification.
#include "vision.h"

MARTLET_SMALL_BEGIN

MARTLET_VISION_LOOPS()

static void rows(int16_t *out, const uint8_t *const *rows, const int16_t *weights, int32_t taps, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = martlet_vision_row_sample(rows, weights, taps, i);
}

static void columns(int16_t *out, const int16_t *samples, const int32_t *first, const int16_t *weights, int32_t taps,
                    int32_t count, int32_t bits) {
  for (int32_t x = 0; x < count; x++) {
    out[x] = martlet_vision_column(samples + first[x], weights + x * (ptrdiff_t)taps, taps, bits);
  }
}

MARTLET_SMALL_END

const martlet_vision_table martlet_vision_scalar = {weigh, weigh_more, rows, columns, split, split3, colour, expand};

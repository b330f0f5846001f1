#include <string.h>

#include "int4_fit.h"
#include "martlet_language.h"
#include "martlet_quantize.h"
#include "vectors.h"

enum { HALF = MARTLET_HALF_GROUP };

/// The values of a half group: lanes of 16 rows.
typedef struct levels {
  lanes scale, floor;
  uint8_t multiplier[ROWS], floors[ROWS];
} levels;

/// Multipliers and floors as integers of 8 bits, and what they stand for.
INLINE levels snap(const int4_fit *fit, lanes step, lanes floor_step) {
  levels result;
  const lanes multiplier = clamped(rounded(divided(fit->scale, step)), 255);
  const lanes floor = clamped(rounded(divided(fit->floor, floor_step)), 255);
  for (int r = 0; r < ROWS; r++) {
    result.multiplier[r] = (uint8_t)multiplier[r];
    result.floors[r] = (uint8_t)floor[r];
  }
  result.scale = step * multiplier;
  result.floor = floor_step * floor;
  return result;
}

/// The weight of columns [first, first + count) that makes up for the errors behind them: of x (w - q) the least.
INLINE void targets(const martlet_float_int4_params *p, const float *weights, const float *errors, size_t first,
                    size_t count, lanes target[HALF]) {
  for (size_t i = 0; i < count; i++) target[i] = load(weights + (first + i) * ROWS);
  if (!p->factor) return;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    lanes sum[4] = {target[i], target[i + 1], target[i + 2], target[i + 3]};
    const float *factor = p->factor + (first + i) * p->columns;
    for (size_t j = first + count; j < p->columns; j++) {
      const lanes error = load(errors + j * ROWS);
      for (size_t k = 0; k < 4; k++) sum[k] += error * factor[k * p->columns + j];
    }
    for (size_t k = 0; k < 4; k++) target[i + k] = sum[k];
  }
  for (; i < count; i++) {
    const float *factor = p->factor + (first + i) * p->columns;
    for (size_t j = first + count; j < p->columns; j++) target[i] += load(errors + j * ROWS) * factor[j];
  }
}

INLINE void store_step(uint8_t *place, const lanes step) {
  for (int r = 0; r < ROWS; r++) {
    uint32_t bits;
    const float value = step[r];
    memcpy(&bits, &value, 4);
    place[r * 2] = (uint8_t)(bits >> 16);
    place[r * 2 + 1] = (uint8_t)(bits >> 24);
  }
}

/// The rows' steps: the largest scale has the multiplier 240, so that there is room for what errors add.
INLINE void choose_steps(const martlet_float_int4_params *p, const float *weights, lanes *step, lanes *floor_step) {
  lanes scale = {0}, floor = {0};
  for (size_t first = 0; first < p->columns; first += HALF) {
    const size_t count = p->columns - first < HALF ? p->columns - first : HALF;
    lanes values[HALF];
    for (size_t i = 0; i < count; i++) values[i] = load(weights + (first + i) * ROWS);
    const int4_fit fit = fit_int4(values, p->importance ? p->importance + first : NULL, count);
    scale = greater(scale, fit.scale);
    floor = greater(floor, fit.floor);
  }
  const float most = p->factor ? 240 : 255;
  *step = bfloat_up(scale / most);
  *floor_step = bfloat_up(floor / most);
}

WIDE_VECTORS
void martlet_float_int4_block(const martlet_float_int4_params *p, const float *weights, float *errors, uint8_t *block) {
  const size_t groups = (p->columns + MARTLET_GROUP - 1) / MARTLET_GROUP;
  uint8_t *const quads = block + 64 + groups * 64;
  memset(block, 0, 64 + groups * 64 + groups * MARTLET_GROUP * ROWS / 2);
  lanes step, floor_step;
  choose_steps(p, weights, &step, &floor_step);
  store_step(block, step);
  store_step(block + 32, floor_step);
  // From the last half group to the first: what is lost is made up for by the columns in front.
  for (size_t half = (p->columns + HALF - 1) / HALF; half-- > 0;) {
    const size_t first = half * HALF, count = p->columns - first < HALF ? p->columns - first : HALF;
    lanes target[HALF];
    targets(p, weights, errors, first, count, target);
    const int4_fit fit = fit_int4(target, p->importance ? p->importance + first : NULL, count);
    const levels level = snap(&fit, step, floor_step);
    uint8_t *const table = block + 64 + half / 2 * 64 + half % 2 * ROWS;
    memcpy(table, level.multiplier, ROWS);
    memcpy(table + 32, level.floors, ROWS);
    for (size_t i = count; i-- > 0;) {
      lanes value = target[i];
      if (p->factor)
        for (size_t j = i + 1; j < count; j++)
          value += load(errors + (first + j) * ROWS) * p->factor[(first + i) * p->columns + first + j];
      const lanes q = clamped(rounded(divided(value + level.floor, level.scale)), 15);
      *(lanes *)(errors + (first + i) * ROWS) = load(weights + (first + i) * ROWS) - (level.scale * q - level.floor);
      uint8_t *const line = quads + half / 2 * MARTLET_GROUP * ROWS / 2 + i / 4 * 64 + i % 4;
      for (int r = 0; r < ROWS; r++) line[r * 4] |= (uint8_t)((uint8_t)q[r] << (half % 2 * 4));
    }
  }
}

/// The scale and the floor with which scale * q - floor, q 0 ... 15, comes closest to some weights: of 16 rows at once.
#ifndef MARTLET_INT4_FIT_H
#define MARTLET_INT4_FIT_H

#include <stddef.h>
#include <stdint.h>

// Vectors are passed between functions that are always inlined: no calling convention takes part.
#pragma clang diagnostic ignored "-Wpsabi"

enum { ROWS = 16 };

typedef float lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t mask __attribute__((vector_size(64), aligned(4)));

#define INLINE static inline __attribute__((always_inline))

INLINE lanes load(const float *values) { return *(const lanes *)values; }
INLINE lanes pick(mask where, lanes yes, lanes no) { return (lanes)((where & (mask)yes) | (~where & (mask)no)); }
INLINE lanes lesser(lanes a, lanes b) { return pick(a < b, a, b); }
INLINE lanes greater(lanes a, lanes b) { return pick(a > b, a, b); }
INLINE lanes clamped(lanes x, float most) { return lesser(greater(x, (lanes){0}), (lanes){0} + most); }
/// To the nearest integer, to even ones at a tie. Below 2^22; greater ones stay above 2^22.
INLINE lanes rounded(lanes x) { return (x + 0x1.8p23f) - 0x1.8p23f; }
/// 0 where the divisor is 0.
INLINE lanes divided(lanes x, lanes by) {
  const mask zero = by == 0;
  return pick(zero, (lanes){0}, x / pick(zero, (lanes){0} + 1, by));
}
/// To a bfloat16, away from zero; what is too small for scales: 0.
INLINE lanes bfloat_up(lanes x) {
  const lanes up = (lanes)(((mask)x + 0xFFFF) & (int32_t)0xFFFF0000);
  return pick(x >= 1e-30f, up, (lanes){0});
}

/// At least 0, both.
typedef struct int4_fit {
  lanes scale, floor;
} int4_fit;

/// Sums over the columns, each weighted.
typedef struct int4_sums {
  lanes w, q, qq, v, qv;
} int4_sums;

INLINE lanes weight_of(const lanes *v, const float *importance, lanes square, float unit, size_t i) {
  return importance ? (lanes){0} + (importance[i] * unit) : v[i] * v[i] + square;
}

/// Several scales around that of the extremes are tried; each trial's integers give the scale and the floor that fit
/// them best, by least squares; the trial with the least weighted error is taken. As llama.cpp's K-quants do.
///
/// - values: `count` columns, at most 32. importance: as many, at least 0; NULL: large weights matter most.
INLINE int4_fit fit_int4(const lanes *values, const float *importance, size_t count) {
  lanes low = {0}, high = {0}, square = {0};
  for (size_t i = 0; i < count; i++) {
    low = lesser(low, values[i]);
    high = greater(high, values[i]);
  }
  // Everything in units of the range, and of the largest importance: no sum overflows, whatever the weights' size.
  const lanes half_range = high * 0.5f - low * 0.5f;
  const mask none = half_range < 1e-30f;
  const lanes range = pick(none, (lanes){0} + 1, half_range);
  lanes v[32];
  for (size_t i = 0; i < count; i++) {
    v[i] = values[i] / range;
    square += v[i] * v[i];
  }
  square /= (float)count;
  float unit = 0;
  for (size_t i = 0; importance && i < count; i++) unit = importance[i] > unit ? importance[i] : unit;
  if (importance && !(unit > 0)) importance = NULL;
  unit = unit > 0 ? 1 / unit : 1;
  const lanes least = low / range;
  int4_fit best = {(lanes){0} + 2.0f / 15, -least};
  lanes best_error = (lanes){0} + __builtin_huge_valf();
  for (int trial = -10; trial <= 5; trial++) {
    const lanes first = (lanes){0} + 2 / (15 + 0.1f * (float)trial);
    int4_sums s = {{0}, {0}, {0}, {0}, {0}};
    for (size_t i = 0; i < count; i++) {
      const lanes q = clamped(rounded((v[i] - least) / first), 15);
      const lanes w = weight_of(v, importance, square, unit, i);
      s.w += w, s.q += w * q, s.qq += w * q * q, s.v += w * v[i], s.qv += w * q * v[i];
    }
    const lanes determinant = s.w * s.qq - s.q * s.q;
    const mask sound = (determinant > s.w * s.qq * 1e-5f) & (s.qq > 0);
    lanes scale = divided(s.w * s.qv - s.q * s.v, pick(sound, determinant, (lanes){0}));
    lanes floor = divided(s.q * s.qv - s.qq * s.v, pick(sound, determinant, (lanes){0}));
    const mask below = floor < 0;
    scale = pick(below, divided(s.qv, s.qq), scale);
    floor = pick(below, (lanes){0}, floor);
    const mask usable = sound & (scale > 0);
    scale = pick(usable, scale, first);
    lanes error = {0};
    for (size_t i = 0; i < count; i++) {
      const lanes q = clamped(rounded((v[i] + floor) / scale), 15);
      const lanes difference = scale * q - floor - v[i];
      error += weight_of(v, importance, square, unit, i) * difference * difference;
    }
    const mask better = usable & (error < best_error);
    best.scale = pick(better, scale, best.scale);
    best.floor = pick(better, floor, best.floor);
    best_error = pick(better, error, best_error);
  }
  best.scale = pick(none, (lanes){0}, best.scale * range);
  best.floor = pick(none, (lanes){0}, best.floor * range);
  return best;
}

#endif

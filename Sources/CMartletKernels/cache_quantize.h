/// Keys, values and queries to int8 in groups of MARTLET_CACHE_GROUP elements.
#ifndef MARTLET_CACHE_QUANTIZE_H
#define MARTLET_CACHE_QUANTIZE_H

#include "language.h"

/// The scale with which `count` floats reach 127; 0 where all of them vanish. A NaN does not count, and an infinity as
/// 1e30: an infinite or vanishing scale would make integers of nothing.
MARTLET_INLINE float group_scale(const float *x, int32_t count) {
  vf most = {0};
  for (int32_t i = 0; i < count; i += MARTLET_LANES) {
    vf v;
    load_some(&v, x + i, count - i);
    v = (vf)((vi)v & 0x7FFFFFFF);
    vi above = v > most;
    choose(&most, &above, &v, &most);
  }
  const float largest = largest_lane(&most);
  return largest > 1e-30f ? (largest < 1e30f ? largest : 1e30f) / 127.0f : 0;
}

/// `count` floats to integers, x = scale * q, ties to even; a NaN becomes -127. What is missing of the last 16 becomes
/// 0. Returns the sum of the integers.
MARTLET_INLINE int32_t quantize_group(const float *x, int32_t count, float scale, int8_t *out) {
  const float inverse = scale > 0 ? 1.0f / scale : 0;
  vi sum = {0};
  for (int32_t i = 0; i < count; i += MARTLET_LANES) {
    vf v;
    load_some(&v, x + i, count - i);
    v = v * inverse;
    clamp_lanes(&v, -127.0f, 127.0f);
    vi q;
    round_lanes(&q, &v);
    sum += q;
    const vb bytes = __builtin_convertvector(q, vb);
    memcpy(out + i, &bytes, sizeof bytes);
  }
  int32_t lanes[MARTLET_LANES], total = 0;
  memcpy(lanes, &sum, sizeof sum);
  for (int i = 0; i < MARTLET_LANES; i++) total += lanes[i];
  return total;
}

#endif

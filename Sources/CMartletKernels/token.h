/// What happens to a token between two matrices: norms, gates, packing. Included by each variant's file.
#include "language.h"

/// Mean of squares, its inverse root, times the weights. `x` and `out` may be the same.
static void norm_row(const float *x, const float *weight, int32_t size, float epsilon, float *out) {
  vf squares = {0};
  for (int32_t i = 0; i < size; i += MARTLET_LANES) {
    vf v;
    load_some(&v, x + i, size - i);
    squares += v * v;
  }
  const float factor = 1.0f / square_root(sum_lanes(&squares) / (float)size + epsilon);
  for (int32_t i = 0; i < size; i += MARTLET_LANES) {
    vf v, w;
    load_some(&v, x + i, size - i);
    load_some(&w, weight + i, size - i);
    v = v * factor * w;
    store_some(out + i, &v, size - i);
  }
}

/// `count` floats (at most 512: a head) to int8 with one scale: x = scale * q, |q| <= 127, ties to even. What is
/// missing of the last 16 becomes 0. NaN does not count for the scale and becomes -127; an infinity counts as 1e30.
static void quantize_run(const float *x, int32_t count, int8_t *out, float *scale) {
  vf most = {0};
  for (int32_t i = 0; i < count; i += MARTLET_LANES) {
    vf v;
    load_some(&v, x + i, count - i);
    const vf negative = -v;
    vi below = v < negative;
    choose(&v, &below, &negative, &v);
    vi above = v > most;
    choose(&most, &above, &v, &most);
  }
  float largest = largest_lane(&most);
  // An infinite or vanishing scale would make integers of nothing.
  if (!(largest < 1e30f)) largest = 1e30f;
  const bool is_zero = !(largest > 1e-30f);
  *scale = is_zero ? 0 : largest / 127.0f;
  const float inverse = is_zero ? 0 : 127.0f / largest;
  for (int32_t i = 0; i < count; i += MARTLET_LANES) {
    vf v;
    load_some(&v, x + i, count - i);
    v = v * inverse;
    clamp_lanes(&v, -127.0f, 127.0f);
    vi q;
    round_lanes(&q, &v);
    const vb bytes = __builtin_convertvector(q, vb);
    memcpy(out + i, &bytes, sizeof bytes);
  }
}

/// quantize_run of a whole group, which is read once, and its halves' sums.
static void pack_group(const float *x, int8_t *out, float *scale, int32_t *sums) {
  vf v[4], most = {0};
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    load_lanes(&v[i], x + i * MARTLET_LANES);
    const vf size = (vf)((vi)v[i] & INT32_MAX);
    vi above = size > most;
    choose(&most, &above, &size, &most);
  }
  float largest = largest_lane(&most);
  if (!(largest < 1e30f)) largest = 1e30f;
  const bool is_zero = !(largest > 1e-30f);
  *scale = is_zero ? 0 : largest / 127.0f;
  const float inverse = is_zero ? 0 : 127.0f / largest;
  vi q[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    v[i] = v[i] * inverse;
    clamp_lanes(&v[i], -127.0f, 127.0f);
    round_lanes(&q[i], &v[i]);
    const vb bytes = __builtin_convertvector(q[i], vb);
    memcpy(out + i * MARTLET_LANES, &bytes, sizeof bytes);
  }
  sums[0] = __builtin_reduce_add(q[0] + q[1]);
  sums[1] = __builtin_reduce_add(q[2] + q[3]);
}

/// A row of floats as activations of token `t`.
static void pack_row(const float *x, int32_t size, const martlet_activations *out, int32_t t) {
  if (out->values) {
    memcpy(out->values + (size_t)t * (size_t)out->stride, x, (size_t)size * sizeof *x);
    return;
  }
  int8_t *quants = out->quants + (size_t)t * (size_t)out->stride;
  for (int32_t g = 0; g < out->groups; g++) {
    const int32_t begin = g * MARTLET_GROUP, count = martlet_min(MARTLET_GROUP, size - begin);
    const size_t at = (size_t)t * (size_t)out->groups + (size_t)g;
    if (count == MARTLET_GROUP) {
      pack_group(x + begin, quants + begin, out->scales + at, out->sums + at * 2);
      continue;
    }
    quantize_run(x + begin, count, quants + begin, out->scales + at);
    for (int32_t i = martlet_ceil_div(count, MARTLET_LANES) * MARTLET_LANES; i < MARTLET_GROUP; i++)
      quants[begin + i] = 0;
    for (int32_t half = 0; half < 2; half++) {
      int32_t sum = 0;
      for (int32_t i = 0; i < MARTLET_HALF_GROUP; i++) sum += quants[begin + half * MARTLET_HALF_GROUP + i];
      out->sums[at * 2 + (size_t)half] = sum;
    }
  }
}

LANGUAGE(pack, p) {
  for (int32_t t = first; t < last; t++) pack_row(p->x + (size_t)t * (size_t)p->x_stride, p->size, &p->out, t);
}

LANGUAGE(norm, p) {
  float *row = scratch;
  for (int32_t t = first; t < last; t++) {
    float *x = p->x + (size_t)t * (size_t)p->size;
    if (p->update) {
      const float *update = p->update + (size_t)t * (size_t)p->size;
      if (p->update_weight) {
        norm_row(update, p->update_weight, p->size, p->epsilon, row);
        update = row;
      }
      for (int32_t i = 0; i < p->size; i += MARTLET_LANES) {
        vf a, b;
        load_some(&a, x + i, p->size - i);
        load_some(&b, update + i, p->size - i);
        a += b;
        store_some(x + i, &a, p->size - i);
      }
    }
    if (p->weight) {
      norm_row(x, p->weight, p->size, p->epsilon, row);
      pack_row(row, p->size, &p->out, t);
    }
  }
}

LANGUAGE(gate, p) {
  float *row = scratch;
  for (int32_t t = first; t < last; t++) {
    const float *gates = p->x + (size_t)t * 2 * (size_t)p->size, *ups = gates + p->size;
    for (int32_t i = 0; i < p->size; i += MARTLET_LANES) {
      vf a, b;
      load_some(&a, gates + i, p->size - i);
      load_some(&b, ups + i, p->size - i);
      if (p->gate == MARTLET_GATE_SILU) silu_lanes(&a);
      else gelu_lanes(&a);
      a *= b;
      store_some(row + i, &a, p->size - i);
    }
    pack_row(row, p->size, &p->out, t);
  }
}

// What waits for memory, or is done once for a batch, has no wide variant.
#if !defined(MARTLET_WIDE)
MARTLET_SMALL_BEGIN
LANGUAGE(rope_table, p) {
  for (int32_t t = first; t < last; t++) {
    const size_t row = (size_t)t * (size_t)p->half;
    for (int32_t i = 0; i < p->half; i++)
      sine_cosine((float)(p->first_position + t) * p->frequencies[i], p->sines + row + i, p->cosines + row + i);
  }
}
MARTLET_SMALL_END

LANGUAGE(embed, p) {
  for (int32_t t = first; t < last; t++) {
    float *x = p->x + (size_t)t * (size_t)p->matrix.columns;
    martlet_matrix_row(&p->matrix, p->ids[t], x);
    for (int32_t i = 0; i < p->matrix.columns; i++) x[i] *= p->factor;
  }
}
#endif

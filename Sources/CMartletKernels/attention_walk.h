/// Attention over a KV cache but for its products of integers. Included by each family's file, with an
/// attention_variant as argument.
#include "attention_unit.h"

/// Lanes [16 * block, 16 * block + 16) of a tile that lie in [low, high).
MARTLET_INLINE void seen_lanes(vi *mask, int block, int32_t low, int32_t high) {
  const vi lanes = (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + block * 16;
  *mask = (lanes >= low) & (lanes < high);
}

/// The soft cap of a row's scores, which few models have.
static __attribute__((noinline)) void cap_scores(float scores[TILE], float cap) {
  for (int i = 0; i < TILE; i += MARTLET_LANES) {
    vf v;
    load_lanes(&v, scores + i);
    v *= 1 / LOG2_E;
    cap_lanes(&v, cap);
    v *= LOG2_E;
    store_lanes(scores + i, &v);
  }
}

/// A row's scores with slots [low, high) of a tile to weights 2^(score - largest), 0 in the others.
MARTLET_INLINE void soften(float scores[TILE], int32_t low, int32_t high, const bool is_whole, float *tile_largest,
                           float *tile_sum) {
  const vf none = {0};
  vf v[4], most = none + LOWEST;
  for (int b = 0; b < 4; b++) {
    load_lanes(&v[b], scores + b * 16);
    vi above = v[b] > most;
    if (!is_whole) {
      vi seen;
      seen_lanes(&seen, b, low, high);
      above &= seen;
    }
    choose(&most, &above, &v[b], &most);
  }
  const float largest = largest_lane(&most);
  for (int b = 0; b < 4; b++) {
    v[b] -= largest;
    exp2_lanes(&v[b]);
    if (!is_whole) {
      vi seen;
      seen_lanes(&seen, b, low, high);
      choose(&v[b], &seen, &v[b], &none);
    }
    store_lanes(scores + b * 16, &v[b]);
  }
  const vf sum = (v[0] + v[1]) + (v[2] + v[3]);
  *tile_largest = largest;
  *tile_sum = sum_lanes(&sum);
}

/// The tiles' sums join: all rows at once. A row that does not see the tile stays as it is.
static void join_sums(attention_work *w) {
  vf old, tile, sum, tile_sum;
  load_lanes(&old, w->largest);
  load_lanes(&tile, w->tile_largest);
  load_lanes(&sum, w->sum);
  load_lanes(&tile_sum, w->tile_sum);
  vf most;
  vi above = tile > old;
  choose(&most, &above, &tile, &old);
  vf correction = old - most, factor = tile - most;
  exp2_lanes(&correction);
  exp2_lanes(&factor);
  tile_sum *= factor;
  fma_lanes(&sum, &sum, &correction, &tile_sum);
  store_lanes(w->largest, &most);
  store_lanes(w->sum, &sum);
  store_lanes(w->correction, &correction);
  store_lanes(w->factor, &factor);
}

/// The ratios of a tile's value scales to the largest of slots [low, high), times WHOLE, 0 in the others. Returns the
/// largest.
static float load_ratios(const uint16_t *scales, int32_t low, int32_t high, float ratios[TILE]) {
  const vf none = {0};
  vf v[4], most = none;
  for (int b = 0; b < 4; b++) {
    vh halves;
    memcpy(&halves, scales + b * 16, sizeof halves);
    v[b] = (vf)(__builtin_convertvector(halves, vi) << 16);
    vi seen;
    seen_lanes(&seen, b, low, high);
    choose(&v[b], &seen, &v[b], &none);
    vi above = v[b] > most;
    choose(&most, &above, &v[b], &most);
  }
  const float largest = largest_lane(&most), factor = largest > 0 ? WHOLE / largest : 0;
  for (int b = 0; b < 4; b++) {
    v[b] *= factor;
    store_lanes(ratios + b * 16, &v[b]);
  }
  return largest;
}

/// Slots of a tile that a row's token sees.
typedef struct attention_span {
  int32_t low, high;
} attention_span;

static attention_span span_of(const attention_unit *u, int32_t row, int32_t base) {
  const int32_t position = u->p->first_position + u->first_token + row / u->heads;
  return (attention_span){martlet_max(0, martlet_first_seen(position, u->p->window) - base),
                          martlet_min(TILE, position + 1 - base)};
}

static void mix_int8(const attention_unit *u, const attention_tile *tile, int32_t base, int32_t first, int32_t last,
                     const attention_variant *variant) {
  attention_work *w = u->work;
  for (int32_t g = 0; g < tile->groups; g++) {
    const int32_t begin = g * GROUP, count = martlet_min(GROUP, tile->padded - begin);
    attention_span before = {0, 0};
    float largest = 0, scales[ROWS];
    for (int32_t r = first; r < last; r++) {
      const attention_span span = span_of(u, r, base);
      if (span.low != before.low || span.high != before.high)
        largest = load_ratios(tile->value_scales + (size_t)g * (size_t)tile->capacity, span.low, span.high, w->ratios);
      before = span;
      scales[r] = largest * (1.0f / WHOLE) * w->factor[r];
      variant->weigh(w->scores[r], w->ratios, &w->weights[r]);
    }
    variant->mix(tile->values + begin * 4, tile->padded, count, w->weights + first, last - first, w->sums + first);
    for (int32_t r = first; r < last; r++) {
      float *part = part_of(u, r) + begin;
      for (int32_t i = 0; i < count; i += MARTLET_LANES) {
        vf acc;
        vi sums;
        load_lanes(&acc, part + i);
        memcpy(&sums, w->sums[r] + i, sizeof sums);
        acc *= w->correction[r];
        const vf whole = __builtin_convertvector(sums, vf), scale = (vf){0} + scales[r];
        fma_lanes(&acc, &whole, &scale, &acc);
        store_lanes(part + i, &acc);
      }
    }
  }
}

static void score_f32(const attention_unit *u, const float *keys, int32_t first, int32_t last) {
  const martlet_cache *c = &u->p->cache;
  const int32_t padded = martlet_padded_head(c->head_size);
  for (int32_t r = first; r < last; r++) {
    const float *query = u->work->query.floats + r * padded;
    for (int32_t b = 0; b < 4; b++) {
      vf score = {0};
      for (int32_t i = 0; i < c->head_size; i++) {
        vf key;
        load_lanes(&key, keys + (b * padded + i) * 16);
        const vf element = (vf){0} + query[i];
        fma_lanes(&score, &key, &element, &score);
      }
      store_lanes(u->work->scores[r] + b * 16, &score);
    }
  }
}

static void mix_f32(const attention_unit *u, const float *values, int32_t base, int32_t first, int32_t last) {
  const attention_work *w = u->work;
  const int32_t padded = martlet_padded_head(u->p->cache.head_size);
  for (int32_t r = first; r < last; r++) {
    const attention_span span = span_of(u, r, base);
    float *part = part_of(u, r);
    for (int32_t i = 0; i < padded; i += MARTLET_LANES) {
      vf acc;
      load_lanes(&acc, part + i);
      acc *= w->correction[r];
      for (int32_t s = span.low; s < span.high; s++) {
        vf value;
        load_lanes(&value, values + s * padded + i);
        const vf weight = (vf){0} + w->scores[r][s] * w->factor[r];
        fma_lanes(&acc, &value, &weight, &acc);
      }
      store_lanes(part + i, &acc);
    }
  }
}

/// One tile, positions [base, base + 64), for the rows that see any of it.
static void attend_tile(const attention_unit *u, int32_t base, const attention_variant *variant) {
  const martlet_cache *c = &u->p->cache;
  attention_work *w = u->work;
  // A token sees [position - window + 1, position].
  const int64_t from = base - u->p->first_position - u->first_token, to = from + TILE - 1 + u->p->window;
  const int32_t first = from < 0 ? 0 : (int32_t)from * u->heads;
  const int32_t last = (to < u->tokens ? (int32_t)to : u->tokens) * u->heads;
  const size_t slot = (size_t)(base % c->capacity), padded = (size_t)martlet_padded_head(c->head_size);
  const size_t at = (size_t)u->cache_head * martlet_cache_head_elements(c) + slot * padded;
  const size_t scales = (size_t)(u->cache_head * martlet_cache_groups(c->head_size)) * (size_t)c->capacity + slot;
  const bool is_int8 = c->type == MARTLET_CACHE_INT8;
  attention_tile tile = {.padded = (int32_t)padded,
                         .groups = martlet_cache_groups(c->head_size),
                         .capacity = c->capacity};
  if (is_int8) {
    tile.keys = (const int8_t *)c->keys + at;
    tile.values = (const int8_t *)c->values + at;
    tile.key_scales = c->key_scales + scales;
    tile.value_scales = c->value_scales + scales;
    const attention_queries queries = {w->query.quants + first * tile.padded, w->query.scales + first * tile.groups,
                                       w->query.sums + first * tile.groups};
    variant->score(&tile, &queries, last - first, w->scores + first);
  } else {
    score_f32(u, (const float *)c->keys + at, first, last);
  }
  const vf none = {0}, lowest = none + LOWEST;
  store_lanes(w->tile_largest, &lowest);
  store_lanes(w->tile_sum, &none);
  for (int32_t r = first; r < last; r++) {
    const attention_span span = span_of(u, r, base);
    if (u->p->cap > 0) cap_scores(w->scores[r], u->p->cap);
    if (span.high - span.low == TILE) soften(w->scores[r], 0, TILE, true, &w->tile_largest[r], &w->tile_sum[r]);
    else soften(w->scores[r], span.low, span.high, false, &w->tile_largest[r], &w->tile_sum[r]);
  }
  join_sums(w);
  if (is_int8) mix_int8(u, &tile, base, first, last, variant);
  else mix_f32(u, (const float *)c->values + at, base, first, last);
}

MARTLET_INLINE void attend(const martlet_attention_params *p, int32_t first, int32_t last, attention_work *work,
                           const attention_variant *variant) {
  const int32_t padded = martlet_padded_head(p->cache.head_size);
  const vf none = {0}, lowest = none + LOWEST;
  for (int32_t index = first; index < last; index++) {
    const attention_unit u = unit_at(p, index, work);
    if (u.start >= u.end) continue;
    load_queries(&u);
    store_lanes(work->largest, &lowest);
    store_lanes(work->sum, &none);
    for (int32_t r = 0; r < u.tokens * u.heads; r++) memset(part_of(&u, r), 0, (size_t)padded * sizeof(float));
    for (int32_t base = u.start / TILE * TILE; base < u.end; base += TILE) attend_tile(&u, base, variant);
    for (int32_t r = 0; r < u.tokens * u.heads; r++) {
      float *part = part_of(&u, r) + padded;
      part[0] = work->largest[r];
      part[1] = work->sum[r];
    }
  }
}

/// Rotary embedding, the KV cache, and attention over it. Included by each variant's file behind token.h, with
/// dot_block defined: sums of products of `quads` quads of 16 positions with `count` (1...4) rows of int8. With
/// MARTLET_ONE_MIX there is one loop for every number of heads, which is small and slow.
#include "language.h"

#if defined(MARTLET_ONE_MIX)
#define MIX_UNROLL(HOW)
#else
#define MIX_UNROLL(HOW) _Pragma(HOW)
#endif

/// The two halves of a head, turned against each other.
static void rotate_head(float *x, const float *cosines, const float *sines, int32_t half) {
  for (int32_t i = 0; i < half; i += MARTLET_LANES) {
    vf a, b, c, s;
    load_some(&a, x + i, half - i);
    load_some(&b, x + half + i, half - i);
    load_some(&c, cosines + i, half - i);
    load_some(&s, sines + i, half - i);
    vf first = a * c - b * s, second = b * c + a * s;
    store_some(x + i, &first, half - i);
    store_some(x + half + i, &second, half - i);
  }
}

static void store_key(const martlet_cache *c, int32_t head, int32_t position, const float *x) {
  const int32_t padded = martlet_padded_head(c->head_size);
  const size_t base = (size_t)head * martlet_cache_head_elements(c) + (size_t)(position / 16) * 16 * (size_t)padded;
  const int32_t lane = position % 16;
  if (c->type == MARTLET_CACHE_F32) {
    float *keys = (float *)c->keys + base;
    for (int32_t i = 0; i < c->head_size; i++) keys[i * 16 + lane] = x[i];
    return;
  }
  int8_t quants[MARTLET_MAX_HEAD];
  quantize_run(x, c->head_size, quants, c->key_scales + (size_t)head * (size_t)c->capacity + position);
  int8_t *keys = (int8_t *)c->keys + base;
  for (int32_t i = 0; i < padded; i += 4) memcpy(keys + i * 16 + lane * 4, quants + i, 4);
}

static void store_value(const martlet_cache *c, int32_t head, int32_t position, const float *x) {
  const int32_t padded = martlet_padded_head(c->head_size);
  const size_t at = (size_t)head * martlet_cache_head_elements(c) + (size_t)position * (size_t)padded;
  if (c->type == MARTLET_CACHE_F32) memcpy((float *)c->values + at, x, (size_t)c->head_size * sizeof *x);
  else
    quantize_run(x, c->head_size, (int8_t *)c->values + at,
                 c->value_scales + (size_t)head * (size_t)c->capacity + position);
}

static void fetch(const void *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)from + i, 0, 2);
}

/// While a single token is turned, what attention is about to read is asked for: since the layer's last turn the
/// weights of all layers have passed through the caches. Run after run, the lines that are written first; of a long
/// text the latest positions, which every window holds. Measured on Zen 4 at 70 positions: rotation and attention from
/// 10.5 to 7.0 us a layer.
static void fetch_cache(const martlet_cache *c, int32_t position) {
  const size_t unit = c->type == MARTLET_CACHE_INT8 ? 1 : sizeof(float);
  const size_t row = (size_t)martlet_padded_head(c->head_size) * unit, block = (size_t)(position / 16) * 16 * row;
  const size_t start = (size_t)(martlet_max(position - 256, 0) / 16 * 16), seen = (size_t)position - start;
  for (int32_t h = 0; h < c->heads; h++) {
    const size_t base = (size_t)h * martlet_cache_head_elements(c) * unit;
    const size_t first = (size_t)h * (size_t)c->capacity + start;
    fetch((const char *)c->keys + base + block, 16 * row);
    fetch((const char *)c->keys + base + start * row, seen * row);
    fetch((const char *)c->values + base + start * row, seen * row);
    if (c->type != MARTLET_CACHE_INT8) continue;
    fetch(c->key_scales + first, seen * sizeof(float));
    fetch(c->value_scales + first, seen * sizeof(float));
  }
}

LANGUAGE(rotate, p) {
  const martlet_cache *c = &p->cache;
  const int32_t size = c->head_size, half = size / 2;
  if (last - first == 1) fetch_cache(c, p->first_position + first);
  for (int32_t t = first; t < last; t++) {
    float *x = p->x + (size_t)t * (size_t)p->stride;
    const float *cosines = p->cosines + (size_t)t * (size_t)half, *sines = p->sines + (size_t)t * (size_t)half;
    const int32_t position = p->first_position + t;
    for (int32_t h = 0; h < p->heads + c->heads; h++, x += size) {
      const bool is_query = h < p->heads;
      const float *weight = is_query ? p->query_norm : p->key_norm;
      if (weight) norm_row(x, weight, size, p->epsilon, x);
      rotate_head(x, cosines, sines, half);
      if (!is_query) store_key(c, h - p->heads, position, x);
      else
        for (int32_t i = 0; i < size; i++) x[i] *= p->factor;
    }
    for (int32_t h = 0; h < c->heads; h++, x += size) store_value(c, h, position, x);
  }
}

/// The query heads of one token that share a key-value head, at most four at a time.
typedef struct heads_state {
  const martlet_attention_params *p;
  const float *queries;
  int32_t head, count;
  /// Positions [start, end).
  int32_t start, end;
  /// [count][score_stride]
  float *scores;
  size_t score_stride;
} heads_state;

/// Lanes of a block of 16 positions that are seen.
static void seen_lanes(const heads_state *s, int32_t block, vi *mask) {
  int32_t lanes[MARTLET_LANES];
  for (int i = 0; i < MARTLET_LANES; i++) {
    const int32_t position = block * 16 + i;
    lanes[i] = position >= s->start && position < s->end ? -1 : 0;
  }
  memcpy(mask, lanes, sizeof lanes);
}

static void score_int8(const heads_state *s) {
  const martlet_cache *c = &s->p->cache;
  const int32_t padded = martlet_padded_head(c->head_size);
  int8_t quants[4 * MARTLET_MAX_HEAD];
  float scales[4];
  for (int32_t i = 0; i < s->count; i++)
    quantize_run(s->queries + i * c->head_size, c->head_size, quants + i * padded, scales + i);
  const int8_t *keys = (const int8_t *)c->keys + (size_t)s->head * martlet_cache_head_elements(c);
  const float *key_scales = c->key_scales + (size_t)s->head * (size_t)c->capacity;
  for (int32_t b = s->start / 16; b * 16 < s->end; b++) {
    int32_t sums[4][16];
    dot_block((const uint8_t *)keys + (size_t)b * 16 * (size_t)padded, quants, padded, padded / 4, s->count, sums);
    vf key_scale;
    load_lanes(&key_scale, key_scales + b * 16);
    for (int32_t i = 0; i < s->count; i++) {
      vi integers;
      memcpy(&integers, sums[i], sizeof integers);
      vf score = __builtin_convertvector(integers, vf) * key_scale * scales[i];
      store_lanes(s->scores + (size_t)i * s->score_stride + b * 16, &score);
    }
  }
}

static void score_f32(const heads_state *s) {
  const martlet_cache *c = &s->p->cache;
  const int32_t padded = martlet_padded_head(c->head_size);
  const float *keys = (const float *)c->keys + (size_t)s->head * martlet_cache_head_elements(c);
  for (int32_t b = s->start / 16; b * 16 < s->end; b++) {
    for (int32_t i = 0; i < s->count; i++) {
      const float *query = s->queries + i * c->head_size;
      vf score = {0};
      for (int32_t d = 0; d < c->head_size; d++) {
        vf key;
        load_lanes(&key, keys + (size_t)b * 16 * (size_t)padded + d * 16);
        score += key * query[d];
      }
      store_lanes(s->scores + (size_t)i * s->score_stride + b * 16, &score);
    }
  }
}

/// Scores to weights; returns their sum, which is still to be divided by. INT8: weights are multiplied by the values'
/// scales behind the sum.
static float soften(const heads_state *s, float *scores) {
  const martlet_cache *c = &s->p->cache;
  const vf lowest = (vf){0} - 3e38f, none = {0};
  vf most = lowest;
  for (int32_t b = s->start / 16; b * 16 < s->end; b++) {
    vf v;
    vi mask;
    load_lanes(&v, scores + b * 16);
    if (s->p->cap > 0) {
      cap_lanes(&v, s->p->cap);
      store_lanes(scores + b * 16, &v);
    }
    seen_lanes(s, b, &mask);
    vi above = (v > most) & mask;
    choose(&most, &above, &v, &most);
  }
  const float largest = max_lanes(&most);
  vf sum = {0};
  for (int32_t b = s->start / 16; b * 16 < s->end; b++) {
    vf v;
    vi mask;
    load_lanes(&v, scores + b * 16);
    v -= largest;
    exp_lanes(&v);
    seen_lanes(s, b, &mask);
    choose(&v, &mask, &v, &none);
    sum += v;
    if (c->type == MARTLET_CACHE_INT8) {
      vf scale;
      load_lanes(&scale, c->value_scales + (size_t)s->head * (size_t)c->capacity + b * 16);
      v *= scale;
      // A position that is not seen may hold anything.
      choose(&v, &mask, &v, &none);
    }
    store_lanes(scores + b * 16, &v);
  }
  return sum_lanes(&sum);
}

/// 16 elements of a cached value, as floats.
MARTLET_INLINE void load_value(vf *value, const martlet_cache *c, size_t at, const bool is_int8) {
  if (is_int8) {
    vb bytes;
    memcpy(&bytes, (const int8_t *)c->values + at, sizeof bytes);
    *value = __builtin_convertvector(bytes, vf);
  } else {
    load_lanes(value, (const float *)c->values + at);
  }
}

/// Adds up `count` heads' weighted values, 16 elements at a time, position after position.
MARTLET_INLINE void mix(const heads_state *s, const float *sums, float *out, const int count, const bool is_int8) {
  const martlet_cache *c = &s->p->cache;
  const size_t padded = (size_t)martlet_padded_head(c->head_size);
  const size_t base = (size_t)s->head * martlet_cache_head_elements(c);
  for (int32_t d = 0; d < c->head_size; d += MARTLET_LANES) {
    vf acc[4] = {{0}, {0}, {0}, {0}};
    size_t at = base + (size_t)s->start * padded + (size_t)d;
    MIX_UNROLL("clang loop unroll_count(2)")
    for (int32_t t = s->start; t < s->end; t++, at += padded) {
      vf value;
      load_value(&value, c, at, is_int8);
      MIX_UNROLL("clang loop unroll(full)")
      for (int i = 0; i < count; i++) acc[i] += value * s->scores[(size_t)i * s->score_stride + (size_t)t];
    }
    for (int i = 0; i < count; i++) {
      vf result = acc[i] / sums[i];
      store_some(out + i * c->head_size + d, &result, c->head_size - d);
    }
  }
}

MARTLET_INLINE void mix_some(const heads_state *s, const float *sums, float *out, const bool is_int8) {
#if defined(MARTLET_ONE_MIX)
  mix(s, sums, out, s->count, is_int8);
#else
  // A cache in float32 is there to compare with: one loop, a head after the other, is enough for it.
  if (!is_int8) {
    for (int32_t i = 0; i < s->count; i++) {
      heads_state one = *s;
      one.scores += (size_t)i * s->score_stride;
      mix(&one, sums + i, out + i * s->p->cache.head_size, 1, is_int8);
    }
    return;
  }
  switch (s->count) {
    case 1: mix(s, sums, out, 1, is_int8); break;
    case 2: mix(s, sums, out, 2, is_int8); break;
    case 3: mix(s, sums, out, 3, is_int8); break;
    default: mix(s, sums, out, 4, is_int8); break;
  }
#endif
}

static void attend(const heads_state *s, float *out) {
  const bool is_int8 = s->p->cache.type == MARTLET_CACHE_INT8;
  if (is_int8) score_int8(s);
  else score_f32(s);
  float sums[4];
  for (int32_t i = 0; i < s->count; i++) sums[i] = soften(s, s->scores + (size_t)i * s->score_stride);
  if (is_int8) mix_some(s, sums, out, true);
  else mix_some(s, sums, out, false);
}

LANGUAGE(attention, p) {
  const martlet_cache *c = &p->cache;
  const int32_t group = p->heads / c->heads;
  for (int32_t unit = first; unit < last; unit++) {
    const int32_t t = unit / c->heads, head = unit % c->heads;
    heads_state s = {.p = p, .head = head, .scores = scratch, .score_stride = (size_t)c->capacity};
    s.end = p->first_position + t + 1;
    s.start = martlet_max(0, s.end - p->window);
    for (int32_t i = 0; i < group; i += 4) {
      const size_t element = (size_t)(head * group + i) * (size_t)c->head_size;
      s.count = martlet_min(4, group - i);
      s.queries = p->x + (size_t)t * (size_t)p->stride + element;
      attend(&s, p->out + (size_t)t * (size_t)p->out_stride + element);
    }
  }
}

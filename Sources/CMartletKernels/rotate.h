/// Rotary embedding, and the KV cache's writing. Included by each variant's file behind token.h.
#include "cache_quantize.h"

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

/// A head in groups: `quants` padded to whole lanes, the scales `stride` apart.
static void quantize_head(const float *x, int32_t size, int8_t *quants, uint16_t *scales, size_t stride) {
  for (int32_t i = 0; i < size; i += MARTLET_CACHE_GROUP, scales += stride) {
    const int32_t count = martlet_min(MARTLET_CACHE_GROUP, size - i);
    // Rounded up, so that no integer exceeds 127.
    const float exact = group_scale(x + i, count);
    uint32_t bits;
    memcpy(&bits, &exact, 4);
    *scales = (uint16_t)((bits + 0xFFFF) >> 16);
    bits = (uint32_t)*scales << 16;
    float scale;
    memcpy(&scale, &bits, 4);
    quantize_group(x + i, count, scale, quants + i);
  }
}

static void store_key(const martlet_cache *c, int32_t head, int32_t slot, const float *x) {
  const size_t at = (size_t)head * martlet_cache_head_elements(c) + martlet_key_place(c, slot);
  if (c->type == MARTLET_CACHE_F32) {
    for (int32_t i = 0; i < c->head_size; i++) ((float *)c->keys)[at + (size_t)i * 16] = x[i];
    return;
  }
  const int32_t groups = martlet_cache_groups(c->head_size);
  int8_t quants[MARTLET_MAX_HEAD];
  quantize_head(x, c->head_size, quants, c->key_scales + (size_t)(head * groups) * (size_t)c->capacity + slot,
                (size_t)c->capacity);
  int8_t *keys = (int8_t *)c->keys + at;
  for (int32_t i = 0; i < martlet_padded_head(c->head_size); i += 4) memcpy(keys + i * 16, quants + i, 4);
}

static void store_value(const martlet_cache *c, int32_t head, int32_t slot, const float *x) {
  const size_t at = (size_t)head * martlet_cache_head_elements(c) + martlet_value_place(c, slot);
  if (c->type == MARTLET_CACHE_F32) {
    memcpy((float *)c->values + at, x, (size_t)c->head_size * sizeof *x);
    return;
  }
  const int32_t groups = martlet_cache_groups(c->head_size);
  int8_t quants[MARTLET_MAX_HEAD];
  quantize_head(x, c->head_size, quants, c->value_scales + (size_t)(head * groups) * (size_t)c->capacity + slot,
                (size_t)c->capacity);
  int8_t *values = (int8_t *)c->values + at;
  for (int32_t i = 0; i < martlet_padded_head(c->head_size); i++) values[i * 4] = quants[i];
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
  const size_t bytes = MARTLET_CACHE_TILE * (size_t)martlet_padded_head(c->head_size) * unit;
  const int32_t groups = martlet_cache_groups(c->head_size), tile = position / MARTLET_CACHE_TILE;
  for (int32_t h = 0; h < c->heads; h++) {
    for (int32_t t = martlet_max(tile - 4, 0); t <= tile; t++) {
      const size_t slot = (size_t)(t * MARTLET_CACHE_TILE % c->capacity);
      const size_t at = (size_t)h * martlet_cache_head_elements(c) * unit + slot / MARTLET_CACHE_TILE * bytes;
      fetch((const char *)c->keys + at, bytes);
      fetch((const char *)c->values + at, bytes);
      if (c->type != MARTLET_CACHE_INT8) continue;
      for (int32_t g = 0; g < groups; g++) {
        const size_t row = (size_t)(h * groups + g) * (size_t)c->capacity + slot;
        fetch(c->key_scales + row, MARTLET_CACHE_TILE * sizeof(uint16_t));
        fetch(c->value_scales + row, MARTLET_CACHE_TILE * sizeof(uint16_t));
      }
    }
  }
}

LANGUAGE(rotate, p) {
  const martlet_cache *c = &p->cache;
  const int32_t size = c->head_size, half = size / 2;
  if (last - first == 1) fetch_cache(c, p->first_position + first);
  for (int32_t t = first; t < last; t++) {
    float *x = p->x + (size_t)t * (size_t)p->stride;
    const float *cosines = p->cosines + (size_t)t * (size_t)half, *sines = p->sines + (size_t)t * (size_t)half;
    const int32_t slot = (p->first_position + t) % c->capacity;
    for (int32_t h = 0; h < p->heads + c->heads; h++, x += size) {
      const bool is_query = h < p->heads;
      const float *weight = is_query ? p->query_norm : p->key_norm;
      if (weight) norm_row(x, weight, size, p->epsilon, x);
      rotate_head(x, cosines, sines, half);
      if (!is_query) store_key(c, h - p->heads, slot, x);
      else
        for (int32_t i = 0; i < size; i++) x[i] *= p->factor;
    }
    for (int32_t h = 0; h < c->heads; h++, x += size) store_value(c, h, slot, x);
  }
}

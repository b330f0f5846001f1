#include "attention_reference.h"

#include <math.h>
#include <string.h>

static double scale_at(const uint16_t *scales, const martlet_cache *c, int32_t head, int32_t element, int32_t slot) {
  const int32_t row = head * martlet_cache_groups(c->head_size) + element / MARTLET_CACHE_GROUP;
  const uint32_t bits = (uint32_t)scales[(size_t)row * (size_t)c->capacity + (size_t)slot] << 16;
  float scale;
  memcpy(&scale, &bits, 4);
  return (double)scale;
}

static double key_at(const martlet_cache *c, int32_t head, int32_t position, int32_t i) {
  const int32_t slot = position % c->capacity, padded = martlet_padded_head(c->head_size);
  const size_t block = (size_t)(head * c->capacity + slot / 16 * 16) * (size_t)padded;
  if (c->type == MARTLET_CACHE_F32) return (double)((const float *)c->keys)[block + (size_t)(i * 16 + slot % 16)];
  const int8_t key = ((const int8_t *)c->keys)[block + (size_t)(i / 4 * 64 + slot % 16 * 4 + i % 4)];
  return key * scale_at(c->key_scales, c, head, i, slot);
}

static double value_at(const martlet_cache *c, int32_t head, int32_t position, int32_t i) {
  const int32_t slot = position % c->capacity, padded = martlet_padded_head(c->head_size);
  const size_t row = (size_t)(head * c->capacity + slot) * (size_t)padded;
  if (c->type == MARTLET_CACHE_F32) return (double)((const float *)c->values)[row + (size_t)i];
  const size_t block = (size_t)(head * c->capacity + slot / 4 * 4) * (size_t)padded;
  const int8_t value = ((const int8_t *)c->values)[block + (size_t)(i * 4 + slot % 4)];
  return value * scale_at(c->value_scales, c, head, i, slot);
}

/// Group after group to integers and back, in float as the kernels do it: another rounding of a tie would be a step.
static void quantize(const float *x, const martlet_cache *c, double *out) {
  for (int32_t i = 0; i < c->head_size; i++) {
    float largest = 0;
    for (int32_t k = i / MARTLET_CACHE_GROUP * MARTLET_CACHE_GROUP;
         k < c->head_size && k / MARTLET_CACHE_GROUP == i / MARTLET_CACHE_GROUP; k++)
      largest = fmaxf(largest, fabsf(x[k]));
    const float scale = largest / 127.0f, inverse = 1.0f / scale, whole = x[i] * inverse;
    out[i] = (double)x[i];
    if (c->type == MARTLET_CACHE_INT8) out[i] = largest > 0 ? (double)nearbyintf(whole) * (double)scale : 0;
  }
}

double martlet_reference_attention(const martlet_attention_params *p, int32_t token, int32_t head, double *out) {
  const martlet_cache *c = &p->cache;
  const int32_t position = p->first_position + token, shared = head / (p->heads / c->heads);
  const int32_t first = martlet_first_seen(position, p->window);
  double query[512], sum = 0, most = -INFINITY, largest = 0;
  quantize(p->x + (size_t)token * (size_t)p->stride + (size_t)head * (size_t)c->head_size, c, query);
  for (int32_t i = 0; i < c->head_size; i++) out[i] = 0;
  for (int32_t pass = 0; pass < 2; pass++)
    for (int32_t at = first; at <= position; at++) {
      double score = 0;
      for (int32_t i = 0; i < c->head_size; i++) score += query[i] * key_at(c, shared, at, i);
      if (p->cap > 0) score = (double)p->cap * tanh(score / (double)p->cap);
      if (pass == 0) {
        most = fmax(most, score);
        continue;
      }
      const double weight = exp(score - most);
      sum += weight;
      for (int32_t i = 0; i < c->head_size; i++) {
        const double value = value_at(c, shared, at, i);
        out[i] += weight * value;
        largest = fmax(largest, fabs(value));
      }
    }
  for (int32_t i = 0; i < c->head_size; i++) out[i] /= sum;
  return largest;
}

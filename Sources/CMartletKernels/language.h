/// What the language kernels share besides arithmetic: where a key and a value lie in a KV cache.
#ifndef MARTLET_LANGUAGE_INTERNAL_H
#define MARTLET_LANGUAGE_INTERNAL_H

#include "language_math.h"
#include "language_variants.h"

/// Largest head, padded.
#define MARTLET_MAX_HEAD 512

/// Elements of one head's keys (or values) in a layer's cache.
static inline size_t martlet_cache_head_elements(const martlet_cache *c) {
  return (size_t)c->capacity * (size_t)martlet_padded_head(c->head_size);
}

/// Where a slot's key begins, in elements of its head. INT8: 4 elements, and 64 further the next 4; F32: 1, and 16
/// further the next.
static inline size_t martlet_key_place(const martlet_cache *c, int32_t slot) {
  const size_t block = (size_t)(slot / 16) * 16 * (size_t)martlet_padded_head(c->head_size);
  return block + (size_t)(slot % 16) * (c->type == MARTLET_CACHE_INT8 ? 4 : 1);
}

/// Where a slot's value begins, in elements of its head. INT8: the next element is 4 further; F32: 1.
static inline size_t martlet_value_place(const martlet_cache *c, int32_t slot) {
  const size_t padded = (size_t)martlet_padded_head(c->head_size);
  if (c->type == MARTLET_CACHE_F32) return (size_t)slot * padded;
  return (size_t)(slot / 4) * 4 * padded + (size_t)(slot % 4);
}

#endif

/// What the language kernels share besides arithmetic: how a KV cache is laid out.
#ifndef MARTLET_LANGUAGE_INTERNAL_H
#define MARTLET_LANGUAGE_INTERNAL_H

#include "language_math.h"
#include "language_variants.h"

/// Largest head, padded.
#define MARTLET_MAX_HEAD 512

/// A head's size padded to whole lanes.
static inline int32_t martlet_padded_head(int32_t head_size) { return martlet_ceil_div(head_size, 16) * 16; }

/// Elements of one head's keys (or values) in a layer's cache.
static inline size_t martlet_cache_head_elements(const martlet_cache *c) {
  return (size_t)c->capacity * (size_t)martlet_padded_head(c->head_size);
}

#endif

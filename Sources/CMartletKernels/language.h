/// What the language kernels share besides arithmetic: how a KV cache is laid out.
#ifndef MARTLET_LANGUAGE_INTERNAL_H
#define MARTLET_LANGUAGE_INTERNAL_H

#include "language_math.h"

/// Largest head, padded.
#define MARTLET_MAX_HEAD 512

/// A head's size padded to whole lanes.
static inline int32_t martlet_padded_head(int32_t head_size) { return martlet_ceil_div(head_size, 16) * 16; }

/// Elements of one head's keys (or values) in a layer's cache.
static inline size_t martlet_cache_head_elements(const martlet_cache *c) {
  return (size_t)c->capacity * (size_t)martlet_padded_head(c->head_size);
}

#define MARTLET_LANGUAGE_KERNEL(NAME, ISA) \
  void martlet_##NAME##_##ISA(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last, void *scratch)

#define MARTLET_LANGUAGE_DECLARE(ISA)           \
  MARTLET_LANGUAGE_KERNEL(norm, ISA);           \
  MARTLET_LANGUAGE_KERNEL(pack, ISA);           \
  MARTLET_LANGUAGE_KERNEL(gate, ISA);           \
  MARTLET_LANGUAGE_KERNEL(rope_table, ISA);     \
  MARTLET_LANGUAGE_KERNEL(embed, ISA);          \
  MARTLET_LANGUAGE_KERNEL(rotate, ISA);         \
  MARTLET_LANGUAGE_KERNEL(attention, ISA);
MARTLET_LANGUAGE_DECLARE(scalar)
#if defined(__x86_64__)
MARTLET_LANGUAGE_DECLARE(avx2)
#elif defined(__aarch64__)
MARTLET_LANGUAGE_DECLARE(neon)
#endif

#endif

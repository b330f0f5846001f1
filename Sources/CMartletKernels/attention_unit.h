/// One unit of attention: which rows and positions it has, and its queries.
#ifndef MARTLET_ATTENTION_UNIT_H
#define MARTLET_ATTENTION_UNIT_H

#include "attention.h"
#include "cache_quantize.h"

#define LOG2_E 1.44269504f
#define LOWEST (-3e38f)

/// One unit: rows [token][head] of queries, over the positions of one chunk.
typedef struct attention_unit {
  const martlet_attention_params *p;
  attention_work *work;
  int32_t cache_head;
  int32_t first_head, heads;
  int32_t first_token, tokens;
  /// Positions [start, end): those of the chunk that any row sees.
  int32_t start, end;
  /// The first row's part. The next token's is `token_stride` floats further, the next head's `head_stride`.
  float *parts;
  size_t token_stride, head_stride;
} attention_unit;

static attention_unit unit_at(const martlet_attention_params *p, int32_t index, attention_work *work) {
  const martlet_cache *c = &p->cache;
  const martlet_attention_grid grid = martlet_attention_grid_of(p);
  const int32_t share = p->heads / c->heads;
  attention_unit u = {.p = p, .work = work};
  u.first_token = index % grid.groups * grid.unit_tokens;
  index /= grid.groups;
  u.first_head = index % grid.parts * grid.unit_heads;
  index /= grid.parts;
  u.cache_head = index % c->heads;
  const int32_t chunk = index / c->heads, begin = (grid.first_chunk + chunk) * MARTLET_CACHE_CHUNK;
  u.tokens = martlet_min(grid.unit_tokens, p->tokens - u.first_token);
  u.heads = martlet_min(grid.unit_heads, share - u.first_head);
  u.first_head += u.cache_head * share;
  u.start = martlet_max(begin, martlet_first_seen(p->first_position + u.first_token, p->window));
  u.end = martlet_min(begin + MARTLET_CACHE_CHUNK, p->first_position + u.first_token + u.tokens);
  u.head_stride = (size_t)grid.chunks * martlet_part_stride(c);
  u.token_stride = (size_t)p->heads * u.head_stride;
  u.parts = p->partials + (size_t)u.first_token * u.token_stride + (size_t)u.first_head * u.head_stride +
            (size_t)chunk * martlet_part_stride(c);
  return u;
}

static float *part_of(const attention_unit *u, int32_t row) {
  return u->parts + (size_t)(row / u->heads) * u->token_stride + (size_t)(row % u->heads) * u->head_stride;
}

static void load_queries(const attention_unit *u) {
  const martlet_cache *c = &u->p->cache;
  const int32_t padded = martlet_padded_head(c->head_size);
  attention_work *w = u->work;
  for (int32_t r = 0, at = 0; r < u->tokens * u->heads; r++) {
    const int32_t token = u->first_token + r / u->heads, head = u->first_head + r % u->heads;
    const float *x = u->p->x + (size_t)token * (size_t)u->p->stride + (size_t)head * (size_t)c->head_size;
    if (c->type == MARTLET_CACHE_F32) {
      for (int32_t i = 0; i < c->head_size; i++) w->query.floats[r * padded + i] = x[i] * LOG2_E;
      continue;
    }
    for (int32_t i = 0; i < c->head_size; i += GROUP, at++) {
      const int32_t count = martlet_min(GROUP, c->head_size - i);
      const float scale = group_scale(x + i, count);
      w->query.sums[at] = quantize_group(x + i, count, scale, w->query.quants + r * padded + i);
      w->query.scales[at] = scale * LOG2_E;
    }
  }
}

#endif

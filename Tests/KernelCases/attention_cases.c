#include "attention_reference.h"
#include "language_context.h"

#include <math.h>

// Attention over a KV cache: every variant against the scalar one, bit for bit; the scalar one against a softmax in
// double; and bits that do not depend on how the tokens are taken together, nor on the room.

/// A layer, and a text of `tokens` rows for it. What its cache holds before them is made of `seed`.
typedef struct layer {
  int32_t heads, share, size, tokens, first_position, window, type;
  float cap;
  /// [tokens, stride]: queries, keys, values.
  float *x, *angles;
  const float *norm;
  uint64_t seed;
} layer;

static int32_t stride_of(const layer *l) { return (l->heads * l->share + 2 * l->heads) * l->size; }

static layer random_layer(martlet_case_context *context, int32_t index, bool is_spoiled) {
  martlet_random *random = &context->random;
  layer l = {.type = index % 3 == 2 ? MARTLET_CACHE_F32 : MARTLET_CACHE_INT8, .seed = martlet_random_next(random)};
  l.size = MARTLET_RANDOM_OF(random, 2, 6, 14, 16, 34, 40, 64, 80, 96, 128, 256, 512);
  const bool is_large = l.size > 64;
  l.heads = is_large ? 1 : martlet_random_in(random, 1, 3);
  l.share = is_large ? MARTLET_RANDOM_OF(random, 1, 3) : MARTLET_RANDOM_OF(random, 1, 3, 4, 9, 16);
  l.tokens = martlet_random_in(random, 1, is_large ? 5 : 20);
  l.first_position = MARTLET_RANDOM_OF(random, 0, 3, 61, 64, 130, 1010, 1023, 2050);
  l.window = MARTLET_RANDOM_OF(random, 1, 7, 64, 100, 1100, INT32_MAX, INT32_MAX);
  l.cap = index % 4 ? 0 : 20;
  const size_t count = (size_t)(l.tokens * stride_of(&l));
  l.x = random_floats(context, count, 2);
  l.angles = random_floats(context, (size_t)(l.tokens * l.size), 1);
  if (is_spoiled) spoil(context, l.x, count);
  if (index % 5 == 0) l.norm = l.angles;
  return l;
}

/// Keys and values of a position, the same in every cache.
static void fill(const layer *l, const martlet_cache *c, int32_t position) {
  const int32_t padded = martlet_padded_head(l->size), slot = position % c->capacity;
  const int32_t groups = martlet_cache_groups(l->size);
  martlet_random random = {l->seed + (uint64_t)position * 977};
  for (int32_t h = 0; h < l->heads; h++) {
    const size_t head = (size_t)(h * c->capacity) * (size_t)padded;
    for (int32_t i = 0; i < padded; i++) {
      const int32_t key = martlet_random_in(&random, -127, 127), value = martlet_random_in(&random, -127, 127);
      const int32_t key_at = slot / 16 * 16 * padded, value_at = slot / 4 * 4 * padded;
      if (l->type == MARTLET_CACHE_INT8) {
        ((int8_t *)c->keys + head)[key_at + i / 4 * 64 + slot % 16 * 4 + i % 4] = (int8_t)key;
        ((int8_t *)c->values + head)[value_at + i * 4 + slot % 4] = (int8_t)value;
      } else {
        ((float *)c->keys + head)[key_at + i * 16 + slot % 16] = (float)key / 50;
        ((float *)c->values + head)[slot * padded + i] = (float)value / 50;
      }
    }
    for (int32_t g = 0; l->type == MARTLET_CACHE_INT8 && g < groups; g++) {
      const size_t at = (size_t)(h * groups + g) * (size_t)c->capacity + (size_t)slot;
      c->key_scales[at] = (uint16_t)martlet_random_in(&random, 0x3C00, 0x3D00);
      c->value_scales[at] = (uint16_t)martlet_random_in(&random, 0x3B00, 0x3D00);
    }
  }
}

/// A cache in which the positions are that the first token sees; all else is what must not matter.
static martlet_cache filled_cache(martlet_case_context *context, const layer *l, int32_t capacity) {
  const size_t bytes = martlet_cache_bytes(l->heads, l->size, capacity, l->type);
  void *memory = martlet_case_zeros(context, bytes);
  memset(memory, MARTLET_RANDOM_OF(&context->random, 0x7F, 0xFF, 0), bytes);
  const martlet_cache cache = martlet_cache_at(memory, l->heads, l->size, capacity, l->type);
  for (int32_t p = martlet_first_seen(l->first_position, l->window); p < l->first_position; p++) fill(l, &cache, p);
  return cache;
}

static martlet_attention_params params(const layer *l, const martlet_cache *cache, const float *rows, int32_t token) {
  return (martlet_attention_params){.x = rows + token * stride_of(l),
                                    .stride = stride_of(l),
                                    .heads = l->heads * l->share,
                                    .cache = *cache,
                                    .first_position = l->first_position + token,
                                    .window = l->window,
                                    .cap = l->cap};
}

/// Tokens [first, first + count), whose keys and values are stored before: `out` [tokens, heads * size].
static void attend(martlet_case_context *context, const martlet_language_table *table, martlet_attention_params p,
                   int32_t first, int32_t count, martlet_activations out) {
  const int32_t depth = p.heads * p.cache.head_size, room = martlet_attention_room(p.first_position + count);
  p.partials = martlet_case_zeros(context, martlet_attention_partial_bytes(p.heads, p.cache.head_size, room));
  void *scratch = martlet_case_zeros(context, MARTLET_ATTENTION_SCRATCH + martlet_token_scratch_bytes(depth));
  for (int32_t done = 0; done < count; done += p.tokens) {
    p.tokens = martlet_attention_tokens(p.first_position, p.window, count - done, room);
    run_pieces(table->attention, &p, martlet_attention_units(&p), scratch);
    const martlet_merge_params merge = {.attention = p, .out = out, .first_row = first + done};
    run_pieces(table->merge, &merge, p.tokens, scratch);
    p.x += p.tokens * p.stride;
    p.first_position += p.tokens;
  }
}

/// The layer with one variant, `batch` tokens at a time: [tokens, heads * size]. `rows` become queries as attention
/// takes them.
static float *run(martlet_case_context *context, const layer *l, const martlet_language_table *table,
                  const martlet_cache *cache, int32_t batch, float **rows) {
  const int32_t stride = stride_of(l), depth = l->heads * l->share * l->size;
  *rows = martlet_case_zeros(context, (size_t)(l->tokens * stride) * sizeof(float));
  memcpy(*rows, l->x, (size_t)(l->tokens * stride) * sizeof(float));
  const martlet_activations out = activations(context, l->tokens, depth, true);
  for (int32_t t = 0; t < l->tokens; t += batch) {
    const int32_t count = l->tokens - t < batch ? l->tokens - t : batch;
    const martlet_rotate_params rotate = {.x = *rows + t * stride,
                                          .stride = stride,
                                          .heads = l->heads * l->share,
                                          .cache = *cache,
                                          .query_norm = l->norm,
                                          .key_norm = l->norm,
                                          .epsilon = 1e-6f,
                                          .cosines = l->angles + t * l->size / 2,
                                          .sines = l->angles + (l->tokens + t) * l->size / 2,
                                          .first_position = l->first_position + t,
                                          .factor = 0.3f};
    run_pieces(table->rotate, &rotate, count, NULL);
    attend(context, table, params(l, cache, *rows, t), t, count, out);
  }
  // Without what pads the rows.
  float *result = martlet_case_zeros(context, (size_t)(l->tokens * depth) * sizeof(float));
  for (int32_t t = 0; t < l->tokens; t++)
    memcpy(result + t * depth, out.values + (size_t)t * (size_t)out.stride, (size_t)depth * sizeof(float));
  return result;
}

static int32_t capacity_of(const layer *l) {
  return martlet_cache_capacity(l->first_position + l->tokens, l->window, l->tokens);
}

static bool variant_case(martlet_case_context *context, int32_t index) {
  const layer l = random_layer(context, index, index % 8 == 7);
  const martlet_cache a = filled_cache(context, &l, capacity_of(&l)), b = filled_cache(context, &l, capacity_of(&l));
  float *rows, *expected = run(context, &l, context->language_reference, &a, l.tokens, &rows);
  float *actual = run(context, &l, context->language_variant, &b, l.tokens, &rows);
  return same_floats(context, expected, actual, (size_t)(l.tokens * l.heads * l.share * l.size));
}

/// Weights in int8 tiles are rounded by at most 0.5 / 16256 of the tile's largest: 64 of them are 0.2 % of the sum.
static bool exact_case(martlet_case_context *context, int32_t index) {
  const layer l = random_layer(context, index, false);
  const martlet_cache cache = filled_cache(context, &l, capacity_of(&l));
  float *rows, *actual = run(context, &l, context->language_variant, &cache, l.tokens, &rows);
  const double bound = l.type == MARTLET_CACHE_INT8 ? 0.0025 : 0.00005;
  const int32_t heads = l.heads * l.share, wrong = context->sabotage ? l.size / 2 : -1;
  for (int32_t t = 0; t < l.tokens; t += 3) {
    const martlet_attention_params p = params(&l, &cache, rows, t);
    double expected[512];
    const int32_t head = t % heads;
    const double largest = martlet_reference_attention(&p, 0, head, expected);
    for (int32_t i = 0; i < l.size; i++) {
      const double value = (double)actual[(t * heads + head) * l.size + i] + (i == wrong ? 1 + largest : 0);
      if (!(fabs(value - expected[i]) <= bound * largest)) return false;
    }
  }
  return true;
}

/// One by one and together, in a ring and in a whole cache.
static bool equal_case(martlet_case_context *context, int32_t index) {
  layer l = random_layer(context, index, false);
  const int32_t batch = MARTLET_RANDOM_OF(&context->random, 1, 3, 16, 32, 64);
  const martlet_cache whole = filled_cache(context, &l, martlet_cache_capacity(l.first_position + 64, INT32_MAX, 1));
  const martlet_cache ring =
      filled_cache(context, &l, martlet_cache_capacity(l.first_position + l.tokens, l.window, batch));
  float *rows, *expected = run(context, &l, context->language_variant, &whole, l.tokens, &rows);
  float *actual = run(context, &l, context->language_variant, &ring, batch, &rows);
  return same_floats(context, expected, actual, (size_t)(l.tokens * l.heads * l.share * l.size));
}

const martlet_case_group martlet_attention_cases[] = {
    {"language attention", 120, variant_case},
    {"language attention, in double", 60, exact_case},
    {"language attention, batches and rings", 60, equal_case},
    {NULL, 0, NULL},
};

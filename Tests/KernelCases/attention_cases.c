#include "language_context.h"

// Attention over a KV cache: every variant against the scalar one, bit for bit; the scalar one against a softmax in
// double; and bits that do not depend on how the tokens are taken together, nor on the room.

/// A layer, and a text of `tokens` rows for it.
typedef struct layer {
  int32_t heads, share, size, tokens, first_position, window, type;
  float cap;
  /// [tokens, stride]: queries, keys, values.
  float *x, *angles;
  const float *norm;
} layer;

static int32_t stride_of(const layer *l) { return (l->heads * l->share + 2 * l->heads) * l->size; }

static layer random_layer(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  layer l = {.heads = martlet_random_in(random, 1, 3), .type = index % 2 ? MARTLET_CACHE_F32 : MARTLET_CACHE_INT8};
  l.share = MARTLET_RANDOM_OF(random, 1, 2, 3, 4, 9, 16);
  l.size = 2 * martlet_random_in(random, 1, 40);
  l.tokens = martlet_random_in(random, 1, 40);
  l.first_position = MARTLET_RANDOM_OF(random, 0, 3, 61, 64);
  l.window = index % 5 ? 200 : 7;
  l.cap = index % 4 ? 0 : 20;
  const size_t count = (size_t)(l.tokens * stride_of(&l));
  l.x = random_floats(context, count, 2);
  l.angles = random_floats(context, (size_t)(l.tokens * l.size), 1);
  if (index % 8 >= 6) spoil(context, l.x, count);
  if (index % 3 == 0) l.norm = l.angles;
  return l;
}

/// What the tokens see and what becomes of it: [tokens, heads * size].
static float *attend(martlet_case_context *context, const layer *l, const martlet_language_table *table,
                     int32_t capacity, int32_t batch) {
  const int32_t heads = l->heads * l->share, stride = stride_of(l), depth = heads * l->size;
  const int32_t room = martlet_attention_room(l->first_position + l->tokens);
  void *memory = martlet_case_zeros(context, martlet_cache_bytes(l->heads, l->size, capacity, l->type));
  const martlet_cache cache = martlet_cache_at(memory, l->heads, l->size, capacity, l->type);
  float *rows = martlet_case_zeros(context, (size_t)(l->tokens * stride) * sizeof(float));
  memcpy(rows, l->x, (size_t)(l->tokens * stride) * sizeof(float));
  void *scratch = martlet_case_zeros(context, MARTLET_ATTENTION_SCRATCH + martlet_token_scratch_bytes(depth));
  const martlet_activations out = activations(context, l->tokens, depth, true);
  float *partials = martlet_case_zeros(context, martlet_attention_partial_bytes(heads, l->size, room));
  for (int32_t t = 0; t < l->tokens; t += batch) {
    const int32_t count = l->tokens - t < batch ? l->tokens - t : batch;
    const martlet_rotate_params rotate = {.x = rows + t * stride,
                                          .stride = stride,
                                          .heads = heads,
                                          .cache = cache,
                                          .query_norm = l->norm,
                                          .key_norm = l->norm,
                                          .epsilon = 1e-6f,
                                          .cosines = l->angles + t * l->size / 2,
                                          .sines = l->angles + (l->tokens + t) * l->size / 2,
                                          .first_position = l->first_position + t,
                                          .factor = 0.3f};
    run_pieces(table->rotate, &rotate, count, scratch);
    for (int32_t done = 0; done < count;) {
      martlet_merge_params merge = {.out = out, .first_row = t + done};
      martlet_attention_params *p = &merge.attention;
      *p = (martlet_attention_params){.x = rows + (t + done) * stride,
                                      .stride = stride,
                                      .heads = heads,
                                      .cache = cache,
                                      .first_position = l->first_position + t + done,
                                      .window = l->window,
                                      .cap = l->cap,
                                      .partials = partials};
      p->tokens = martlet_attention_tokens(p->first_position, p->window, count - done, room);
      run_pieces(table->attention, p, martlet_attention_units(p), scratch);
      run_pieces(table->merge, &merge, p->tokens, scratch);
      done += p->tokens;
    }
  }
  // Without what pads the rows.
  float *result = martlet_case_zeros(context, (size_t)(l->tokens * depth) * sizeof(float));
  for (int32_t t = 0; t < l->tokens; t++)
    memcpy(result + t * depth, out.values + (size_t)t * (size_t)out.stride, (size_t)depth * sizeof(float));
  return result;
}

static bool variant_case(martlet_case_context *context, int32_t index) {
  const layer l = random_layer(context, index);
  const int32_t capacity = martlet_cache_capacity(l.first_position + l.tokens, l.window, 40);
  float *expected = attend(context, &l, context->language_reference, capacity, 40);
  float *actual = attend(context, &l, context->language_variant, capacity, 40);
  return same_floats(context, expected, actual, (size_t)(l.tokens * l.heads * l.share * l.size));
}

const martlet_case_group martlet_attention_cases[] = {
    {"language attention", 80, variant_case},
    {NULL, 0, NULL},
};

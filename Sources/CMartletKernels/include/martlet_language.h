/// The kernels of the language model: matrices in blocks of 16 rows against rows of activations, attention over a KV
/// cache, and what happens to one token between two matrices.
///
/// Each kernel has the signature of `martlet_kernel` and reads nothing but its parameter record (`buffers` is NULL).
/// Units do not depend on each other, and neither units nor bits depend on the instruction set or on the team.
/// Floating point is done in one written order, with fused multiply-add only where it is written: equal bits on every
/// processor, but for the bits of a NaN, of which only a matrix's results have one kind, 0x7FC00000.
///
/// The bounds beside the sizes are those of the format, checked where a file is loaded; with them no index that is
/// computed in int32 overflows, and whatever could is a size_t.
#ifndef MARTLET_LANGUAGE_H
#define MARTLET_LANGUAGE_H

#include "martlet_cache.h"
#include "martlet_kernels.h"

// MARK: - Matrices

typedef enum martlet_matrix_type {
  MARTLET_MATRIX_F32 = 0,
  MARTLET_MATRIX_INT8 = 1,
  MARTLET_MATRIX_INT4 = 2,
} martlet_matrix_type;

/// Columns that share a scale, of weights and of activations. A row is padded to whole groups.
#define MARTLET_GROUP 64
/// Columns of INT4 that share a multiplier and a floor.
#define MARTLET_HALF_GROUP 32

/// A matrix [rows, columns] in blocks of 16 rows; rows beyond the last are zero, and columns beyond the last too.
///
/// F32: for each column 16 floats.
/// INT8: for each group 16 scales (bfloat16), padded to 64 bytes at the end; then for each group 16 quads of 64 bytes:
/// 16 rows x 4 columns. w = scale * q.
/// INT4: 16 steps and 16 floor steps (bfloat16); then for each group 64 bytes: 16 multipliers of its first half, 16 of
/// its second, 16 floors of its first half, 16 of its second; then for each group 8 lines of 64 bytes: of 16 rows, line
/// i has quad i of the first half in the low nibbles and quad i of the second half in the high ones.
/// w = step * multiplier * nibble - floor step * floor.
typedef struct martlet_matrix {
  const uint8_t *weights;
  /// At most 2^21 and 2^19; a matrix has at most 2^42 bytes.
  int32_t rows, columns;
  int32_t type;
} martlet_matrix;

/// Groups of a row, of weights or of activations.
static inline int32_t martlet_group_count(int32_t columns) {
  return columns / MARTLET_GROUP + (columns % MARTLET_GROUP != 0);
}

/// Bytes of one block of 16 rows, a multiple of 64, and of the whole matrix.
size_t martlet_matrix_block_bytes(const martlet_matrix *matrix);
size_t martlet_matrix_bytes(const martlet_matrix *matrix);
/// One row as floats: an embedding. `row` in 0 ..< rows.
void martlet_matrix_row(const martlet_matrix *matrix, int32_t row, float *out);

/// Rows of one depth, as the next matrix wants them: floats for F32, else int8 with a scale for each group.
typedef struct martlet_activations {
  /// [tokens, stride], or NULL.
  float *values;
  /// [tokens, stride], -127...127; zero beyond the depth.
  int8_t *quants;
  /// [tokens, groups].
  float *scales;
  /// [tokens, groups, 2]: sum of each half group's quants.
  int32_t *sums;
  /// The depth padded to a multiple of 64, then a line more, so that rows do not fall on one another in the cache: at
  /// most 2^19 + 64.
  int32_t stride;
  /// At most 2^13.
  int32_t groups;
} martlet_activations;

/// out[t, r] = sum over columns of x[t, c] * w[r, c] (+ bias[r]). One unit a block of 16 rows.
///
/// Integers within a group are summed exactly; groups are added in the order of columns, in float32, by fused
/// multiply-adds (fma). With I the sum of products of weights' integers and quants, t the scale of the token's group:
/// INT8: sum = fma((float)I * scale, t, sum).
/// INT4: sum = fma((float)(multiplier0 * I0 + multiplier1 * I1), t, sum) for the group's halves 0 and 1, and below =
/// fma((float)floor, t * (float)(the half's sum of quants), below), half after half;
/// the result is sum * step - below * floor step, each product rounded.
typedef struct martlet_matmul_params {
  martlet_matrix matrix;
  martlet_activations x;
  const float *bias;
  float *out;
  /// At most 2^21, and 64.
  int32_t out_stride;
  int32_t tokens;
  /// tanh soft cap of the results; 0: none.
  float cap;
} martlet_matmul_params;

// MARK: - Between two matrices: one unit a token

/// x += norm(update) or x += update; then y = norm(x), and y as activations.
typedef struct martlet_norm_params {
  /// [tokens, size], the residual stream.
  float *x;
  /// [tokens, size], or NULL.
  const float *update;
  /// [size]: norm of the update, or NULL.
  const float *update_weight;
  /// [size], or NULL: then only x is updated.
  const float *weight;
  martlet_activations out;
  /// At most 2^16, and as a head's norm 512.
  int32_t size;
  float epsilon;
} martlet_norm_params;

/// Rows of floats as activations.
typedef struct martlet_pack_params {
  const float *x;
  /// At most 2^19.
  int32_t x_stride, size;
  martlet_activations out;
} martlet_pack_params;

typedef enum martlet_gate {
  MARTLET_GATE_SILU = 0,
  MARTLET_GATE_GELU_TANH = 1,
} martlet_gate;

/// activation(gate) * up, as activations. Gate and up lie behind each other in a row of 2 * size floats.
typedef struct martlet_gate_params {
  const float *x;
  /// At most 2^18.
  int32_t size;
  int32_t gate;
  martlet_activations out;
} martlet_gate_params;

/// cos and sin of position * frequency for each token: [tokens, half] each.
typedef struct martlet_rope_table_params {
  const float *frequencies;
  float *cosines, *sines;
  /// At most 256, and 2^20; a frequency is finite, 0 ... 16.
  int32_t half;
  int32_t first_position;
} martlet_rope_table_params;

/// Embedding rows times a factor into x: [tokens, columns].
typedef struct martlet_embed_params {
  martlet_matrix matrix;
  const int32_t *ids;
  float *x;
  float factor;
} martlet_embed_params;

// MARK: - Attention

/// Splits a token's row of queries, keys and values; norms and rotates; stores keys and values in the cache; leaves the
/// rotated queries times `factor` in place. One unit a token.
typedef struct martlet_rotate_params {
  /// [tokens, stride]: queries, keys, values.
  float *x;
  /// At most 3 * 2^19, and 1024.
  int32_t stride;
  int32_t heads;
  martlet_cache cache;
  const float *query_norm, *key_norm;
  float epsilon;
  const float *cosines, *sines;
  int32_t first_position;
  float factor;
} martlet_rotate_params;

/// softmax(q k^T) v, in the way of Flash-Attention and Flash-Decoding (Dao et al., 2022, 2023): for each chunk of
/// positions a part with the largest score, the sum of the weights and the weighted values, which `merge` brings
/// together. Positions are taken in tiles; where a tile lies depends on its positions alone, so that a token's bits do
/// not depend on the tokens beside it, nor on the capacity.
///
/// INT8: the query is quantized in groups as the keys are. A score is, group after group,
/// fma((float)integer * key_scale, query_scale, score), times log2(e), which the query's scale holds. With m the
/// largest score of the tile, e = 2^(score - m) goes into the sum. For each group of elements the weights e *
/// value_scale of a tile become integers of 0...16256, relative to the tile's largest value_scale; their products with
/// the values are exact integers, and join what the tiles before left, fma((float)integer, scale, values * correction).
/// F32: the same in float, element after element and position after position.
typedef struct martlet_attention_params {
  /// [tokens, stride]: rotated queries, in front of each row.
  const float *x;
  /// At most 3 * 2^19, and 1024, a multiple of the cache's heads.
  int32_t stride;
  int32_t heads;
  martlet_cache cache;
  /// At most 2^20 - 1.
  int32_t first_position;
  /// At most martlet_attention_tokens.
  int32_t tokens;
  /// Positions that a token sees, its own included; at most the cache's capacity - tokens stored with it + 1.
  int32_t window;
  /// tanh soft cap of the scores; 0: none.
  float cap;
  /// martlet_attention_partial_bytes: [tokens, heads, chunks, padded head + 16], values, then largest score and sum.
  float *partials;
} martlet_attention_params;

/// The parts of a token to its row of heads * head_size, and that to activations. One unit a token.
typedef struct martlet_merge_params {
  martlet_attention_params attention;
  martlet_activations out;
  /// Of `out`, for the first of these tokens.
  int32_t first_row;
} martlet_merge_params;

/// Rows of queries, of all heads and tokens that share a key-value head, that are attended to together, at most.
#define MARTLET_ATTENTION_ROWS 16

/// How the work is cut: units [chunks, key-value heads, parts of the query heads of one, groups of tokens]. A unit has
/// at most 2^21 multiply-adds.
typedef struct martlet_attention_grid {
  int32_t first_chunk, chunks;
  /// Query heads of a unit, and how many such there are to a key-value head.
  int32_t unit_heads, parts;
  /// Tokens of a unit, and how many such there are.
  int32_t unit_tokens, groups;
} martlet_attention_grid;

static inline int32_t martlet_first_seen(int32_t position, int32_t window) {
  return position < window ? 0 : position - window + 1;
}

/// Chunks that `tokens` at `first_position` and behind it see.
static inline int32_t martlet_attention_chunks(int32_t first_position, int32_t window, int32_t tokens) {
  return (first_position + tokens - 1) / MARTLET_CACHE_CHUNK -
         martlet_first_seen(first_position, window) / MARTLET_CACHE_CHUNK + 1;
}

static inline martlet_attention_grid martlet_attention_grid_of(const martlet_attention_params *p) {
  martlet_attention_grid grid;
  const int32_t share = p->heads / p->cache.heads, fitting = 1024 / martlet_padded_head(p->cache.head_size);
  const int32_t rows = fitting < MARTLET_ATTENTION_ROWS ? fitting : MARTLET_ATTENTION_ROWS;
  grid.first_chunk = martlet_first_seen(p->first_position, p->window) / MARTLET_CACHE_CHUNK;
  grid.chunks = martlet_attention_chunks(p->first_position, p->window, p->tokens);
  grid.parts = (share + rows - 1) / rows;
  grid.unit_heads = (share + grid.parts - 1) / grid.parts;
  grid.unit_tokens = rows / grid.unit_heads;
  grid.groups = (p->tokens + grid.unit_tokens - 1) / grid.unit_tokens;
  return grid;
}

static inline int32_t martlet_attention_units(const martlet_attention_params *p) {
  const martlet_attention_grid grid = martlet_attention_grid_of(p);
  return grid.chunks * p->cache.heads * grid.parts * grid.groups;
}

/// Parts of a head's softmax, one for each token and chunk, that an engine for `positions` has room for.
static inline int32_t martlet_attention_room(int32_t positions) {
  const int32_t parts = 8 * ((positions + MARTLET_CACHE_CHUNK - 1) / MARTLET_CACHE_CHUNK);
  return parts < 32 ? 32 : parts;
}

/// Bytes of the partials: a multiple of 64, at most 2^36.
static inline size_t martlet_attention_partial_bytes(int32_t heads, int32_t head_size, int32_t room) {
  return (size_t)room * (size_t)heads * (size_t)(martlet_padded_head(head_size) + 16) * sizeof(float);
}

/// How many of the `left` tokens (> 0) at `first_position` one call of attention may take: at least one, and no less
/// than 8. Bits do not depend on it.
static inline int32_t martlet_attention_tokens(int32_t first_position, int32_t window, int32_t left, int32_t room) {
  const int32_t fitting = room / martlet_attention_chunks(first_position, window, left);
  return left < fitting ? left : fitting;
}

/// Scratch of one thread for attention.
#define MARTLET_ATTENTION_SCRATCH 16384
/// Scratch of one thread for norms, gates and merges of rows of `size`: at most 2^21 + 64 bytes.
static inline size_t martlet_token_scratch_bytes(int32_t size) { return (size_t)size * sizeof(float) + 64; }

// MARK: - Dispatch

/// The kernels of a language model, a row each: KERNEL(name, variants). The parameter record is martlet_name_params;
/// `variants` is as in a row of the operators.
#define MARTLET_LANGUAGE_KERNELS(KERNEL) \
  KERNEL(matmul, EVERY)                  \
  KERNEL(norm, WIDE)                     \
  KERNEL(pack, WIDE)                     \
  KERNEL(gate, WIDE)                     \
  KERNEL(rope_table, VECTOR)             \
  KERNEL(embed, VECTOR)                  \
  KERNEL(rotate, VECTOR)                 \
  KERNEL(attention, EVERY)               \
  KERNEL(merge, VECTOR)

/// One variant of every kernel.
typedef struct martlet_language_table {
#define MARTLET_ENTRY(NAME, ...) martlet_kernel NAME;
  MARTLET_LANGUAGE_KERNELS(MARTLET_ENTRY)
#undef MARTLET_ENTRY
} martlet_language_table;

/// The table of an instruction set, or NULL where this build or this processor does not have it.
const martlet_language_table *martlet_language_for(martlet_isa isa);

/// exp(x) as the kernels compute it, for the sampler; a * b + c as scalar kernels round it once, for tests.
float martlet_exp(float x);
float martlet_fused(float a, float b, float c);

#endif

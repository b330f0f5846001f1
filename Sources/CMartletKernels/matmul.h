/// What the variants of the matrix product share: where a block's parts lie, and the walk over blocks and tokens.
#ifndef MARTLET_MATMUL_H
#define MARTLET_MATMUL_H

#include "language_variants.h"

/// Tokens that a tile multiplies with one block of weights, at most.
#define MARTLET_TILE 64

/// How many bytes ahead a single token's weights are asked for: further than the processor's own prefetcher looks,
/// which ends with the page. Past the end it is ignored. Measured on Zen 1: a quarter more tokens per second;
/// processors with VNNI are better without.
#define MARTLET_MATMUL_AHEAD 4096

/// Where the parts of a quantized matrix's block are.
typedef struct matmul_shape {
  int32_t groups;
  /// Where weights begin: scales, or steps, multipliers and floors, lie in front of them.
  size_t head_bytes;
  /// Weights of a group.
  size_t group_bytes;
} matmul_shape;

static inline matmul_shape martlet_matmul_shape(const martlet_matrix *m) {
  const bool is_int4 = m->type == MARTLET_MATRIX_INT4;
  const int32_t groups = martlet_group_count(m->columns);
  return (matmul_shape){.groups = groups,
                        .head_bytes = is_int4 ? 64 + (size_t)groups * 64 : ((size_t)groups * 32 + 63) / 64 * 64,
                        .group_bytes = is_int4 ? 512 : 1024};
}

/// A bfloat16 is the upper half of a float.
static inline float martlet_bfloat(const uint8_t *at) {
  uint16_t half;
  memcpy(&half, at, 2);
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

/// Results of tokens [token, token + tokens) with one block: out[t][16].
typedef void (*matmul_tile)(const martlet_matmul_params *p, const matmul_shape *shape, const uint8_t *block,
                            int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);

/// What follows the sums of block `block`: bias, one kind of NaN; into p->out.
typedef void (*matmul_finish)(const martlet_matmul_params *p, int32_t block, int32_t token, int32_t tokens,
                              float out[MARTLET_TILE][16]);

typedef struct matmul_variant {
  /// By martlet_matrix_type: a tile takes any number of tokens up to its most.
  matmul_tile tile[3];
  int32_t most[3];
  /// Of results without a cap; NULL: the general one.
  matmul_finish finish;
} matmul_variant;

/// Every variant's walk: blocks [first, last), all tokens.
void martlet_matmul_drive(const martlet_matmul_params *p, int32_t first, int32_t last, const matmul_variant *variant);

/// The general one, caps included.
void martlet_matmul_finish(const martlet_matmul_params *p, int32_t block, int32_t token, int32_t tokens,
                           float sums[MARTLET_TILE][16]);

/// Between two runs of groups a block's sums lie where its results will: there, or from there.
void martlet_matmul_move(const martlet_matmul_params *p, int32_t block, bool is_out, float sums[MARTLET_TILE][16]);

/// Asks for `bytes` from a multiple of 64 on.
static inline void martlet_matmul_ask(const uint8_t *at, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(at + i);
}

void martlet_matmul_tile_f32(const martlet_matmul_params *p, const matmul_shape *shape, const uint8_t *block,
                             int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);

#endif

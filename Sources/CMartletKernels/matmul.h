/// What the variants of the matrix product share: where a block's parts lie, and the walk over blocks and tokens.
#ifndef MARTLET_MATMUL_H
#define MARTLET_MATMUL_H

#include "language_variants.h"

/// Tokens that a tile multiplies with one block of weights.
#define MARTLET_TILE 4

/// How many bytes ahead a single token's weights are asked for: further than the processor's own prefetcher looks,
/// which ends with the page. Past the end it is ignored. Measured on Zen 1: a quarter more tokens per second;
/// processors with VNNI are better without.
#define MARTLET_MATMUL_AHEAD 4096

/// How the depth of a quantized matrix is cut.
typedef struct matmul_shape {
  int32_t groups;
  /// Quads of a full group, and of the last one.
  int32_t quads, last_quads;
  int32_t scale_bytes;
} matmul_shape;

static inline matmul_shape martlet_matmul_shape(const martlet_matrix *m) {
  // int4 stores quads in pairs.
  const int32_t unit = m->type == MARTLET_MATRIX_INT4 ? 8 : 4;
  matmul_shape s;
  s.groups = martlet_ceil_div(m->columns, m->group);
  s.quads = m->group / 4;
  s.last_quads = martlet_ceil_div(m->columns - (s.groups - 1) * m->group, unit) * (unit / 4);
  s.scale_bytes = martlet_ceil_div(s.groups * 32, 64) * 64;
  return s;
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

/// Results of tokens [token, token + tokens) with one block: out[t][16]. `tokens` is 1, 2 or MARTLET_TILE.
typedef void (*matmul_tile)(const martlet_matmul_params *p, const matmul_shape *shape, const uint8_t *block,
                            int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);

typedef struct matmul_variant {
  /// By martlet_matrix_type.
  matmul_tile tile[3];
} matmul_variant;

/// Every variant's walk: blocks [first, last), all tokens.
void martlet_matmul_drive(const martlet_matmul_params *p, int32_t first, int32_t last, const matmul_variant *variant);

void martlet_matmul_tile_f32(const martlet_matmul_params *p, const matmul_shape *shape, const uint8_t *block,
                             int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);

#endif

#include "language_math.h"
#include "matmul.h"

// The scalar variant is the specification: what a group is, in which order floats are added.

MARTLET_SMALL_BEGIN
size_t martlet_matrix_block_bytes(const martlet_matrix *m) {
  if (m->type == MARTLET_MATRIX_F32) return (size_t)m->columns * 64;
  const matmul_shape s = martlet_matmul_shape(m);
  const size_t quads = (size_t)(s.groups - 1) * (size_t)s.quads + (size_t)s.last_quads;
  return (size_t)s.scale_bytes + quads * (m->type == MARTLET_MATRIX_INT4 ? 32 : 64);
}

size_t martlet_matrix_bytes(const martlet_matrix *m) {
  return martlet_matrix_block_bytes(m) * (size_t)martlet_ceil_div(m->rows, 16);
}

void martlet_matrix_row(const martlet_matrix *m, int32_t row, float *out) {
  const uint8_t *block = m->weights + (size_t)(row / 16) * martlet_matrix_block_bytes(m);
  const int32_t lane = row % 16;
  if (m->type == MARTLET_MATRIX_F32) {
    for (int32_t c = 0; c < m->columns; c++) memcpy(out + c, block + (size_t)c * 64 + lane * 4, 4);
    return;
  }
  const matmul_shape s = martlet_matmul_shape(m);
  const uint8_t *at = block + s.scale_bytes;
  for (int32_t g = 0, c = 0; g < s.groups; g++) {
    const float scale = martlet_bfloat(block + g * 32 + lane * 2);
    const int32_t quads = g == s.groups - 1 ? s.last_quads : s.quads;
    for (int32_t i = 0; i < quads * 4 && c < m->columns; i++, c++) {
      int32_t quad = i / 4, q;
      if (m->type == MARTLET_MATRIX_INT8) {
        q = (int8_t)at[quad * 64 + lane * 4 + i % 4];
      } else {
        const int32_t pair = quads / 2;
        const uint8_t byte = at[quad % pair * 64 + lane * 4 + i % 4];
        q = (quad < pair ? byte & 15 : byte >> 4) - 8;
      }
      out[c] = scale * (float)q;
    }
    at += (size_t)quads * (m->type == MARTLET_MATRIX_INT4 ? 32 : 64);
  }
}

/// Sums of products of one group, for 16 rows.
static void dot_int8(const uint8_t *w, const int8_t *x, int32_t quads, int32_t sums[16]) {
  for (int32_t q = 0; q < quads; q++)
    for (int32_t r = 0; r < 16; r++)
      for (int32_t k = 0; k < 4; k++) sums[r] += (int8_t)w[q * 64 + r * 4 + k] * x[q * 4 + k];
}

static void dot_int4(const uint8_t *w, const int8_t *x, int32_t quads, int32_t sums[16]) {
  const int32_t pairs = quads / 2;
  for (int32_t q = 0; q < pairs; q++)
    for (int32_t r = 0; r < 16; r++)
      for (int32_t k = 0; k < 4; k++) {
        const uint8_t byte = w[q * 64 + r * 4 + k];
        sums[r] += ((byte & 15) - 8) * x[q * 4 + k] + ((byte >> 4) - 8) * x[(pairs + q) * 4 + k];
      }
}

static void tile_quantized(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                           int32_t tokens, float out[MARTLET_TILE][16]) {
  const bool is_int4 = p->matrix.type == MARTLET_MATRIX_INT4;
  for (int32_t t = 0; t < tokens; t++) {
    const int8_t *x = p->x.quants + (size_t)(token + t) * (size_t)p->x.stride;
    const float *scales = p->x.scales + (size_t)(token + t) * (size_t)s->groups;
    const uint8_t *w = block + s->scale_bytes;
    for (int32_t r = 0; r < 16; r++) out[t][r] = 0;
    for (int32_t g = 0; g < s->groups; g++, x += p->matrix.group) {
      const int32_t quads = g == s->groups - 1 ? s->last_quads : s->quads;
      int32_t sums[16] = {0};
      (is_int4 ? dot_int4 : dot_int8)(w, x, quads, sums);
      for (int32_t r = 0; r < 16; r++) out[t][r] += (float)sums[r] * martlet_bfloat(block + g * 32 + r * 2) * scales[g];
      w += (size_t)quads * (is_int4 ? 32 : 64);
    }
  }
}

MARTLET_SMALL_END

/// Columns c with c % 4 == i go to sum i; the four are added as (0 + 1) + (2 + 3).
void martlet_matmul_tile_f32(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                             int32_t tokens, float out[MARTLET_TILE][16]) {
  (void)s;
  const float *w = (const float *)block;
  for (int32_t t = 0; t < tokens; t++) {
    const float *x = p->x.values + (size_t)(token + t) * (size_t)p->x.stride;
    vf sums[4] = {{0}, {0}, {0}, {0}};
    for (int32_t c = 0; c < p->matrix.columns; c++) {
      vf weights;
      if (tokens == 1) __builtin_prefetch((const uint8_t *)(w + (size_t)c * 16) + MARTLET_MATMUL_AHEAD);
      load_lanes(&weights, w + (size_t)c * 16);
      sums[c % 4] += weights * x[c];
    }
    vf sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    store_lanes(out[t], &sum);
  }
}

void martlet_matmul_drive(const martlet_matmul_params *p, int32_t first, int32_t last, const matmul_variant *variant) {
  const matmul_shape shape = martlet_matmul_shape(&p->matrix);
  const size_t block_bytes = martlet_matrix_block_bytes(&p->matrix);
  const matmul_tile tile = variant->tile[p->matrix.type];
  for (int32_t b = first; b < last; b++) {
    const uint8_t *block = p->matrix.weights + (size_t)b * block_bytes;
    const int32_t rows = martlet_min(16, p->matrix.rows - b * 16);
    // A single token waits for memory. Scales that are read between the weights are a second stream, which the
    // processor's prefetcher does not follow: asked for first, all of the block comes in one row. Measured on Zen 4:
    // int4 from 8 to 21 GB/s.
    if (p->tokens == 1)
      for (int32_t i = 0; i < shape.scale_bytes; i += 64) __builtin_prefetch(block + i);
    for (int32_t t = 0, tokens; t < p->tokens; t += tokens) {
      // Three are two and one: the block is in the first cache by then, and variants are short of a case.
      const int32_t left = p->tokens - t;
      tokens = left >= MARTLET_TILE ? MARTLET_TILE : left == 3 ? 2 : left;
      float out[MARTLET_TILE][16];
      tile(p, &shape, block, t, tokens, out);
      for (int32_t i = 0; i < tokens; i++) {
        vf v;
        load_lanes(&v, out[i]);
        if (p->bias) {
          vf bias;
          load_some(&bias, p->bias + b * 16, rows);
          v += bias;
        }
        if (p->cap > 0) cap_lanes(&v, p->cap);
        canonical_lanes(&v);
        store_some(p->out + (size_t)(t + i) * (size_t)p->out_stride + b * 16, &v, rows);
      }
    }
  }
}

MARTLET_KERNEL(matmul, scalar, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_quantized, tile_quantized}};
  martlet_matmul_drive(p, first, last, &variant);
}

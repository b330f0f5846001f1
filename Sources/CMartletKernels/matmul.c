#include "language_math.h"
#include "matmul.h"

// The scalar variant is the specification: in which order floats are added.

MARTLET_SMALL_BEGIN
size_t martlet_matrix_block_bytes(const martlet_matrix *m) {
  if (m->type == MARTLET_MATRIX_F32) return (size_t)m->columns * 64;
  const matmul_shape s = martlet_matmul_shape(m);
  return s.head_bytes + (size_t)s.groups * s.group_bytes;
}

size_t martlet_matrix_bytes(const martlet_matrix *m) {
  return martlet_matrix_block_bytes(m) * (size_t)martlet_ceil_div(m->rows, 16);
}

/// The integer of a row (0...15) in column `c` of an INT4 group.
static int32_t nibble(const uint8_t *group, int32_t row, int32_t c) {
  const uint8_t byte = group[c % MARTLET_HALF_GROUP / 4 * 64 + row * 4 + c % 4];
  return c < MARTLET_HALF_GROUP ? byte & 15 : byte >> 4;
}

void martlet_matrix_row(const martlet_matrix *m, int32_t row, float *out) {
  const uint8_t *block = m->weights + (size_t)(row / 16) * martlet_matrix_block_bytes(m);
  const int32_t lane = row % 16;
  if (m->type == MARTLET_MATRIX_F32) {
    for (int32_t c = 0; c < m->columns; c++) memcpy(out + c, block + (size_t)c * 64 + lane * 4, 4);
    return;
  }
  const matmul_shape s = martlet_matmul_shape(m);
  for (int32_t c = 0; c < m->columns; c++) {
    const int32_t g = c / MARTLET_GROUP, i = c % MARTLET_GROUP;
    const uint8_t *group = block + s.head_bytes + (size_t)g * s.group_bytes;
    if (m->type == MARTLET_MATRIX_INT8) {
      out[c] = martlet_bfloat(block + g * 32 + lane * 2) * (float)(int8_t)group[i / 4 * 64 + lane * 4 + i % 4];
    } else {
      const uint8_t *levels = block + 64 + (size_t)g * 64 + i / MARTLET_HALF_GROUP * 16 + lane;
      const float step = martlet_bfloat(block + lane * 2), floor_step = martlet_bfloat(block + 32 + lane * 2);
      out[c] = step * (float)(levels[0] * nibble(group, lane, i)) - floor_step * (float)levels[32];
    }
  }
}

/// Sum of products of a row's weights in one group with the quants.
static int32_t dot_int8(const uint8_t *group, const int8_t *x, int32_t row) {
  int32_t sum = 0;
  for (int32_t c = 0; c < MARTLET_GROUP; c++) sum += (int8_t)group[c / 4 * 64 + row * 4 + c % 4] * x[c];
  return sum;
}

static int32_t dot_int4(const uint8_t *group, const int8_t *x, int32_t row, int32_t half) {
  int32_t sum = 0;
  for (int32_t c = half * MARTLET_HALF_GROUP, end = c + MARTLET_HALF_GROUP; c < end; c++)
    sum += nibble(group, row, c) * x[c];
  return sum;
}

static void tile_int8(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  for (int32_t t = 0; t < tokens; t++) {
    const int8_t *x = p->x.quants + (size_t)(token + t) * (size_t)p->x.stride;
    const float *scales = p->x.scales + (size_t)(token + t) * (size_t)s->groups;
    for (int32_t r = 0; r < 16; r++) {
      float sum = 0;
      for (int32_t g = 0; g < s->groups; g++) {
        const int32_t dot = dot_int8(block + s->head_bytes + (size_t)g * s->group_bytes, x + g * MARTLET_GROUP, r);
        sum = martlet_fma((float)dot * martlet_bfloat(block + g * 32 + r * 2), scales[g], sum);
      }
      out[t][r] = sum;
    }
  }
}

static void tile_int4(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block, int32_t token,
                      int32_t tokens, float out[MARTLET_TILE][16]) {
  for (int32_t t = 0; t < tokens; t++) {
    const int8_t *x = p->x.quants + (size_t)(token + t) * (size_t)p->x.stride;
    const float *scales = p->x.scales + (size_t)(token + t) * (size_t)s->groups;
    const int32_t *sums = p->x.sums + (size_t)(token + t) * (size_t)s->groups * 2;
    for (int32_t r = 0; r < 16; r++) {
      float sum = 0, below = 0;
      for (int32_t g = 0; g < s->groups; g++) {
        const uint8_t *group = block + s->head_bytes + (size_t)g * s->group_bytes;
        const uint8_t *levels = block + 64 + g * 64 + r;
        int32_t dot = 0;
        for (int32_t half = 0; half < 2; half++) {
          dot += levels[half * 16] * dot_int4(group, x + g * MARTLET_GROUP, r, half);
          below = martlet_fma((float)levels[32 + half * 16], scales[g] * (float)sums[g * 2 + half], below);
        }
        sum = martlet_fma((float)dot, scales[g], sum);
      }
      out[t][r] = sum * martlet_bfloat(block + r * 2) - below * martlet_bfloat(block + 32 + r * 2);
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

void martlet_matmul_finish(const martlet_matmul_params *p, int32_t b, int32_t token, int32_t tokens,
                           float sums[MARTLET_TILE][16]) {
  const int32_t rows = martlet_min(16, p->matrix.rows - b * 16);
  for (int32_t i = 0; i < tokens; i++) {
    vf v;
    load_lanes(&v, sums[i]);
    if (p->bias) {
      vf bias;
      load_some(&bias, p->bias + b * 16, rows);
      v += bias;
    }
    if (p->cap > 0) cap_lanes(&v, p->cap);
    canonical_lanes(&v);
    store_some(p->out + (size_t)(token + i) * (size_t)p->out_stride + b * 16, &v, rows);
  }
}

void martlet_matmul_move(const martlet_matmul_params *p, int32_t block, bool is_out, float sums[MARTLET_TILE][16]) {
  const size_t bytes = (size_t)martlet_min(16, p->matrix.rows - block * 16) * sizeof(float);
  for (int32_t t = 0; t < p->tokens; t++) {
    float *out = p->out + (size_t)t * (size_t)p->out_stride + block * 16;
    if (is_out) memcpy(out, sums[t], bytes);
    else memcpy(sums[t], out, bytes);
  }
}

void martlet_matmul_drive(const martlet_matmul_params *p, int32_t first, int32_t last, const matmul_variant *variant) {
  const matmul_shape shape = martlet_matmul_shape(&p->matrix);
  const size_t block_bytes = martlet_matrix_block_bytes(&p->matrix);
  const matmul_tile tile = variant->tile[p->matrix.type];
  const matmul_finish end = variant->finish && !(p->cap > 0) ? variant->finish : martlet_matmul_finish;
  for (int32_t b = first; b < last; b++) {
    const uint8_t *block = p->matrix.weights + (size_t)b * block_bytes;
    // A single token waits for memory. Scales that are read between the weights are a second stream, which the
    // processor's prefetcher does not follow: asked for first, all of the block comes in one row. Measured on Zen 4:
    // int4 from 8 to 21 GB/s.
    if (p->tokens == 1) martlet_matmul_ask(block, shape.head_bytes);
    for (int32_t t = 0, tokens; t < p->tokens; t += tokens) {
      tokens = martlet_min(variant->most[p->matrix.type], p->tokens - t);
      float out[MARTLET_TILE][16];
      tile(p, &shape, block, t, tokens, out);
      end(p, b, t, tokens, out);
    }
  }
}

MARTLET_KERNEL(matmul, scalar, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8, tile_int4}, .most = {4, 4, 4}};
  martlet_matmul_drive(p, first, last, &variant);
}

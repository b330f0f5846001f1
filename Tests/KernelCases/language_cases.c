#include "language_context.h"

#include <math.h>
#include <string.h>

// Every language kernel against its scalar form, bit for bit.

static bool matmul_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  // Now and then more groups than a variant lays out at a time, or up to as many tokens as there are.
  const bool is_long = index % 11 == 10;
  const int32_t tokens = index % 5 == 4 ? martlet_random_in(random, 34, 64) : martlet_random_in(random, 1, 33);
  const int32_t columns = is_long ? martlet_random_in(random, 700, 1700) : martlet_random_in(random, 1, 300);
  martlet_matrix m = {.rows = martlet_random_in(random, 1, is_long ? 20 : 70), .columns = columns, .type = index % 3};
  // The largest products and sums: weights of -128 too, which no file of ours has.
  const bool is_extreme = index % 7 == 6;
  const size_t bytes = martlet_matrix_bytes(&m);
  uint8_t *weights = (uint8_t *)martlet_case_bytes(context, bytes);
  if (m.type == MARTLET_MATRIX_F32) {
    for (size_t i = 0; i < bytes / 4; i++) ((float *)weights)[i] = random_float(random, 2);
  } else {
    // Scales and steps of about 1: the upper halves of floats.
    const size_t block = martlet_matrix_block_bytes(&m);
    const int32_t scales = m.type == MARTLET_MATRIX_INT8 ? martlet_group_count(columns) * 16 : 32;
    for (size_t b = 0; b < bytes / block; b++)
      for (int32_t i = 0; i < scales; i++) weights[b * block + (size_t)i * 2 + 1] = 0x3F;
    for (size_t b = 0; b < bytes / block && is_extreme; b++)
      for (size_t i = (size_t)scales * 2; i < block; i++) {
        static const uint8_t extremes[] = {0x80, 0x7F, 0xFF, 0x81};
        weights[b * block + i] = extremes[index % 13 < 9 ? index % 4 : martlet_random_in(random, 0, 3)];
      }
    // A scale that is a NaN, an infinity or the other infinity.
    static const uint8_t odd[] = {0xC0, 0x7F, 0x80, 0x7F, 0x80, 0xFF};
    if (index % 4 == 3)
      for (size_t b = 0; b < bytes / block; b++) memcpy(weights + b * block + b % 16 * 2, odd + b % 3 * 2, 2);
  }
  m.weights = weights;
  if (index % 4 == 3 && m.type == MARTLET_MATRIX_F32) spoil(context, (float *)weights, bytes / 4);
  martlet_activations x = activations(context, tokens, columns, m.type == MARTLET_MATRIX_F32);
  float *rows = random_floats(context, (size_t)(tokens * columns), index % 7 ? 3 : 1e-35f);
  // Each quant is 127 or -127, now and then of one sign.
  for (size_t i = 0; i < (size_t)(tokens * columns) && is_extreme; i++)
    rows[i] = index % 3 ? copysignf(3, rows[i]) : (index & 2) ? 3 : -3;
  if (index % 8 == 7) spoil(context, rows, (size_t)(tokens * columns));
  const martlet_pack_params pack = {.x = rows, .x_stride = columns, .size = columns, .out = x};
  context->language_reference->pack(&pack, NULL, 0, tokens, NULL);
  const int32_t blocks = (m.rows + 15) / 16, stride = m.rows + 3;
  const size_t out_bytes = (size_t)(tokens * stride) * sizeof(float);
  martlet_matmul_params p = {.matrix = m, .x = x, .tokens = tokens, .out_stride = stride, .cap = index % 5 ? 0 : 30};
  if (index % 2) {
    float *bias = random_floats(context, (size_t)m.rows, 1);
    if (index % 16 == 15) spoil(context, bias, (size_t)m.rows);
    p.bias = bias;
  }
  float *expected = p.out = martlet_case_zeros(context, out_bytes);
  context->language_reference->matmul(&p, NULL, 0, blocks, NULL);
  float *actual = p.out = martlet_case_zeros(context, out_bytes);
  run_pieces(context->language_variant->matmul, &p, blocks, NULL);
  return has_one_nan(actual, out_bytes / 4) && equal(context, expected, actual, out_bytes);
}

/// A row of the matrix times an activation that is 1 in one place: the row's own value comes back.
static bool row_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  martlet_matrix m = {.rows = 19, .columns = martlet_random_in(random, 1, 150), .type = index % 3};
  const size_t bytes = martlet_matrix_bytes(&m);
  uint8_t *weights = (uint8_t *)martlet_case_bytes(context, bytes);
  if (m.type == MARTLET_MATRIX_F32) {
    for (size_t i = 0; i < bytes / 4; i++) ((float *)weights)[i] = random_float(random, 2);
  } else {
    const size_t block = martlet_matrix_block_bytes(&m);
    const int32_t scales = m.type == MARTLET_MATRIX_INT8 ? martlet_group_count(m.columns) * 16 : 32;
    for (size_t b = 0; b < bytes / block; b++)
      for (int32_t i = 0; i < scales; i++) {
        weights[b * block + (size_t)i * 2] = 0;
        weights[b * block + (size_t)i * 2 + 1] = 0x3F;  // 0.5
      }
  }
  m.weights = weights;
  const int32_t column = martlet_random_in(random, 0, m.columns - 1), row = martlet_random_in(random, 0, m.rows - 1);
  martlet_activations x = activations(context, 1, m.columns, m.type == MARTLET_MATRIX_F32);
  float *one = martlet_case_zeros(context, (size_t)m.columns * sizeof(float));
  one[column] = 127;
  const martlet_pack_params pack = {.x = one, .x_stride = m.columns, .size = m.columns, .out = x};
  context->language_variant->pack(&pack, NULL, 0, 1, NULL);
  float out[19], *values = martlet_case_zeros(context, (size_t)m.columns * sizeof(float));
  const martlet_matmul_params p = {.matrix = m, .x = x, .tokens = 1, .out_stride = 19, .out = out};
  context->language_variant->matmul(&p, NULL, 0, 2, NULL);
  martlet_matrix_row(&m, row, values);
  float expected = 127 * values[column];
  return equal(context, &expected, &out[row], sizeof expected);
}

static bool norm_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t tokens = martlet_random_in(random, 1, 5), size = martlet_random_in(random, 1, 200);
  const size_t count = (size_t)(tokens * size);
  float *start = random_floats(context, count, 4), *scratch = martlet_case_zeros(context, (size_t)size * 4 + 64);
  martlet_norm_params p = {.size = size, .epsilon = 1e-5f};
  if (index % 3) p.update = random_floats(context, count, 1);
  if (index % 3 == 2) p.update_weight = random_floats(context, (size_t)size, 1);
  if (index % 7) p.weight = random_floats(context, (size_t)size, 1);
  if (index % 8 == 7) spoil(context, start, count);
  if (index % 16 == 3 && p.weight) spoil(context, (float *)p.weight, (size_t)size);
  float *x[2];
  martlet_activations out[2];
  for (int i = 0; i < 2; i++) {
    p.x = x[i] = martlet_case_zeros(context, count * sizeof(float));
    memcpy(x[i], start, count * sizeof(float));
    p.out = out[i] = activations(context, tokens, size, index % 2);
    run_pieces((i ? context->language_variant : context->language_reference)->norm, &p, tokens, scratch);
  }
  const size_t scales = (size_t)(tokens * out[0].groups);
  if (!same_floats(context, x[0], x[1], count)) return false;
  return memcmp(out[0].quants, out[1].quants, (size_t)(tokens * out[0].stride)) == 0 &&
         memcmp(out[0].scales, out[1].scales, scales * 4) == 0 && memcmp(out[0].sums, out[1].sums, scales * 8) == 0;
}

static bool gate_case(martlet_case_context *context, int32_t index) {
  martlet_random *random = &context->random;
  const int32_t tokens = martlet_random_in(random, 1, 4), size = martlet_random_in(random, 1, 200);
  float *scratch = martlet_case_zeros(context, (size_t)size * 4 + 64);
  float *x = random_floats(context, (size_t)(tokens * 2 * size), index % 4 ? 6 : 200);
  if (index % 5 == 4) spoil(context, x, (size_t)(tokens * 2 * size));
  martlet_gate_params p = {.x = x, .size = size, .gate = index % 2};
  martlet_activations out[2];
  for (int i = 0; i < 2; i++) {
    p.out = out[i] = activations(context, tokens, size, index % 3 != 0);
    run_pieces((i ? context->language_variant : context->language_reference)->gate, &p, tokens, scratch);
  }
  const size_t count = (size_t)(tokens * out[0].stride);
  if (out[0].values) return same_floats(context, out[0].values, out[1].values, count);
  const size_t scales = (size_t)(tokens * out[0].groups) * sizeof(float);
  return equal(context, out[0].quants, out[1].quants, count) && memcmp(out[0].scales, out[1].scales, scales) == 0;
}

const martlet_case_group martlet_language_cases[] = {
    {"language matmul", 240, matmul_case},
    {"language matrix row", 60, row_case},
    {"language norm", 60, norm_case},
    {"language gate", 40, gate_case},
    {NULL, 0, NULL},
};

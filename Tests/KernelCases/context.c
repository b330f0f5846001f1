#include "context.h"

#include <stdlib.h>
#include <string.h>

// SplitMix64.
uint64_t martlet_random_next(martlet_random *random) {
  uint64_t z = random->state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

int32_t martlet_random_in(martlet_random *random, int32_t low, int32_t high) {
  uint64_t range = (uint64_t)((int64_t)high - low) + 1;
  return (int32_t)(low + (int64_t)((martlet_random_next(random) >> 32) % range));
}

static void *block(martlet_case_context *context, size_t bytes) {
  void *memory = NULL;
  if (context->block_count == 96 || posix_memalign(&memory, 64, bytes ? bytes : 1) != 0) abort();
  context->blocks[context->block_count++] = memory;
  return memory;
}

void *martlet_case_zeros(martlet_case_context *context, size_t bytes) {
  return memset(block(context, bytes), 0, bytes);
}

int8_t *martlet_case_bytes(martlet_case_context *context, size_t bytes) {
  int8_t *out = block(context, bytes);
  int32_t kind = martlet_random_in(&context->random, 0, 7);
  int8_t one = (int8_t)MARTLET_RANDOM_OF(&context->random, -128, 127, 0, -1);
  for (size_t i = 0; i < bytes; i++) {
    uint64_t bits = martlet_random_next(&context->random);
    out[i] = kind == 0 ? one : kind == 1 ? (bits & 256 ? -128 : 127) : (int8_t)(bits & 255);
  }
  return out;
}

int32_t martlet_case_multiplier(martlet_case_context *context) {
  switch (martlet_random_in(&context->random, 0, 15)) {
    case 0: return 0;
    case 1: return INT32_MAX;
    case 2: return 1 << 30;
    default: return martlet_random_in(&context->random, 1 << 30, INT32_MAX);
  }
}

const void *martlet_case_bound(martlet_case_context *context, uint16_t opcode, const void *params) {
  const martlet_operator *row = martlet_operator_of(opcode);
  return martlet_operator_bind(row, params, row->plan ? block(context, row->plan_bytes) : NULL);
}

void martlet_case_go_round(martlet_case_context *context, martlet_case_run *run, int32_t rows, size_t row_bytes) {
  if (martlet_random_in(&context->random, 0, 1) == 0) return;
  run->ring_rows = rows + martlet_random_in(&context->random, 0, 3);
  run->ring_start = martlet_random_in(&context->random, 0, run->ring_rows - 1);
  int8_t *ring = martlet_case_bytes(context, (size_t)run->ring_rows * row_bytes);
  for (int32_t y = 0; y < rows; y++)
    memcpy(ring + (size_t)((run->ring_start + y) % run->ring_rows) * row_bytes,
           (const int8_t *)run->input[0] + (size_t)y * row_bytes, row_bytes);
  run->ring = ring;
}

#define GUARD 64

bool martlet_case_equal(martlet_case_context *context, const martlet_case_run *run) {
  size_t bytes = run->output_bytes + 2 * GUARD;
  uint8_t *expected = martlet_case_zeros(context, bytes), *actual = martlet_case_zeros(context, bytes);
  memset(expected, 0xA5, bytes);
  memset(actual, 0xA5, bytes);
  void *scratch = martlet_case_zeros(context, run->scratch_bytes);
  martlet_buffers buffers = {{run->input[0], run->input[1]}, expected + GUARD, run->weights};
  run->reference(run->params, &buffers, 0, run->units, scratch);
  // Scratch holds whatever the operator before left in it.
  memset(scratch, 0x5A, run->scratch_bytes);
  buffers.output = actual + GUARD;
  if (run->ring) {
    buffers.input[0] = run->ring;
    buffers.ring_rows = run->ring_rows;
    buffers.ring_start = run->ring_start;
  }
  int32_t a = martlet_random_in(&context->random, 0, run->units);
  int32_t b = martlet_random_in(&context->random, 0, run->units);
  if (a > b) {
    int32_t swap = a;
    a = b;
    b = swap;
  }
  if (b < run->units) run->variant(run->params, &buffers, b, run->units, scratch);
  if (a > 0) run->variant(run->params, &buffers, 0, a, scratch);
  if (a < b) run->variant(run->params, &buffers, a, b, scratch);
  if (context->sabotage) actual[GUARD + martlet_random_next(&context->random) % run->output_bytes] ^= 1;
  return memcmp(expected, actual, bytes) == 0;
}

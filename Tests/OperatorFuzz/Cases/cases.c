#include "internal.h"

#include <stddef.h>

int32_t martlet_operator_kinds(void) {
  int32_t kinds = 0;
  while (martlet_operator_of((uint16_t)(kinds + 1))) kinds++;
  return kinds;
}

/// Whether the strides are those of a dense box of that shape, from word `at` on.
static bool is_dense(const martlet_operator_case *c, int32_t at) {
  int64_t next = 1;
  for (int32_t i = 5; i >= 0; i--) {
    if (c->parameters[i] > 1 && c->parameters[at + i] != next) return false;
    next *= c->parameters[i];
  }
  return true;
}

/// Lets the output take the input's place where that is allowed.
static void in_place(martlet_operator_case *c) {
  martlet_operand *in = &c->operands[MARTLET_INPUT_0], *out = &c->operands[MARTLET_OUTPUT];
  const martlet_operator *row = martlet_operator_of(c->opcode);
  bool is_whole = !row->reads_input_1 || (in->bytes == out->bytes && is_dense(c, 6));
  if (row->runs_in_place && is_whole) out->offset = in->offset;
}

martlet_operator_case martlet_operator_case_of(uint64_t seed, uint16_t opcode) {
  dice d = {seed * 64 + opcode};
  martlet_operator_case c = {.opcode = opcode, .seed = seed};
  operator_parameters p;
  operator_generate(&d, opcode, &p);
  memcpy(c.parameters, &p, sizeof p);
  operator_operands(&c);
  if (one_in(&d, 4)) in_place(&c);
  if (one_in(&d, 3)) operator_break(&d, &c);
  return c;
}

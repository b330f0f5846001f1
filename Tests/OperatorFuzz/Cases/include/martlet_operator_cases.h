/// Random operators: parameter records of every kind, with sizes up to the format's limits, and what runs them between
/// unreadable pages. C, so that the same operators are made in every build and under an emulator; what is legal the
/// loader says, who is asked in between.
#ifndef MARTLET_OPERATOR_CASES_H
#define MARTLET_OPERATOR_CASES_H

#include "martlet_kernels.h"

#include <stdbool.h>
#include <stdint.h>

enum { MARTLET_INPUT_0, MARTLET_INPUT_1, MARTLET_OUTPUT, MARTLET_CONSTANT, MARTLET_OPERAND_COUNT };

/// As a tensor record says it; `bytes` < 0: the operator has no such operand.
typedef struct martlet_operand {
  int64_t bytes;
  /// Into the tensor region or the weights section.
  int64_t offset;
  uint8_t type, storage;
} martlet_operand;

typedef struct martlet_operator_case {
  uint16_t opcode;
  int32_t parameters[MARTLET_PARAMETER_WORDS];
  martlet_operand operands[MARTLET_OPERAND_COUNT];
  /// The format's rules forbid this one for certain: the loader must refuse it. What was done to it, or NULL.
  const char *broken;
  uint64_t seed;
} martlet_operator_case;

/// 1 ... count of kinds; opcodes are without gaps.
int32_t martlet_operator_kinds(void);

/// The operator of that seed and kind: two in three legal by construction, the others changed at one place.
martlet_operator_case martlet_operator_case_of(uint64_t seed, uint16_t opcode);

typedef struct martlet_operator_run {
  /// Of all outputs of the scalar kernels.
  uint64_t hash;
  /// Units that were run on each instruction set; 0 where a single one would take too long.
  int32_t units;
  /// What went wrong, or NULL.
  const char *fault;
} martlet_operator_run;

/// Runs a validated operator, or some of its units where all would take too long, on every instruction set of this
/// processor. All must leave the same bytes in the output and change nothing around it. Touching what no operand covers
/// ends the process.
martlet_operator_run martlet_operator_case_run(const martlet_operator_case *operator_case);

/// Memory that nobody has touched reads as zero: `bytes` of it, for files with absurd weights. Never given back.
void *martlet_operator_memory(size_t bytes);

/// Runs `body` in a process of its own, which may crash or hang, and returns what it returned (0...127), or -1.
int32_t martlet_operator_child(int32_t (*body)(void *context), void *context, int32_t seconds);

#endif

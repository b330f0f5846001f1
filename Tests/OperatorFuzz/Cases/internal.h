/// What making, changing and running operators share.
#ifndef MARTLET_OPERATOR_INTERNAL_H
#define MARTLET_OPERATOR_INTERNAL_H

#include "martlet_operator_cases.h"

#include <string.h>

// Switches over operators have no default: one that is missing does not compile.
#if defined(__clang__)
#pragma clang diagnostic error "-Wswitch"
#endif

/// The parameter record of any kind.
typedef union operator_parameters {
  int32_t words[MARTLET_PARAMETER_WORDS];
#define MEMBER(OPCODE, CASE, NAME, SWIFT_NAME, RECORD, ...) martlet_##RECORD##_params NAME;
  MARTLET_OPERATORS(MEMBER)
#undef MEMBER
} operator_parameters;

enum { INT8 = 1, INT32 = 3, INT64 = 4, FLOAT32 = 5, IN_ARENA = 0, IN_WEIGHTS = 1 };
#define LIMIT_ELEMENTS ((int64_t)1 << 30)
/// All tensors of a plan together have 2^30 bytes: an input and an output may have half of them each.
#define LIMIT_TENSOR ((int64_t)1 << 29)

/// Of a thread in bytes; of an inference in multiply-adds.
#define LIMIT_SCRATCH ((size_t)64 << 20)
#define LIMIT_WORK ((int64_t)10000000000000)

typedef struct dice {
  uint64_t state;
} dice;

uint64_t operator_bits(dice *d);
/// Uniform in low...high.
int64_t operator_in(dice *d, int64_t low, int64_t high);
/// 1...limit, its logarithm uniform; limit and 1 themselves now and then.
int32_t operator_size(dice *d, int64_t limit);
static inline bool one_in(dice *d, int32_t n) { return operator_in(d, 1, n) == 1; }

/// Legal parameters of that kind.
void operator_generate(dice *d, uint16_t opcode, operator_parameters *p);
/// The operands that these parameters ask for, with sizes in 64 bits whatever the parameters are.
void operator_operands(martlet_operator_case *c);
/// Changes one thing about a legal operator.
void operator_break(dice *d, martlet_operator_case *c);

#endif

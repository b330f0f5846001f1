/// Cases that compare every variant of every kernel with the scalar one, the specification. They are C so that the same
/// code runs under Swift Testing, in the Embedded Swift build and under an emulator.
#ifndef MARTLET_CASES_H
#define MARTLET_CASES_H

#include "martlet_kernels.h"

#include <stdint.h>

/// What one group of cases found.
typedef struct martlet_outcome {
  /// The operator, or the helper under test.
  const char *subject;
  int32_t passed, failed;
} martlet_outcome;

/// How many groups there are.
int32_t martlet_cases_count(void);
/// The first operator that no group's subject is, or NULL.
const char *martlet_cases_missing(void);
/// Runs group `index` with the kernels of `isa`. Without that instruction set: passed and failed are 0.
martlet_outcome martlet_cases_run(int32_t index, martlet_isa isa);
/// Runs group `index` with kernels that get one byte wrong. passed counts the cases that noticed; all of them must.
martlet_outcome martlet_cases_run_sabotaged(int32_t index);

/// The program martlet-selftest: all groups on every instruction set that this processor has, then sabotaged.
/// Prints one line for each and the sums; exits with 0 if nothing failed, else 1.
void martlet_selftest(void) __attribute__((noreturn));

#endif

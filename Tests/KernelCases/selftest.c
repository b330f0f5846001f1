#include "martlet_cases.h"

#include <stdio.h>
#include <stdlib.h>

void martlet_selftest(void) {
  int32_t passed = 0, failed = 0;
  for (int isa = 0; isa < MARTLET_ISA_COUNT; isa++) {
    const martlet_kernel_table *kernels = martlet_kernels_for((martlet_isa)isa);
    for (int32_t i = 0; kernels && i < martlet_cases_count(); i++) {
      martlet_outcome outcome = martlet_cases_run(i, (martlet_isa)isa);
      printf("%-10s %-16s %4d passed, %d failed\n", kernels->name, outcome.subject, outcome.passed, outcome.failed);
      passed += outcome.passed;
      failed += outcome.failed;
    }
  }
  for (int32_t i = 0; i < martlet_cases_count(); i++) {
    martlet_outcome outcome = martlet_cases_run_sabotaged(i);
    printf("%-10s %-16s %4d passed, %d failed\n", "sabotaged", outcome.subject, outcome.passed, outcome.failed);
    passed += outcome.passed;
    failed += outcome.failed;
  }
  if (martlet_cases_missing()) {
    printf("FAILED no cases for the operator %s\n", martlet_cases_missing());
    failed++;
  }
  printf("%d passed, %d failed\n", passed, failed);
  exit(failed == 0 ? 0 : 1);
}

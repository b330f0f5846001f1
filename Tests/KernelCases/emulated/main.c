// The language kernels' cases with the variants that avx512vnni would run, on a processor without it.
#include "context.h"
#include "language_variants.h"

#include <stdio.h>
#include <stdlib.h>

#define SCALAR(NAME, VARIANTS) .NAME = martlet_##NAME##_scalar,
#define EMULATED(NAME, VARIANTS) MARTLET_OF_VARIANTS(EMULATED_OF, NAME, MARTLET_RUNS_##VARIANTS)
#define EMULATED_OF(NAME, AVX2, AVX512VNNI, NEON, DOTPROD, I8MM) .NAME = martlet_##NAME##_##AVX512VNNI,

int main(void) {
  static const martlet_language_table scalar = {MARTLET_LANGUAGE_KERNELS(SCALAR)};
  static const martlet_language_table emulated = {MARTLET_LANGUAGE_KERNELS(EMULATED)};
  const martlet_case_group *const files[] = {martlet_language_cases, martlet_attention_cases};
  int32_t passed = 0, failed = 0;
  for (int file = 0; file < 2; file++)
    for (const martlet_case_group *group = files[file]; group->subject; group++) {
      int32_t wrong = 0;
      for (int32_t i = 0; i < group->count; i++) {
        martlet_case_context context = {.language_reference = &scalar, .language_variant = &emulated};
        context.random.state = ((uint64_t)(group - files[file] + file * 1000) << 32) + (uint64_t)i;
        wrong += !group->run(&context, i);
        while (context.block_count > 0) free(context.blocks[--context.block_count]);
      }
      printf("emulated avx512vnni  %-36s %4d passed, %d failed\n", group->subject, group->count - wrong, wrong);
      passed += group->count - wrong;
      failed += wrong;
    }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

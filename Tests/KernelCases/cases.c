#include "context.h"

#include <stdlib.h>
#include <string.h>

static const martlet_case_group *const files[] = {
    martlet_fixed_point_cases, martlet_elementwise_cases, martlet_spatial_cases,  martlet_convolution_cases,
    martlet_moving_cases,      martlet_vision_cases,      martlet_language_cases, martlet_attention_cases,
};

static const martlet_case_group *group_at(int32_t index) {
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    for (const martlet_case_group *group = files[i]; group->subject; group++)
      if (index-- == 0) return group;
  return NULL;
}

int32_t martlet_cases_count(void) {
  int32_t count = 0;
  while (group_at(count)) count++;
  return count;
}

static bool is_subject(const char *name) {
  const martlet_case_group *group;
  for (int32_t i = 0; (group = group_at(i)); i++)
    if (strcmp(group->subject, name) == 0) return true;
  return false;
}

const char *martlet_cases_missing(void) {
#define MISSING(OPCODE, CASE, NAME, ...) \
  if (!is_subject(#NAME)) return #NAME;
  MARTLET_OPERATORS(MISSING)
#undef MISSING
  return NULL;
}

static martlet_outcome run(int32_t index, martlet_isa isa, bool sabotage) {
  const martlet_case_group *group = group_at(index);
  martlet_outcome outcome = {group->subject, 0, 0};
  for (int32_t i = 0; i < group->count; i++) {
    martlet_case_context context = {.reference = martlet_kernels_for(MARTLET_ISA_SCALAR),
                                    .variant = martlet_kernels_for(isa),
                                    .language_reference = martlet_language_for(MARTLET_ISA_SCALAR),
                                    .language_variant = martlet_language_for(isa),
                                    .vision_reference = martlet_vision_for(MARTLET_ISA_SCALAR),
                                    .vision_variant = martlet_vision_for(isa)};
    context.random.state = ((uint64_t)index << 32) + (uint64_t)i;
    context.sabotage = sabotage;
    bool equal = group->run(&context, i);
    if (equal != sabotage) outcome.passed++;
    else outcome.failed++;
    while (context.block_count > 0) free(context.blocks[--context.block_count]);
  }
  return outcome;
}

martlet_outcome martlet_cases_run(int32_t index, martlet_isa isa) {
  if (!martlet_kernels_for(isa)) return (martlet_outcome){group_at(index)->subject, 0, 0};
  return run(index, isa, false);
}

martlet_outcome martlet_cases_run_sabotaged(int32_t index) { return run(index, MARTLET_ISA_SCALAR, true); }

/// What a case needs: random numbers, buffers, and the comparison.
#ifndef MARTLET_CASE_CONTEXT_H
#define MARTLET_CASE_CONTEXT_H

#include "martlet_cases.h"
#include "martlet_language.h"
#include "martlet_vision.h"

#include <stdbool.h>
#include <stddef.h>

/// Deterministic: a case's numbers depend on its group and its index alone.
typedef struct martlet_random {
  uint64_t state;
} martlet_random;

uint64_t martlet_random_next(martlet_random *random);
/// Uniform in low...high.
int32_t martlet_random_in(martlet_random *random, int32_t low, int32_t high);
/// One of the values given.
#define MARTLET_RANDOM_OF(RANDOM, ...)                \
  ((const int32_t[]){__VA_ARGS__})[martlet_random_in( \
      (RANDOM), 0, (int32_t)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)) - 1)]

/// The group's place in the table, so that a case can ask for what its operator is called with.
typedef struct martlet_case_context {
  martlet_random random;
  const martlet_kernel_table *reference, *variant;
  const martlet_language_table *language_reference, *language_variant;
  const martlet_vision_table *vision_reference, *vision_variant;
  /// Turns the case into a test of the case: a byte of the variant's output is changed after it has run.
  bool sabotage;
  /// Buffers of this case, freed after it.
  void *blocks[96];
  int32_t block_count;
} martlet_case_context;

/// `bytes` of memory, 64-byte aligned, ending where the allocation ends so that an address sanitizer sees what a kernel
/// reads beyond it. Random int8: uniform, or extremes only, or one value throughout.
int8_t *martlet_case_bytes(martlet_case_context *context, size_t bytes);
/// The same, zero.
void *martlet_case_zeros(martlet_case_context *context, size_t bytes);
/// A random multiplier in [2^30, 2^31), now and then 0 or an extreme.
int32_t martlet_case_multiplier(martlet_case_context *context);

/// The operator's record as its kernels take it.
const void *martlet_case_bound(martlet_case_context *context, uint16_t opcode, const void *params);

/// One run of an operator, in both variants.
typedef struct martlet_case_run {
  martlet_kernel reference, variant;
  /// What the kernels take; martlet_case_bound's for an operator that has a plan.
  const void *params;
  int32_t units;
  size_t scratch_bytes;
  const void *input[2];
  const void *weights;
  size_t output_bytes;
  /// 0, or what martlet_case_go_round has set: the variant then reads input[0] from a ring of that many rows.
  int32_t ring_rows, ring_start;
  const void *ring;
} martlet_case_run;

/// Now and then puts input[0], a picture of `rows` rows, into a ring for the variant.
void martlet_case_go_round(martlet_case_context *context, martlet_case_run *run, int32_t rows, size_t row_bytes);

/// Runs all units with the reference, and with the variant in three pieces out of order; true if both outputs are equal
/// and nothing was written around them.
bool martlet_case_equal(martlet_case_context *context, const martlet_case_run *run);

/// A group: `count` cases of one operator.
typedef struct martlet_case_group {
  const char *subject;
  int32_t count;
  bool (*run)(martlet_case_context *context, int32_t index);
} martlet_case_group;

/// Groups, one table for each file of cases; the last entry's subject is NULL.
extern const martlet_case_group martlet_fixed_point_cases[];
extern const martlet_case_group martlet_elementwise_cases[];
extern const martlet_case_group martlet_spatial_cases[];
extern const martlet_case_group martlet_convolution_cases[];
extern const martlet_case_group martlet_moving_cases[];
extern const martlet_case_group martlet_vision_cases[];
extern const martlet_case_group martlet_language_cases[];
extern const martlet_case_group martlet_attention_cases[];

#endif

/// The operators other than the convolutions: their variants, and for each instruction set the entries of its table.
/// Where a set has no variant of its own, the scalar one or that of a narrower set stands.
#ifndef MARTLET_OPERATORS_H
#define MARTLET_OPERATORS_H

#include "variants.h"

/// ISA: the instruction set; WIDE: the one whose add and table it uses. Wider vectors pay where much is computed for each
/// byte; elsewhere AVX2 is as fast as AVX-512, and a second copy would only be size. What is bound by memory is scalar.
#define MARTLET_OPERATORS_OF(ISA, WIDE)                                                             \
  .add = martlet_add_##WIDE, .table = martlet_table_##WIDE,                                        \
  .average_pool = martlet_average_pool_##ISA, .max_pool = martlet_max_pool_##ISA,                  \
  .mean = martlet_mean_##ISA, .mul = martlet_mul_##ISA, .prelu = martlet_prelu_##ISA,              \
  .softmax = martlet_softmax_##ISA, .resize_bilinear = martlet_resize_bilinear_##ISA,              \
  .quantize = martlet_quantize_##ISA, .copy = martlet_copy_scalar, .fill = martlet_fill_scalar,    \
  .resize_nearest = martlet_resize_nearest_scalar, .argmax = martlet_argmax_scalar,                \
  .dequantize = martlet_dequantize_scalar

#define MARTLET_DECLARE_OPERATORS(ISA) \
  MARTLET_DECLARE(average_pool_##ISA)  \
  MARTLET_DECLARE(max_pool_##ISA)      \
  MARTLET_DECLARE(mean_##ISA)          \
  MARTLET_DECLARE(table_##ISA)         \
  MARTLET_DECLARE(add_##ISA)           \
  MARTLET_DECLARE(mul_##ISA)           \
  MARTLET_DECLARE(prelu_##ISA)         \
  MARTLET_DECLARE(softmax_##ISA)       \
  MARTLET_DECLARE(resize_bilinear_##ISA) \
  MARTLET_DECLARE(quantize_##ISA)

#define MARTLET_OPERATORS_SCALAR MARTLET_OPERATORS_OF(scalar, scalar)

#if defined(__x86_64__)
MARTLET_DECLARE_OPERATORS(avx2)
MARTLET_DECLARE(table_avx512)
MARTLET_DECLARE(add_avx512)
#define MARTLET_OPERATORS_AVX2 MARTLET_OPERATORS_OF(avx2, avx2)
#define MARTLET_OPERATORS_AVX512 MARTLET_OPERATORS_OF(avx2, avx512)
#elif defined(__aarch64__)
MARTLET_DECLARE_OPERATORS(neon)
#define MARTLET_OPERATORS_NEON MARTLET_OPERATORS_OF(neon, neon)
#endif

#endif

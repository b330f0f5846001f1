/// The operators other than the convolutions: their variants, and for each instruction set the entries of its table.
/// Where a set has no variant of its own, the scalar one or that of a narrower set stands.
#ifndef MARTLET_OPERATORS_H
#define MARTLET_OPERATORS_H

#include "variants.h"

/// Bound by memory or used on a thousand values: the scalar ones serve everyone.
#define MARTLET_OPERATORS_COMMON                                                               \
  .copy = martlet_copy_scalar, .fill = martlet_fill_scalar,                                    \
  .resize_nearest = martlet_resize_nearest_scalar, .argmax = martlet_argmax_scalar,            \
  .dequantize = martlet_dequantize_scalar

/// ISA: the instruction set; OTHER: the one whose softmax, bilinear resize and quantize it uses.
#define MARTLET_OPERATORS_OF(ISA, OTHER)                                                            \
  MARTLET_OPERATORS_COMMON, .average_pool = martlet_average_pool_##ISA,                            \
  .max_pool = martlet_max_pool_##ISA, .mean = martlet_mean_##ISA, .table = martlet_table_##ISA,    \
  .add = martlet_add_##ISA, .mul = martlet_mul_##ISA, .prelu = martlet_prelu_##ISA,                \
  .softmax = martlet_softmax_##OTHER, .resize_bilinear = martlet_resize_bilinear_##OTHER,         \
  .quantize = martlet_quantize_##OTHER

#define MARTLET_DECLARE_OPERATORS(ISA) \
  MARTLET_DECLARE(average_pool_##ISA)  \
  MARTLET_DECLARE(max_pool_##ISA)      \
  MARTLET_DECLARE(mean_##ISA)          \
  MARTLET_DECLARE(table_##ISA)         \
  MARTLET_DECLARE(add_##ISA)           \
  MARTLET_DECLARE(mul_##ISA)           \
  MARTLET_DECLARE(prelu_##ISA)

#define MARTLET_OPERATORS_SCALAR MARTLET_OPERATORS_OF(scalar, scalar)

#if defined(__x86_64__)
MARTLET_DECLARE_OPERATORS(avx2)
MARTLET_DECLARE(resize_bilinear_avx2)
MARTLET_DECLARE(quantize_avx2)
MARTLET_DECLARE(softmax_avx2)
#define MARTLET_OPERATORS_AVX2 MARTLET_OPERATORS_OF(avx2, avx2)
// Wider vectors pay where much is computed for each byte; elsewhere AVX2 is as fast, and a second copy would only be size.
MARTLET_DECLARE(table_avx512)
MARTLET_DECLARE(add_avx512)
#define MARTLET_OPERATORS_AVX512                                                                                  \
  MARTLET_OPERATORS_COMMON, .average_pool = martlet_average_pool_avx2, .max_pool = martlet_max_pool_avx2,         \
  .mean = martlet_mean_avx2, .table = martlet_table_avx512, .add = martlet_add_avx512, .mul = martlet_mul_avx2,   \
  .prelu = martlet_prelu_avx2, .resize_bilinear = martlet_resize_bilinear_avx2, .quantize = martlet_quantize_avx2
#elif defined(__aarch64__)
MARTLET_DECLARE_OPERATORS(neon)
MARTLET_DECLARE(resize_bilinear_neon)
MARTLET_DECLARE(quantize_neon)
MARTLET_DECLARE(softmax_neon)
#define MARTLET_OPERATORS_NEON MARTLET_OPERATORS_OF(neon, neon)
#endif

#endif

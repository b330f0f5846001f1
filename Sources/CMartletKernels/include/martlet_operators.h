/// The operators, a row each: the one place where an operator is said to exist. MARTLET_OPERATORS(OPERATOR) expands the
/// caller's macro OPERATOR once for each of them, so whatever is made of the rows cannot forget one.
///
///   OPERATOR(opcode, CASE, name, swiftName, RECORD, "TFLITE_NAME", reads, traits, variants)
///
///   opcode       the number in the file: never changed, never used again
///   CASE, name   MARTLET_OPCODE_CASE; martlet_name_workload, martlet_name_scalar, the entry of the kernel table
///   swiftName    the case of Swift's Opcode
///   RECORD       the parameter record, martlet_RECORD_params
///   reads        of INPUT_0, INPUT_1 and CONSTANT those that it reads; the others must be none
///   traits       IN_PLACE: the output may be the very bytes of an input, as each element is read before it is written
///                at its own index. FOLDABLE: the converter computes it where all inputs are constant.
///   variants     which kernel an instruction set runs, its own or that of another one: MARTLET_RUNS_variants in
///                variants.h, beside the kernels
#ifndef MARTLET_OPERATOR_ROWS_H
#define MARTLET_OPERATOR_ROWS_H

#define MARTLET_OPERATORS(OPERATOR)                                                                                  \
  OPERATOR(1, CONV2D, conv2d, conv2d, conv2d, "CONV_2D", INPUT_0 | CONSTANT, 0, EVERY)                               \
  OPERATOR(2, DEPTHWISE, depthwise, depthwise, depthwise, "DEPTHWISE_CONV_2D", INPUT_0 | CONSTANT, 0, WIDE)          \
  OPERATOR(3, AVERAGE_POOL, average_pool, averagePool, pool, "AVERAGE_POOL_2D", INPUT_0, 0, VECTOR)                  \
  OPERATOR(4, MAX_POOL, max_pool, maxPool, pool, "MAX_POOL_2D", INPUT_0, 0, VECTOR)                                  \
  OPERATOR(5, MEAN, mean, mean, mean, "MEAN", INPUT_0, 0, VECTOR)                                                    \
  OPERATOR(6, TABLE, table, table, table, "TABLE", INPUT_0 | CONSTANT, IN_PLACE | FOLDABLE, WIDE)                    \
  OPERATOR(7, ADD, add, add, add, "ADD", INPUT_0 | INPUT_1, IN_PLACE | FOLDABLE, WIDE)                               \
  OPERATOR(8, MUL, mul, mul, mul, "MUL", INPUT_0 | INPUT_1, IN_PLACE | FOLDABLE, VECTOR)                             \
  OPERATOR(9, PRELU, prelu, prelu, prelu, "PRELU", INPUT_0 | INPUT_1, IN_PLACE | FOLDABLE, VECTOR)                   \
  OPERATOR(10, SOFTMAX, softmax, softmax, softmax, "SOFTMAX", INPUT_0, IN_PLACE, VECTOR)                             \
  OPERATOR(11, COPY, copy, copy, copy, "COPY", INPUT_0, FOLDABLE, SCALAR)                                            \
  OPERATOR(12, FILL, fill, fill, fill, "FILL", 0, FOLDABLE, SCALAR)                                                  \
  OPERATOR(13, RESIZE_NEAREST, resize_nearest, resizeNearest, resize, "RESIZE_NEAREST_NEIGHBOR", INPUT_0, 0, SCALAR) \
  OPERATOR(14, RESIZE_BILINEAR, resize_bilinear, resizeBilinear, resize, "RESIZE_BILINEAR", INPUT_0, 0, VECTOR)      \
  OPERATOR(15, ARGMAX, argmax, argmax, argmax, "ARG_MAX", INPUT_0, 0, SCALAR)                                        \
  OPERATOR(16, QUANTIZE, quantize, quantize, quantize, "QUANTIZE", INPUT_0, FOLDABLE, VECTOR)                        \
  OPERATOR(17, DEQUANTIZE, dequantize, dequantize, quantize, "DEQUANTIZE", INPUT_0, FOLDABLE, SCALAR)                \
  OPERATOR(18, MAXIMUM, maximum, maximum, extremum, "MAXIMUM", INPUT_0 | INPUT_1, IN_PLACE | FOLDABLE, VECTOR)       \
  OPERATOR(19, MINIMUM, minimum, minimum, extremum, "MINIMUM", INPUT_0 | INPUT_1, IN_PLACE | FOLDABLE, VECTOR)

/// The operators that have a plan: OPERATOR(CASE, name). See martlet_operator.
#define MARTLET_PLANNED_OPERATORS(OPERATOR) \
  OPERATOR(CONV2D, conv2d)                  \
  OPERATOR(DEPTHWISE, depthwise)

#endif

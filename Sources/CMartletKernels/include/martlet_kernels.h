/// The kernels of Martlet: pure functions on int8, int32 and float buffers.
///
/// Every operator has one parameter record (martlet_parameters.h). The model file holds exactly that record
/// (little-endian, 4-byte fields, no padding), the converter fills it in, the loader copies it into the arena and
/// validates it, and the kernel reads it: there is no second representation to keep in step. Where much follows from a
/// record, it is computed once, at load: the operator's plan, which begins with the record and is what the kernel reads
/// in its place.
///
/// A kernel's work is cut into *units*. A unit never depends on another unit of the same operator, so any
/// thread may run any unit in any order and the bits are the same. The grid of units depends on the
/// parameters alone: not on the instruction set and not on the number of threads.
///
/// martlet_operators.h has a row for each operator NAME, and with it there are
///   martlet_NAME_workload(params)       how the work is cut, and what it takes
///   martlet_NAME_weights_bytes(params)  exact size of the packed constant, where there is one
/// and an entry in martlet_kernel_table. None of them validates; the loader has done that before.
#ifndef MARTLET_KERNELS_H
#define MARTLET_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "martlet_operators.h"
#include "martlet_parameters.h"

// MARK: - Buffers and kernels

/// What an operator reads and writes. Buffers are 64-byte aligned unless an operator says otherwise.
typedef struct martlet_buffers {
  const void *input[2];
  void *output;
  const void *weights;
  /// For a convolution's strip of a cascade, whose input's rows go round a ring: how many rows it holds, input[0] being
  /// its start, and where the strip's first input row is. 0: the rows follow one another, from input[0] on.
  int32_t ring_rows, ring_start;
} martlet_buffers;

/// Runs units [first, last) of an operator. `params` is what martlet_operator_bind returned; `scratch` belongs to the
/// calling thread, is 64-byte aligned and holds at least martlet_NAME_workload(params).scratch_bytes.
typedef void (*martlet_kernel)(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                               void *scratch);

/// How an operator's work is cut and what it needs.
typedef struct martlet_workload {
  /// > 0 for validated parameters.
  int32_t units;
  /// Cost of the largest unit, in multiply-accumulates or the like.
  int64_t unit_work;
  /// Scratch that one thread needs, the maximum over all instruction sets.
  size_t scratch_bytes;
  /// Products that the operator's definition adds up, of all units; 0 where it is no convolution.
  int64_t multiply_accumulates;
} martlet_workload;

// MARK: - Instruction sets

typedef enum martlet_isa {
  MARTLET_ISA_SCALAR = 0,
  MARTLET_ISA_AVX2 = 1,
  MARTLET_ISA_AVX512VNNI = 2,
  MARTLET_ISA_NEON = 3,
  MARTLET_ISA_DOTPROD = 4,
  MARTLET_ISA_I8MM = 5,
  MARTLET_ISA_COUNT = 6
} martlet_isa;

/// One variant of every kernel. Entries that an instruction set does not speed up are the scalar ones.
typedef struct martlet_kernel_table {
  const char *name;
#define MARTLET_ENTRY(OPCODE, CASE, NAME, ...) martlet_kernel NAME;
  MARTLET_OPERATORS(MARTLET_ENTRY)
#undef MARTLET_ENTRY
} martlet_kernel_table;

/// The table of an instruction set, or NULL where this build or this processor does not have it.
const martlet_kernel_table *martlet_kernels_for(martlet_isa isa);
/// The best instruction set of this processor.
martlet_isa martlet_best_isa(void);
/// The instruction set of that name ("scalar", "avx2", "avx512vnni", "neon", "dotprod", "i8mm"), or MARTLET_ISA_COUNT.
martlet_isa martlet_isa_named(const char *name);

// MARK: - Operators

#if defined(__clang__)
#define MARTLET_SWIFT_NAME(NAME) __attribute__((swift_name(#NAME)))
#define MARTLET_CLOSED_ENUM __attribute__((enum_extensibility(closed)))
#else
#define MARTLET_SWIFT_NAME(NAME)
#define MARTLET_CLOSED_ENUM
#endif

typedef enum MARTLET_CLOSED_ENUM martlet_opcode {
#define MARTLET_CASE(OPCODE, CASE, NAME, SWIFT_NAME, ...) MARTLET_OPCODE_##CASE MARTLET_SWIFT_NAME(SWIFT_NAME) = OPCODE,
  MARTLET_OPERATORS(MARTLET_CASE)
#undef MARTLET_CASE
} martlet_opcode;

#define MARTLET_WORKLOAD(OPCODE, CASE, NAME, ...) martlet_workload martlet_##NAME##_workload(const void *params);
MARTLET_OPERATORS(MARTLET_WORKLOAD)
#undef MARTLET_WORKLOAD

/// A row of the table of operators.
typedef struct martlet_operator {
  /// As TensorFlow Lite spells it; where that has none, in its style.
  const char *name;
  martlet_workload (*workload)(const void *params);
  /// Of its entry in a martlet_kernel_table, in bytes.
  uint16_t kernel_offset;
  bool reads_input_0, reads_input_1, reads_constant;
  bool runs_in_place, is_foldable;
  /// What follows from the record, so that it is computed at load and not at each call; no plan has 0 bytes.
  uint16_t plan_bytes;
  void (*plan)(const void *params, void *plan);
} martlet_operator;

/// The row of an opcode; NULL where there is no such operator.
const martlet_operator *martlet_operator_of(uint16_t opcode);

/// What an operator's kernels are called with in place of its record, which stays where it is and is in its bounds: the
/// plan, made in `memory` (row->plan_bytes, 8-byte aligned), or the record itself where there is none.
const void *martlet_operator_bind(const martlet_operator *row, const void *params, void *memory);

size_t martlet_conv2d_weights_bytes(const martlet_conv2d_params *params);
size_t martlet_depthwise_weights_bytes(const martlet_depthwise_params *params);

#endif

/// Which variant of a kernel an instruction set runs, and how a variant is defined. One that is listed and not written
/// is missed by the linker; one that is written and not listed does not compile.
#ifndef MARTLET_VARIANTS_H
#define MARTLET_VARIANTS_H

#include "kernels_internal.h"

// A set without a variant of its own runs that of a narrower one. Wider vectors pay where much is computed for each
// byte; elsewhere AVX2 is as fast as AVX-512, and a second copy would only be size. What is bound by memory is scalar.
//                          AVX2    AVX512VNNI  NEON    DOTPROD  I8MM
#define MARTLET_RUNS_SCALAR scalar, scalar, scalar, scalar, scalar
#define MARTLET_RUNS_VECTOR avx2, avx2, neon, neon, neon
#define MARTLET_RUNS_WIDE avx2, avx512vnni, neon, neon, neon
#define MARTLET_RUNS_DOT avx2, avx512vnni, neon, dotprod, dotprod
#define MARTLET_RUNS_EVERY avx2, avx512vnni, neon, dotprod, i8mm

/// MACRO(NAME, one of the lists above).
#define MARTLET_OF_VARIANTS(MACRO, ...) MACRO(__VA_ARGS__)

/// Declares what a kernel's list names on this build's processor family, and calls its parameter record
/// martlet_NAME_record.
#define MARTLET_DECLARE_KERNEL(NAME, RECORD, VARIANTS)       \
  typedef martlet_##RECORD##_params martlet_##NAME##_record; \
  MARTLET_DECLARE_VARIANT(NAME, scalar)                      \
  MARTLET_OF_VARIANTS(MARTLET_DECLARE_VARIANTS, NAME, MARTLET_RUNS_##VARIANTS)
#define MARTLET_DECLARE_VARIANT(NAME, VARIANT)                                                                     \
  void martlet_##NAME##_##VARIANT(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last, \
                                  void *scratch);

/// A kernel's entries in an array of tables by instruction set.
#define MARTLET_ENTRIES(NAME, VARIANTS)                \
  [MARTLET_ISA_SCALAR].NAME = martlet_##NAME##_scalar, \
  MARTLET_OF_VARIANTS(MARTLET_ENTRIES_OF, NAME, MARTLET_RUNS_##VARIANTS)

#if defined(__x86_64__)
#define MARTLET_DECLARE_VARIANTS(NAME, AVX2, AVX512VNNI, NEON, DOTPROD, I8MM) \
  MARTLET_DECLARE_VARIANT(NAME, AVX2)                                         \
  MARTLET_DECLARE_VARIANT(NAME, AVX512VNNI)
#define MARTLET_ENTRIES_OF(NAME, AVX2, AVX512VNNI, NEON, DOTPROD, I8MM) \
  [MARTLET_ISA_AVX2].NAME = martlet_##NAME##_##AVX2, [MARTLET_ISA_AVX512VNNI].NAME = martlet_##NAME##_##AVX512VNNI,
#elif defined(__aarch64__)
#define MARTLET_DECLARE_VARIANTS(NAME, AVX2, AVX512VNNI, NEON, DOTPROD, I8MM) \
  MARTLET_DECLARE_VARIANT(NAME, NEON)                                         \
  MARTLET_DECLARE_VARIANT(NAME, DOTPROD)                                      \
  MARTLET_DECLARE_VARIANT(NAME, I8MM)
#define MARTLET_ENTRIES_OF(NAME, AVX2, AVX512VNNI, NEON, DOTPROD, I8MM)                                       \
  [MARTLET_ISA_NEON].NAME = martlet_##NAME##_##NEON, [MARTLET_ISA_DOTPROD].NAME = martlet_##NAME##_##DOTPROD, \
  [MARTLET_ISA_I8MM].NAME = martlet_##NAME##_##I8MM,
#else
#define MARTLET_DECLARE_VARIANTS(NAME, ...)
#define MARTLET_ENTRIES_OF(NAME, ...)
#endif

#define MARTLET_DECLARE_ROW(OPCODE, CASE, NAME, SWIFT_NAME, RECORD, TFLITE_NAME, READS, TRAITS, VARIANTS) \
  MARTLET_DECLARE_KERNEL(NAME, RECORD, VARIANTS)
MARTLET_OPERATORS(MARTLET_DECLARE_ROW)
#undef MARTLET_DECLARE_ROW

/// Declares the plan of an operator that has one.
#define MARTLET_DECLARE_PLAN(CASE, NAME) void martlet_##NAME##_plan(const void *params, void *plan);
MARTLET_PLANNED_OPERATORS(MARTLET_DECLARE_PLAN)
#undef MARTLET_DECLARE_PLAN

#if defined(__clang__)
#pragma clang diagnostic error "-Wmissing-prototypes"
#endif

/// Defines martlet_NAME_ISA, a martlet_kernel: in front of its body, which sees the record as P (the one that its plan
/// begins with, if it has a plan), and `buffers`, `first`, `last` and `scratch`.
#define MARTLET_KERNEL(NAME, ISA, P)                                                                                  \
  MARTLET_TARGET_##ISA static inline __attribute__((always_inline)) void NAME##_##ISA##_kernel(                       \
      const martlet_##NAME##_record *P, const martlet_buffers *buffers, int32_t first, int32_t last, void *scratch);  \
  MARTLET_TARGET_##ISA void martlet_##NAME##_##ISA(const void *params, const martlet_buffers *buffers, int32_t first, \
                                                   int32_t last, void *scratch) {                                     \
    NAME##_##ISA##_kernel(params, buffers, first, last, scratch);                                                     \
  }                                                                                                                   \
  MARTLET_TARGET_##ISA static inline __attribute__((always_inline)) void NAME##_##ISA##_kernel(                       \
      const martlet_##NAME##_record *P, const martlet_buffers *buffers, int32_t first, int32_t last, void *scratch)

/// Defines martlet_NAME_plan: in front of its body, which sees the record as P and a NAME_grid to fill as GRID.
#define MARTLET_PLAN(NAME, P, GRID)                                                         \
  static inline void NAME##_plan(const martlet_##NAME##_record *P, NAME##_grid *GRID);      \
  void martlet_##NAME##_plan(const void *params, void *plan) { NAME##_plan(params, plan); } \
  static inline void NAME##_plan(const martlet_##NAME##_record *P, NAME##_grid *GRID)

/// Defines martlet_NAME_workload: in front of its body, which sees the record as P.
#define MARTLET_WORKLOAD(NAME, P)                                                                    \
  static inline martlet_workload NAME##_workload(const martlet_##NAME##_record *P);                  \
  martlet_workload martlet_##NAME##_workload(const void *params) { return NAME##_workload(params); } \
  static inline martlet_workload NAME##_workload(const martlet_##NAME##_record *P)

#endif

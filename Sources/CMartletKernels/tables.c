/// The one dispatch table: which variant of each kernel an instruction set has, and which set this processor has.
#include "operators.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

static const martlet_kernel_table tables[MARTLET_ISA_COUNT] = {
    [MARTLET_ISA_SCALAR] = {.name = "scalar",
                            .conv2d = martlet_conv2d_scalar,
                            .depthwise = martlet_depthwise_scalar,
                            MARTLET_OPERATORS_SCALAR},
#if defined(__x86_64__)
    [MARTLET_ISA_AVX2] = {.name = "avx2",
                          .conv2d = martlet_conv2d_avx2,
                          .depthwise = martlet_depthwise_avx2,
                          MARTLET_OPERATORS_AVX2},
    [MARTLET_ISA_AVX512VNNI] = {.name = "avx512vnni",
                                .conv2d = martlet_conv2d_avx512vnni,
                                .depthwise = martlet_depthwise_avx512vnni,
                                MARTLET_OPERATORS_AVX512},
#elif defined(__aarch64__)
    [MARTLET_ISA_NEON] = {.name = "neon",
                          .conv2d = martlet_conv2d_neon,
                          .depthwise = martlet_depthwise_neon,
                          MARTLET_OPERATORS_NEON},
    [MARTLET_ISA_DOTPROD] = {.name = "dotprod",
                          .conv2d = martlet_conv2d_dotprod,
                          .depthwise = martlet_depthwise_neon,
                          MARTLET_OPERATORS_NEON},
    [MARTLET_ISA_I8MM] = {.name = "i8mm",
                          .conv2d = martlet_conv2d_i8mm,
                          .depthwise = martlet_depthwise_neon,
                          MARTLET_OPERATORS_NEON},
#endif
};

static int has(martlet_isa isa) {
  switch (isa) {
    case MARTLET_ISA_SCALAR: return 1;
#if defined(__x86_64__)
    case MARTLET_ISA_AVX2: return __builtin_cpu_supports("avx2");
    case MARTLET_ISA_AVX512VNNI:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__)
    case MARTLET_ISA_NEON: return 1;
    case MARTLET_ISA_DOTPROD: return (getauxval(AT_HWCAP) >> 20) & 1;
    case MARTLET_ISA_I8MM: return has(MARTLET_ISA_DOTPROD) && (getauxval(AT_HWCAP2) >> 13) & 1;
#endif
    default: return 0;
  }
}

const martlet_kernel_table *martlet_kernels_for(martlet_isa isa) {
  if ((unsigned)isa >= MARTLET_ISA_COUNT || !tables[isa].name || !has(isa)) return NULL;
  return &tables[isa];
}

martlet_isa martlet_best_isa(void) {
  for (int isa = MARTLET_ISA_COUNT - 1; isa > 0; isa--)
    if (martlet_kernels_for((martlet_isa)isa)) return (martlet_isa)isa;
  return MARTLET_ISA_SCALAR;
}

martlet_isa martlet_isa_named(const char *name) {
  for (int isa = 0; isa < MARTLET_ISA_COUNT; isa++)
    if (tables[isa].name && strcmp(tables[isa].name, name) == 0) return (martlet_isa)isa;
  return MARTLET_ISA_COUNT;
}

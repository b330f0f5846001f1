/// The rows of the operators, the dispatch table that is made of them, and which instruction sets this processor has.
#include "conv2d.h"
#include "depthwise.h"
#include "variants.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

enum { INPUT_0 = 1, INPUT_1 = 2, CONSTANT = 4, IN_PLACE = 1, FOLDABLE = 2 };

const martlet_operator *martlet_operator_of(uint16_t opcode) {
  static const martlet_operator operators[] = {
#define ROW(OPCODE, CASE, NAME, SWIFT_NAME, RECORD, TFLITE_NAME, READS, TRAITS, ...) \
  [OPCODE] = {.name = TFLITE_NAME,                                                   \
              .workload = martlet_##NAME##_workload,                                 \
              .kernel_offset = offsetof(martlet_kernel_table, NAME),                 \
              .reads_input_0 = ((READS) & INPUT_0) != 0,                             \
              .reads_input_1 = ((READS) & INPUT_1) != 0,                             \
              .reads_constant = ((READS) & CONSTANT) != 0,                           \
              .runs_in_place = ((TRAITS) & IN_PLACE) != 0,                           \
              .is_foldable = ((TRAITS) & FOLDABLE) != 0},
      MARTLET_OPERATORS(ROW)
#undef ROW
#define ROW(CASE, NAME) \
  [MARTLET_OPCODE_##CASE].plan_bytes = sizeof(NAME##_grid), [MARTLET_OPCODE_##CASE].plan = martlet_##NAME##_plan,
          MARTLET_PLANNED_OPERATORS(ROW)
#undef ROW
  };
  if (opcode >= sizeof operators / sizeof *operators || !operators[opcode].name) return NULL;
  return &operators[opcode];
}

const void *martlet_operator_bind(const martlet_operator *row, const void *params, void *memory) {
  if (!row->plan) return params;
  row->plan(params, memory);
  return memory;
}

static const martlet_kernel_table tables[MARTLET_ISA_COUNT] = {
#define ROW(OPCODE, CASE, NAME, SWIFT_NAME, RECORD, TFLITE, READS, TRAITS, VARIANTS) MARTLET_ENTRIES(NAME, VARIANTS)
    MARTLET_OPERATORS(ROW)
#undef ROW
        [MARTLET_ISA_SCALAR]
            .name = "scalar",
#if defined(__x86_64__)
    [MARTLET_ISA_AVX2].name = "avx2",
    [MARTLET_ISA_AVX512VNNI].name = "avx512vnni",
#elif defined(__aarch64__)
    [MARTLET_ISA_NEON].name = "neon",
    [MARTLET_ISA_DOTPROD].name = "dotprod",
    [MARTLET_ISA_I8MM].name = "i8mm",
#endif
};

#if defined(__x86_64__)
/// Registers that the system saves between threads (XCR0), and extended features (CPUID leaf 7): both must have it.
/// AVX2 means fused multiply-add too, as every processor with it has. By hand, for the compiler's own detection is
/// larger than many a kernel.
static int x86_has(uint64_t state, uint32_t features_b, uint32_t features_c) {
  uint32_t a, b, c, d;
  if (!__get_cpuid_count(1, 0, &a, &b, &c, &d) || (c & (bit_OSXSAVE | bit_FMA)) != (bit_OSXSAVE | bit_FMA)) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((((uint64_t)high << 32 | low) & state) != state) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  return (b & features_b) == features_b && (c & features_c) == features_c;
}
#endif

static int has(martlet_isa isa) {
  switch (isa) {
    case MARTLET_ISA_SCALAR: return 1;
#if defined(__x86_64__)
    case MARTLET_ISA_AVX2: return x86_has(0x6, bit_AVX2, 0);
    case MARTLET_ISA_AVX512VNNI:
#if defined(MARTLET_EMULATES_AVX512)  // Tests/Emulated
      return 1;
#endif
      return x86_has(0xE6, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ, bit_AVX512VNNI);
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

/// Which variant of each language kernel an instruction set has.
#include "language.h"
#include "matmul.h"

#define TABLE(ISA, MATMUL)                                                                                    \
  {                                                                                                           \
    .matmul = martlet_matmul_##MATMUL, .norm = martlet_norm_##ISA, .pack = martlet_pack_##ISA,                \
    .gate = martlet_gate_##ISA, .rope_table = martlet_rope_table_##ISA, .embed = martlet_embed_##ISA,         \
    .rotate = martlet_rotate_##ISA, .attention = martlet_attention_##ISA                                      \
  }

MARTLET_MATMUL(scalar);
#if defined(__x86_64__)
MARTLET_MATMUL(avx2);
MARTLET_MATMUL(avx512vnni);
#elif defined(__aarch64__)
MARTLET_MATMUL(neon);
MARTLET_MATMUL(dotprod);
#endif

static const martlet_language_table tables[MARTLET_ISA_COUNT] = {
    [MARTLET_ISA_SCALAR] = TABLE(scalar, scalar),
#if defined(__x86_64__)
    [MARTLET_ISA_AVX2] = TABLE(avx2, avx2),
    [MARTLET_ISA_AVX512VNNI] = TABLE(avx2, avx512vnni),
#elif defined(__aarch64__)
    [MARTLET_ISA_NEON] = TABLE(neon, neon),
    [MARTLET_ISA_DOTPROD] = TABLE(neon, dotprod),
    [MARTLET_ISA_I8MM] = TABLE(neon, dotprod),
#endif
};

const martlet_language_table *martlet_language_for(martlet_isa isa) {
  return martlet_kernels_for(isa) ? &tables[isa] : NULL;
}

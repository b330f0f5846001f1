/// Which variant of each language kernel an instruction set has.
#include "language_variants.h"

static const martlet_language_table tables[MARTLET_ISA_COUNT] = {MARTLET_LANGUAGE_KERNELS(MARTLET_ENTRIES)};

const martlet_language_table *martlet_language_for(martlet_isa isa) {
  return martlet_kernels_for(isa) ? &tables[isa] : NULL;
}

/// Which variants the kernels of a language model have.
#ifndef MARTLET_LANGUAGE_VARIANTS_H
#define MARTLET_LANGUAGE_VARIANTS_H

#include "martlet_language.h"
#include "variants.h"

#define MARTLET_DECLARE_ROW(NAME, VARIANTS) MARTLET_DECLARE_KERNEL(NAME, NAME, VARIANTS)
MARTLET_LANGUAGE_KERNELS(MARTLET_DECLARE_ROW)
#undef MARTLET_DECLARE_ROW

#endif

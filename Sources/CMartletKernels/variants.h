/// Every variant of every kernel in this directory, for the dispatch tables. MARTLET_ISA variants exist only where the
/// build's processor family has them.
#ifndef MARTLET_VARIANTS_H
#define MARTLET_VARIANTS_H

#include "kernels_internal.h"

#define MARTLET_DECLARE(NAME) \
  void martlet_##NAME(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last, void *scratch);

#define MARTLET_DECLARE_SCALAR(OPCODE, CASE, NAME, ...) MARTLET_DECLARE(NAME##_scalar)
MARTLET_OPERATORS(MARTLET_DECLARE_SCALAR)
#undef MARTLET_DECLARE_SCALAR

#if defined(__x86_64__)
MARTLET_DECLARE(conv2d_avx2)
MARTLET_DECLARE(depthwise_avx2)
MARTLET_DECLARE(conv2d_avx512vnni)
MARTLET_DECLARE(depthwise_avx512vnni)
#endif

#if defined(__aarch64__)
MARTLET_DECLARE(conv2d_neon)
MARTLET_DECLARE(conv2d_dotprod)
MARTLET_DECLARE(conv2d_i8mm)
MARTLET_DECLARE(depthwise_neon)
#endif

#endif

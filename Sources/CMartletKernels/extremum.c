/// The larger and the smaller of two elements, in all variants.
#include "binary.h"

static inline int8_t martlet_maximum_one(const martlet_extremum_params *p, int32_t x, int32_t y) {
  (void)p;
  return (int8_t)martlet_max(x, y);
}

static inline int8_t martlet_minimum_one(const martlet_extremum_params *p, int32_t x, int32_t y) {
  (void)p;
  return (int8_t)martlet_min(x, y);
}

MARTLET_SMALL_BEGIN

MARTLET_BINARY_SCALAR(maximum)
MARTLET_BINARY_SCALAR(minimum)

MARTLET_SMALL_END

typedef struct prepared {
  const martlet_extremum_params *params;
} prepared;

#define EXTREMUM(NAME, ISA)                                                                     \
  MARTLET_BINARY_ROW(NAME, ISA)                                                                 \
  MARTLET_KERNEL(NAME, ISA, p) {                                                                \
    const prepared c = {p};                                                                     \
    martlet_binary_run(&c, p->shape, p->stride0, p->stride1, buffers, first, last, NAME##_row); \
  }

#if defined(__x86_64__)
#include <immintrin.h>

#define maximum_8(CONTEXT, X, Y) _mm_max_epi8(X, Y)
#define minimum_8(CONTEXT, X, Y) _mm_min_epi8(X, Y)
EXTREMUM(maximum, avx2)
EXTREMUM(minimum, avx2)
#elif defined(__aarch64__)
#include <arm_neon.h>

#define maximum_8(CONTEXT, X, Y) vmax_s8(X, Y)
#define minimum_8(CONTEXT, X, Y) vmin_s8(X, Y)
EXTREMUM(maximum, neon)
EXTREMUM(minimum, neon)
#endif

#include "language.h"

#define MARTLET_ONE_MIX
MARTLET_SMALL_BEGIN

#define LANGUAGE(NAME, P) MARTLET_KERNEL(NAME, scalar, P)

static void dot_block(const uint8_t *w, const int8_t *x, int32_t stride, int32_t quads, int32_t count,
                      int32_t sums[4][16]) {
  for (int32_t i = 0; i < count; i++, x += stride) {
    for (int32_t r = 0; r < 16; r++) {
      int32_t sum = 0;
      for (int32_t q = 0; q < quads; q++)
        for (int32_t k = 0; k < 4; k++) sum += (int8_t)w[q * 64 + r * 4 + k] * x[q * 4 + k];
      sums[i][r] = sum;
    }
  }
}

#include "token.h"
#include "attention.h"

MARTLET_SMALL_END

float martlet_exp(float x) {
  vf v = (vf){0} + x;
  exp_lanes(&v);
  return v[0];
}

float martlet_fused(float a, float b, float c) { return martlet_fma(a, b, c); }

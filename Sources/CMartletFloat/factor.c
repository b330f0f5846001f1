#include <math.h>

#include "martlet_quantize.h"
#include "vectors.h"

enum { LANES = 8 };

typedef double vector4 __attribute__((vector_size(32)));
typedef float vector4f __attribute__((vector_size(16), aligned(4)));

/// Row i in columns j ..< j + LANES: A less the products of the rows before.
static inline __attribute__((always_inline)) void reduce(const float *a, size_t depth, size_t i, size_t j,
                                                         double sums[LANES]) {
  vector4 low = __builtin_convertvector(*(const vector4f *)(a + i * depth + j), vector4);
  vector4 high = __builtin_convertvector(*(const vector4f *)(a + i * depth + j + 4), vector4);
  for (size_t k = 0; k < i; k++) {
    const double value = (double)a[k * depth + i];
    const float *row = a + k * depth + j;
    low -= __builtin_convertvector(*(const vector4f *)row, vector4) * value;
    high -= __builtin_convertvector(*(const vector4f *)(row + 4), vector4) * value;
  }
  for (int lane = 0; lane < 4; lane++) sums[lane] = low[lane], sums[lane + 4] = high[lane];
}

static double reduce_one(const float *a, size_t depth, size_t i, size_t j) {
  double sum = (double)a[i * depth + j];
  for (size_t k = 0; k < i; k++) sum -= (double)a[k * depth + j] * (double)a[k * depth + i];
  return sum;
}

WIDE_VECTORS
int martlet_float_factor(float *a, size_t depth, size_t first, size_t last, size_t left, size_t right) {
  for (size_t i = first; i < last; i++) {
    size_t j = left;
    if (left == first) {
      const double square = reduce_one(a, depth, i, i);
      if (!(square > 0) || !(square < HUGE_VAL)) return 0;
      a[i * depth + i] = (float)sqrt(square);
      if (!(a[i * depth + i] > 0)) return 0;
      j = i + 1;
    }
    const double inverse = 1 / (double)a[i * depth + i];
    for (; j + LANES <= right; j += LANES) {
      double sums[LANES];
      reduce(a, depth, i, j, sums);
      for (size_t lane = 0; lane < LANES; lane++) a[i * depth + j + lane] = (float)(sums[lane] * inverse);
    }
    for (; j < right; j++) a[i * depth + j] = (float)(reduce_one(a, depth, i, j) * inverse);
  }
  return 1;
}

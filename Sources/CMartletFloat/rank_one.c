#include "martlet_float.h"
#include "vectors.h"

WIDE_VECTORS
void martlet_float_rank_one(float *matrix, const float *a, const float *b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float factor = a[i];
    if (factor == 0) continue;
    float *row = matrix + i * count;
    for (size_t j = 0; j < count; j++) row[j] += factor * b[j];
  }
}

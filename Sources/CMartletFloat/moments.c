#include "martlet_quantize.h"
#include "vectors.h"

enum { ROWS = 4, LANES = 16 };

typedef float vector8 __attribute__((vector_size(32), aligned(4)));

/// A tile of ROWS x LANES.
static inline __attribute__((always_inline)) void tile(float *moments, size_t depth, const float *rows,
                                                       const float *columns, size_t stride, size_t tokens) {
  vector8 sum[ROWS][2] = {0};
  for (size_t t = 0; t < tokens; t++) {
    const vector8 x0 = *(const vector8 *)(columns + t * stride), x1 = *(const vector8 *)(columns + t * stride + 8);
    for (int r = 0; r < ROWS; r++) {
      const float value = rows[t * stride + (size_t)r];
      sum[r][0] += x0 * value;
      sum[r][1] += x1 * value;
    }
  }
  for (size_t r = 0; r < ROWS; r++) {
    *(vector8 *)(moments + r * depth) += sum[r][0];
    *(vector8 *)(moments + r * depth + 8) += sum[r][1];
  }
}

WIDE_VECTORS
void martlet_float_moments(float *moments, size_t depth, size_t first, size_t last, const float *x, size_t stride,
                           size_t tokens) {
  for (size_t i = first; i < last; i += ROWS) {
    const size_t rows = last - i < ROWS ? last - i : ROWS;
    for (size_t j = 0; j < i + rows; j += LANES) {
      if (rows == ROWS && j + LANES <= depth) {
        tile(moments + i * depth + j, depth, x + i, x + j, stride, tokens);
        continue;
      }
      const size_t columns = depth - j < LANES ? depth - j : LANES;
      for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
          float sum = 0;
          for (size_t t = 0; t < tokens; t++) sum += x[t * stride + j + c] * x[t * stride + i + r];
          moments[(i + r) * depth + j + c] += sum;
        }
    }
  }
}

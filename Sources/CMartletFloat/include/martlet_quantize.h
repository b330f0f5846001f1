/// Weights in four bits with the least error in a layer's results, for the workstation.
///
/// Each result is a sum in one written order, products and sums rounded separately: equal bits on every processor and
/// whatever the number of threads.
#ifndef MARTLET_QUANTIZE_H
#define MARTLET_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

/// moments [depth, depth], rows first ..< last, columns up to the row's own and a few behind: += x' x.
///
/// x is [tokens, stride], stride >= depth. Only the lower triangle is of use.
void martlet_float_moments(float *moments, size_t depth, size_t first, size_t last, const float *x, size_t stride,
                           size_t tokens);

/// A part of Cholesky's factorization A = U' U in place, U upper triangular: rows ..< last of columns left ..< right.
///
/// a is [depth, depth], its upper triangle read. Sums are in float64. Rows before `first` must be done in these columns
/// and in columns first ..< last; and where left is not first, rows first ..< last in columns first ..< last too.
/// Returns 0 where A is not positive definite.
int martlet_float_factor(float *a, size_t depth, size_t first, size_t last, size_t left, size_t right);

typedef struct martlet_float_int4_params {
  size_t columns;
  /// [columns, columns]: U of x' x = U' U, each row divided by its element on the diagonal; or NULL: every weight is
  /// rounded for itself.
  const float *factor;
  /// [columns]: what a squared error of a column weighs, at least 0; or NULL: large weights matter most.
  const float *importance;
} martlet_float_int4_params;

/// A block of 16 rows as `martlet_matrix` describes INT4.
///
/// weights [columns, 16]: finite, those of one row in one lane. errors [columns, 16]: becomes what was lost, weight -
/// value.
/// block: all its bytes are written.
void martlet_float_int4_block(const martlet_float_int4_params *p, const float *weights, float *errors, uint8_t *block);

#endif

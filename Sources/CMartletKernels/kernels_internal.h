/// What every kernel shares: the fixed-point rescaling of the TensorFlow Lite specification, clamps, unit arithmetic.
#ifndef MARTLET_KERNELS_INTERNAL_H
#define MARTLET_KERNELS_INTERNAL_H

#include "martlet_kernels.h"

#include <stdbool.h>
#include <string.h>

// The same bits on every processor: a compiler may contract a*b+c to a fused multiply-add only where we wrote one.
// (aarch64 does so by default.) Every kernel includes this header first, so that the pragma covers the whole file.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

// What the functions of an instruction set are compiled for.
#define MARTLET_TARGET_scalar
#if defined(__x86_64__)
#define MARTLET_TARGET_avx2 __attribute__((target("avx2,fma")))
#if !defined(MARTLET_TARGET_avx512vnni)  // Tests/KernelCases/emulated has its own.
#define MARTLET_TARGET_avx512vnni __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#endif
#elif defined(__aarch64__)
#define MARTLET_TARGET_neon
#define MARTLET_TARGET_dotprod __attribute__((target("dotprod")))
#define MARTLET_TARGET_i8mm __attribute__((target("i8mm")))
#endif

// Around a scalar variant that only processors without SIMD run, and nobody for its rests: the specification, kept
// small.
#if defined(__clang__)
#define MARTLET_SMALL_BEGIN _Pragma("clang attribute push(__attribute__((minsize)), apply_to = function)")
#define MARTLET_SMALL_END _Pragma("clang attribute pop")
#else
#define MARTLET_SMALL_BEGIN
#define MARTLET_SMALL_END
#endif

/// In front of the loop over the few elements that full vectors leave, or that no model has: not worth unrolling.
#if defined(__clang__)
#define MARTLET_REST _Pragma("clang loop vectorize(disable) interleave(disable) unroll(disable)")
#else
#define MARTLET_REST
#endif

/// Largest number of elementary operations that one unit may hold, as far as the operator's shape allows.
#define MARTLET_UNIT_WORK 16384

// MARK: - Wrapping arithmetic

static inline int32_t martlet_wrapping_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
static inline int32_t martlet_wrapping_sub(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
static inline int32_t martlet_wrapping_mul(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
/// `n` in 0...31.
static inline int32_t martlet_wrapping_shl(int32_t a, int32_t n) { return (int32_t)((uint32_t)a << n); }

// MARK: - Fixed point

/// High 32 bits of 2ab, rounded half up. `b` >= 0, which rules out the one product that would have to saturate.
/// The specification's nudge by sign and truncating division are this floor, for all a.
static inline int32_t martlet_high_mul(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/// x / 2^n rounded half away from zero, `n` in 0...31.
static inline int32_t martlet_round_shift(int32_t x, int32_t n) {
  if (n == 0) return x;
  return (int32_t)(((int64_t)x + (x >> 31) + ((int64_t)1 << (n - 1))) >> n);
}

/// MultiplyByQuantizedMultiplier with its two roundings: x * multiplier * 2^(shift - 31).
/// `multiplier` >= 0, `shift` in -31...30; the left shift wraps.
static inline int32_t martlet_rescale(int32_t x, int32_t multiplier, int32_t shift) {
  int32_t left = shift > 0 ? shift : 0;
  int32_t right = shift > 0 ? 0 : -shift;
  return martlet_round_shift(martlet_high_mul(martlet_wrapping_shl(x, left), multiplier), right);
}

static inline int32_t martlet_clamp(int32_t x, int32_t low, int32_t high) {
  return x < low ? low : x > high ? high : x;
}

/// One output of a convolution in fixed point: accumulator with bias to int8. Nothing in a file's multiplier or shift
/// can make this undefined. Saturating to 16 bits before the zero point changes no int8 result and is what packing
/// instructions do.
static inline int8_t martlet_rescale_to_int8(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero_point,
                                             int32_t clamp_min, int32_t clamp_max) {
  int32_t scaled = martlet_rescale(acc, multiplier & INT32_MAX, martlet_clamp(shift, -31, 30));
  return (int8_t)martlet_clamp(martlet_clamp(scaled, INT16_MIN, INT16_MAX) + zero_point, clamp_min, clamp_max);
}

// MARK: - Scratch

/// More scratch than any limit: what a size that would leave 64 bits, or that is absurd, saturates to.
#define MARTLET_SCRATCH_BEYOND ((size_t)1 << 48)

/// rows * row_bytes for sizes that are not yet known to fit anything, both >= 0; saturates.
static inline size_t martlet_scratch_product(int64_t rows, int64_t row_bytes) {
  int64_t bytes;
  if (__builtin_mul_overflow(rows, row_bytes, &bytes) || (uint64_t)bytes > MARTLET_SCRATCH_BEYOND)
    return MARTLET_SCRATCH_BEYOND;
  return (size_t)bytes;
}

// MARK: - Rows

/// Where row y of input[0]'s only picture is, in rows from input[0].
static inline int32_t martlet_row(const martlet_buffers *buffers, int32_t y) {
  if (buffers->ring_rows == 0) return y;
  return y + buffers->ring_start - (y + buffers->ring_start >= buffers->ring_rows ? buffers->ring_rows : 0);
}

// MARK: - Units

static inline int32_t martlet_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t martlet_max(int32_t a, int32_t b) { return a > b ? a : b; }

/// Ceiling of count / size for count >= 0, size > 0, without overflow.
static inline int32_t martlet_ceil_div(int64_t count, int64_t size) {
  return (int32_t)(count / size + (count % size != 0));
}

/// How many items of `work` operations each make one unit: at least one.
static inline int32_t martlet_items_per_unit(int64_t work) {
  return work >= MARTLET_UNIT_WORK ? 1 : (int32_t)(MARTLET_UNIT_WORK / (work > 0 ? work : 1));
}

/// Where a loop over at least `step` channels goes on after channel `c`: its last step ends with the last channel, and
/// computes some once more.
static inline int32_t martlet_next_channels(int32_t c, int32_t step, int32_t count) {
  c += step;
  return c < count && c + step > count ? count - step : c;
}

/// A unit of an operator that is nothing but a loop over elements.
#define MARTLET_SPAN_UNIT 32768

typedef struct martlet_span {
  int64_t begin, end;
} martlet_span;

static inline martlet_workload martlet_span_workload(int32_t count) {
  return (martlet_workload){.units = martlet_ceil_div(count, MARTLET_SPAN_UNIT),
                            .unit_work = martlet_min(count, MARTLET_SPAN_UNIT)};
}

/// The elements of units [first, last).
static inline martlet_span martlet_span_of(int32_t count, int32_t first, int32_t last) {
  martlet_span span = {(int64_t)first * MARTLET_SPAN_UNIT, (int64_t)last * MARTLET_SPAN_UNIT};
  if (span.end > count) span.end = count;
  return span;
}

#endif

/// Elementary functions on 16 lanes, and sums over rows in one written order.
///
/// Written with the compiler's vector types: IEEE arithmetic lane by lane, which every processor rounds alike however
/// wide its registers are. Included once for each instruction set, between `#pragma clang attribute`s.
///
/// A NaN or an infinity may come from the weights, which are not looked at when a model is loaded. Whether a number is
/// a NaN is the same on every processor, its bits are not. So whoever chooses by a number compares in one written form
/// (`clamp_lanes`, `choose`; never a minimum or maximum instruction, which treat NaN differently), and what leaves for
/// a hash, the results of a matrix, is made canonical.
#ifndef MARTLET_LANGUAGE_MATH_H
#define MARTLET_LANGUAGE_MATH_H

#include "kernels_internal.h"
#include "martlet_language.h"

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef int8_t vb __attribute__((vector_size(16)));
typedef uint16_t vh __attribute__((vector_size(32)));
#define MARTLET_LANES 16

// What only processors without SIMD run is kept small: it calls these functions.
#if defined(MARTLET_SMALL_LANES)
#define MARTLET_INLINE static __attribute__((noinline, unused))
#else
#define MARTLET_INLINE static inline __attribute__((always_inline))
#endif

MARTLET_INLINE void load_lanes(vf *v, const float *from) { memcpy(v, from, sizeof *v); }
MARTLET_INLINE void store_lanes(float *to, const vf *v) { memcpy(to, v, sizeof *v); }

/// The first `count` lanes; zero in the others.
MARTLET_INLINE void load_some(vf *v, const float *from, int32_t count) {
  if (count >= MARTLET_LANES) {
    load_lanes(v, from);
    return;
  }
  float lanes[MARTLET_LANES] = {0};
  for (int32_t i = 0; i < count; i++) lanes[i] = from[i];
  load_lanes(v, lanes);
}

MARTLET_INLINE void store_some(float *to, const vf *v, int32_t count) {
  if (count >= MARTLET_LANES) {
    store_lanes(to, v);
    return;
  }
  float lanes[MARTLET_LANES];
  store_lanes(lanes, v);
  for (int32_t i = 0; i < count; i++) to[i] = lanes[i];
}

/// Lanes i and i + 8 are added, then i and i + 4, and so on.
MARTLET_INLINE float sum_lanes(const vf *v) {
  float lanes[MARTLET_LANES];
  store_lanes(lanes, v);
  for (int width = MARTLET_LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lanes[i] = lanes[i] + lanes[i + width];
  return lanes[0];
}

/// out = a * b + c, rounded once.
MARTLET_INLINE void fma_lanes(vf *out, const vf *a, const vf *b, const vf *c) {
#if defined(MARTLET_SMALL_LANES)
  // Without an instruction for it a call for each lane.
  float x[MARTLET_LANES], y[MARTLET_LANES], z[MARTLET_LANES];
  store_lanes(x, a);
  store_lanes(y, b);
  store_lanes(z, c);
  MARTLET_REST for (int i = 0; i < MARTLET_LANES; i++) x[i] = __builtin_fmaf(x[i], y[i], z[i]);
  load_lanes(out, x);
#else
  *out = __builtin_elementwise_fma(*a, *b, *c);
#endif
}

/// a where mask is set, else b.
MARTLET_INLINE void choose(vf *out, const vi *mask, const vf *a, const vf *b) {
  *out = (vf)(((vi)*a & *mask) | ((vi)*b & ~*mask));
}

/// NaN becomes the one with these bits. Which bits a NaN has that arithmetic makes depends on the processor (x86 sets
/// the sign, ARM does not) and on the order of operands.
MARTLET_INLINE void canonical_lanes(vf *x) {
  const vf nan = (vf)((vi){0} + 0x7FC00000);
  vi is_number = *x == *x;
  choose(x, &is_number, x, &nan);
}

/// NaN counts as `low`.
MARTLET_INLINE void clamp_lanes(vf *x, float low, float high) {
  vf lows = (vf){0} + low, highs = (vf){0} + high;
  vi above = *x > lows;
  choose(x, &above, x, &lows);
  vi below = *x < highs;
  choose(x, &below, x, &highs);
}

MARTLET_INLINE float max_lanes(const vf *v) {
  float lanes[MARTLET_LANES];
  store_lanes(lanes, v);
  float most = lanes[0];
  for (int i = 1; i < MARTLET_LANES; i++) most = lanes[i] > most ? lanes[i] : most;
  return most;
}

/// The largest lane of those that are numbers, of which there is one: lanes i and i + 8 are compared, then i and i + 4,
/// and so on.
MARTLET_INLINE float largest_lane(const vf *v) {
  typedef float half __attribute__((vector_size(32)));
  typedef float quarter __attribute__((vector_size(16)));
  typedef int32_t half_mask __attribute__((vector_size(32)));
  typedef int32_t quarter_mask __attribute__((vector_size(16)));
  const half a = __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7);
  const half b = __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);
  const half_mask is_b = b > a;
  const half c = (half)(((half_mask)b & is_b) | ((half_mask)a & ~is_b));
  const quarter d = __builtin_shufflevector(c, c, 0, 1, 2, 3), e = __builtin_shufflevector(c, c, 4, 5, 6, 7);
  const quarter_mask is_e = e > d;
  const quarter f = (quarter)(((quarter_mask)e & is_e) | ((quarter_mask)d & ~is_e));
  const float x = f[2] > f[0] ? f[2] : f[0], y = f[3] > f[1] ? f[3] : f[1];
  return y > x ? y : x;
}

/// exp(x) for x clamped to -87...88: x = n ln 2 + r, a polynomial in r (coefficients of Cephes' expf), times 2^n.
/// Within 2 units in the last place.
MARTLET_INLINE void exp_lanes(vf *x) {
  clamp_lanes(x, -87.0f, 88.0f);
  const vf magic = (vf){0} + 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  vf shifted = *x * 1.44269504f + magic;
  vi n = (vi)shifted - (vi)magic;
  vf whole = shifted - magic;
  vf r = *x - whole * 0.693359375f;
  r = r - whole * -2.12194440e-4f;
  vf p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  *x = p * (vf)((n + 127) << 23);
}

/// 2^x for x <= 0; what is below -126, and a NaN, counts as -126. 2^0 is 1. x = n + f with f in -0.5...0.5, a minimax
/// polynomial in f, times 2^n. Within 2 units in the last place.
MARTLET_INLINE void exp2_lanes(vf *x) {
  const vf lowest = (vf){0} - 126.0f, magic = (vf){0} + 12582912.0f;
  vi above = *x > lowest;
  choose(x, &above, x, &lowest);
  vf shifted = *x + magic;
  vf f = *x - (shifted - magic);
  static const float factors[] = {9.671513e-3f, 5.5507336e-2f, 2.4022242e-1f, 6.93147e-1f, 1.0f};
  vf p = (vf){0} + 1.3264727e-3f;
  for (int i = 0; i < 5; i++) {
    const vf factor = (vf){0} + factors[i];
    fma_lanes(&p, &p, &f, &factor);
  }
  *x = (vf)((vi)p + ((vi)shifted << 23));
}

/// tanh(x) = 1 - 2 / (exp(2x) + 1).
MARTLET_INLINE void tanh_lanes(vf *x) {
  vf e = *x * 2.0f;
  exp_lanes(&e);
  *x = 1.0f - 2.0f / (e + 1.0f);
}

/// cap * tanh(x / cap).
MARTLET_INLINE void cap_lanes(vf *x, float cap) {
  *x = *x / cap;
  tanh_lanes(x);
  *x = *x * cap;
}

/// x / (1 + exp(-x)).
MARTLET_INLINE void silu_lanes(vf *x) {
  vf e = -*x;
  exp_lanes(&e);
  *x = *x / (1.0f + e);
}

/// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
MARTLET_INLINE void gelu_lanes(vf *x) {
  vf inner = (*x + *x * *x * *x * 0.044715f) * 0.797884561f;
  tanh_lanes(&inner);
  *x = *x * 0.5f * (1.0f + inner);
}

/// Nearest integer, ties to even, for |x| < 2^22.
MARTLET_INLINE void round_lanes(vi *out, const vf *x) {
  const vf magic = (vf){0} + 12582912.0f;
  *out = (vi)(*x + magic) - (vi)magic;
}

/// Sine and cosine of a finite angle, |angle| < 2^30, in double: a quarter turn is taken off in three parts, the rest
/// by Taylor series whose error is below float's precision.
MARTLET_INLINE void sine_cosine(float angle, float *sine, float *cosine) {
  const double x = angle, magic = 6755399441055744.0;  // 1.5 * 2^52
  double n = (x * 0.63661977236758134308 + magic) - magic;
  double r = x - n * 1.57079632673412561417;
  r = r - n * 6.07710050630396597660e-11;
  r = r - n * 2.02226624879595063154e-21;
  const double z = r * r;
  double s = 1.0 / 6227020800.0;
  s = s * z - 1.0 / 39916800.0;
  s = s * z + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  s = s * z * r + r;
  double c = 1.0 / 479001600.0;
  c = c * z - 1.0 / 3628800.0;
  c = c * z + 1.0 / 40320.0;
  c = c * z - 1.0 / 720.0;
  c = c * z + 1.0 / 24.0;
  c = c * z - 1.0 / 2.0;
  c = c * z + 1.0;
  const int64_t quarter = (int64_t)n & 3;
  *sine = (float)(quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c);
  *cosine = (float)(quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s);
}

/// Correctly rounded, as IEEE 754 has it.
MARTLET_INLINE float square_root(float x) { return __builtin_elementwise_sqrt(x); }

#endif

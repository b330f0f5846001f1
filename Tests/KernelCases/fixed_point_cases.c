/// The rescaling helpers against the definition, written out with 64-bit integers and real division.
#include "context.h"
#include "requant_avx2.h"
#include "requant_avx512.h"
#include "requant_neon.h"

/// Value that provokes roundings: extremes, halves, powers of two and their neighbours, any number of significant bits.
static int32_t awkward(martlet_random *random) {
  int32_t near = martlet_random_in(random, -3, 3), bits = martlet_random_in(random, 0, 31);
  int32_t any = (int32_t)(martlet_random_next(random) >> 32);
  switch (martlet_random_in(random, 0, 4)) {
    case 0: return near < 0 ? INT32_MAX + near : INT32_MIN + near;
    case 1: return near;
    case 2: return (int32_t)(((uint32_t)1 << bits) + (uint32_t)near);
    default: return any >> bits;
  }
}

/// x / 2^n, the nearest integer, halves away from zero.
static int64_t divided(int64_t x, int32_t n) {
  int64_t divisor = (int64_t)1 << n, magnitude = x < 0 ? -x : x;
  int64_t quotient = magnitude / divisor, rest = magnitude % divisor;
  if (2 * rest >= divisor && n > 0) quotient++;
  return x < 0 ? -quotient : quotient;
}

/// gemmlowp's definition: a nudge by the product's sign, then division that truncates.
static int32_t defined(int32_t x, int32_t multiplier, int32_t shift) {
  int32_t shifted = (int32_t)((uint32_t)x << (shift > 0 ? shift : 0));
  int64_t product = (int64_t)shifted * multiplier;
  int64_t nudge = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
  return (int32_t)divided((product + nudge) / ((int64_t)1 << 31), shift < 0 ? -shift : 0);
}

typedef struct lanes {
  int32_t x[16], multiplier[16], left[16], right[16], out[16];
} lanes;

#if defined(__x86_64__)
MARTLET_TARGET_avx2 static void rescale_avx2(lanes *l) {
  for (int i = 0; i < 16; i += 8) {
    __m256i y = martlet_rescale_avx2(
        _mm256_loadu_si256((const __m256i *)(l->x + i)), _mm256_loadu_si256((const __m256i *)(l->multiplier + i)),
        _mm256_loadu_si256((const __m256i *)(l->left + i)), _mm256_loadu_si256((const __m256i *)(l->right + i)));
    _mm256_storeu_si256((__m256i *)(l->out + i), y);
  }
}
MARTLET_TARGET_avx512vnni static void rescale_avx512(lanes *l) {
  _mm512_storeu_si512(l->out, martlet_rescale_avx512(_mm512_loadu_si512(l->x), _mm512_loadu_si512(l->multiplier),
                                                     _mm512_loadu_si512(l->left), _mm512_loadu_si512(l->right)));
}
#elif defined(__aarch64__)
static void rescale_neon(lanes *l) {
  for (int i = 0; i < 16; i += 4) {
    vst1q_s32(l->out + i, martlet_rescale_neon(vld1q_s32(l->x + i), vld1q_s32(l->multiplier + i),
                                               vld1q_s32(l->left + i), vld1q_s32(l->right + i)));
  }
}
#endif

static void rescale_scalar(lanes *l) {
  for (int i = 0; i < 16; i++) l->out[i] = martlet_rescale(l->x[i], l->multiplier[i], l->left[i] - l->right[i]);
}

static void rescale(const martlet_kernel_table *variant, lanes *l) {
#if defined(__x86_64__)
  if (variant == martlet_kernels_for(MARTLET_ISA_AVX2)) return rescale_avx2(l);
  if (variant == martlet_kernels_for(MARTLET_ISA_AVX512VNNI)) return rescale_avx512(l);
#elif defined(__aarch64__)
  if (variant != martlet_kernels_for(MARTLET_ISA_SCALAR)) return rescale_neon(l);
#endif
  rescale_scalar(l);
}

static bool rescale_case(martlet_case_context *context, int32_t index) {
  (void)index;
  martlet_random *random = &context->random;
  for (int round = 0; round < 64; round++) {
    lanes l;
    for (int i = 0; i < 16; i++) {
      int32_t shift = MARTLET_RANDOM_OF(random, martlet_random_in(random, -31, 30), martlet_random_in(random, -12, 2));
      l.x[i] = awkward(random);
      l.multiplier[i] = awkward(random) & INT32_MAX;
      l.left[i] = shift > 0 ? shift : 0;
      l.right[i] = shift < 0 ? -shift : 0;
    }
    rescale(context->variant, &l);
    if (context->sabotage) l.out[round % 16] ^= 1;
    for (int i = 0; i < 16; i++) {
      if (l.out[i] != defined(l.x[i], l.multiplier[i], l.left[i] - l.right[i])) return false;
    }
  }
  return true;
}

const martlet_case_group martlet_fixed_point_cases[] = {{"rescale", 200, rescale_case}, {NULL, 0, NULL}};

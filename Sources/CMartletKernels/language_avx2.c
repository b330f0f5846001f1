#if defined(__x86_64__)
// In front of everything: what is inlined must have the target of what it is inlined into.
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "language.h"

#define LANGUAGE(NAME, P) MARTLET_KERNEL(NAME, avx2, P)

/// As in matmul_avx2.c.
MARTLET_INLINE void dot_some(const uint8_t *w, const int8_t *x, int32_t stride, int32_t quads, const int count,
                             int32_t sums[4][16]) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i acc[4][2];
  for (int i = 0; i < count; i++) acc[i][0] = acc[i][1] = _mm256_setzero_si256();
  for (int32_t q = 0; q < quads; q++, w += 64) {
    const __m256i w0 = _mm256_loadu_si256((const __m256i *)w), w1 = _mm256_loadu_si256((const __m256i *)(w + 32));
    const __m256i a0 = _mm256_abs_epi8(w0), a1 = _mm256_abs_epi8(w1);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) {
      int32_t word;
      memcpy(&word, x + i * stride + q * 4, 4);
      const __m256i v = _mm256_set1_epi32(word);
      const __m256i p0 = _mm256_maddubs_epi16(a0, _mm256_sign_epi8(v, w0));
      const __m256i p1 = _mm256_maddubs_epi16(a1, _mm256_sign_epi8(v, w1));
      acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(p0, ones));
      acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(p1, ones));
    }
  }
  for (int i = 0; i < count; i++)
    for (int h = 0; h < 2; h++) _mm256_storeu_si256((__m256i *)(sums[i] + h * 8), acc[i][h]);
}

// Functions of their own: inside attention the sums do not stay in registers.
#define DOT(COUNT)                                                                                                    \
  static __attribute__((noinline)) void dot_##COUNT(const uint8_t *w, const int8_t *x, int32_t stride, int32_t quads, \
                                                    int32_t sums[4][16]) {                                            \
    dot_some(w, x, stride, quads, COUNT, sums);                                                                       \
  }
DOT(1)
DOT(2)
DOT(3)
DOT(4)

static void dot_block(const uint8_t *w, const int8_t *x, int32_t stride, int32_t quads, int32_t count,
                      int32_t sums[4][16]) {
  switch (count) {
    case 1: dot_1(w, x, stride, quads, sums); break;
    case 2: dot_2(w, x, stride, quads, sums); break;
    case 3: dot_3(w, x, stride, quads, sums); break;
    default: dot_4(w, x, stride, quads, sums); break;
  }
}

#include "token.h"
#include "attention.h"

#pragma clang attribute pop
#endif

/// In the place of the compiler's: AVX-512 in plain C, by SIMDe (https://github.com/simd-everywhere/simde), and what its
/// release in Debian 12 does not have.
#ifndef MARTLET_EMULATED_IMMINTRIN_H
#define MARTLET_EMULATED_IMMINTRIN_H

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#include <string.h>

typedef float emulated_floats __attribute__((vector_size(64)));
typedef int32_t emulated_words __attribute__((vector_size(64)));
typedef uint16_t emulated_halves __attribute__((vector_size(32)));
typedef uint8_t emulated_unsigned __attribute__((vector_size(16)));
typedef int8_t emulated_bytes __attribute__((vector_size(16)));

/// TO NAME(FROM v), lanes converted by EXPRESSION of `x`.
#define EMULATED(TO, NAME, FROM, LANES, RESULT_LANES, EXPRESSION) \
  static inline TO NAME(FROM v) {                                 \
    LANES x;                                                      \
    memcpy(&x, &v, sizeof x);                                     \
    const RESULT_LANES y = EXPRESSION;                            \
    TO out;                                                       \
    memcpy(&out, &y, sizeof out);                                 \
    return out;                                                   \
  }
EMULATED(__m512i, emulated_cvtepu16_epi32, __m256i, emulated_halves, emulated_words,
         __builtin_convertvector(x, emulated_words))
EMULATED(__m512, emulated_cvtepi32_ps, __m512i, emulated_words, emulated_floats,
         __builtin_convertvector(x, emulated_floats))
EMULATED(__m512i, emulated_cvtps_epi32, __m512, emulated_floats, emulated_words,
         __builtin_convertvector(__builtin_elementwise_rint(x), emulated_words))
EMULATED(__m128i, emulated_cvtepi32_epi8, __m512i, emulated_words, emulated_bytes,
         __builtin_convertvector(x, emulated_bytes))
EMULATED(__m512i, emulated_cvtepu8_epi32, __m128i, emulated_unsigned, emulated_words,
         __builtin_convertvector(x, emulated_words))
/// SIMDe's rounds twice.
static inline __m512 emulated_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  emulated_floats x, y, z;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &b, sizeof y);
  memcpy(&z, &c, sizeof z);
  z = __builtin_elementwise_fma(x, y, z);
  memcpy(&c, &z, sizeof c);
  return c;
}
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps emulated_fmadd_ps
#define _mm512_cvtepu8_epi32 emulated_cvtepu8_epi32
#define _mm512_cvtepu16_epi32 emulated_cvtepu16_epi32
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps
#define _mm512_cvtps_epi32 emulated_cvtps_epi32
#define _mm512_cvtepi32_epi8 emulated_cvtepi32_epi8

#endif

/// In place of the compiler's own: AVX-512 by SIMDe, in AVX2, for a processor that has no AVX-512. What SIMDe lacks is
/// below, element by element; what neither has does not compile, since the compiler's own needs AVX-512.
#ifndef MARTLET_EMULATED_IMMINTRIN_H
#define MARTLET_EMULATED_IMMINTRIN_H

#include_next <immintrin.h>

// SIMDe is not written for our warnings.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#pragma clang diagnostic pop

typedef float emulated_floats __attribute__((vector_size(64)));
typedef int8_t emulated_bytes __attribute__((vector_size(64)));
typedef int32_t emulated_words __attribute__((vector_size(64)));
typedef int64_t emulated_longs __attribute__((vector_size(64)));

#define EMULATED static inline __attribute__((always_inline, unused, target("avx2,fma")))
/// A function of one vector, lane by lane.
#define EMULATE_LANES(NAME, OUT, OUT_LANE, IN, IN_LANE, COUNT, EXPRESSION) \
  EMULATED OUT emulated_##NAME(IN in) {                                    \
    IN_LANE from[COUNT];                                                   \
    OUT_LANE to[COUNT];                                                    \
    memcpy(from, &in, sizeof from);                                        \
    for (int i = 0; i < COUNT; i++) {                                      \
      const IN_LANE x = from[i];                                           \
      to[i] = EXPRESSION;                                                  \
    }                                                                      \
    OUT out;                                                               \
    memcpy(&out, to, sizeof out);                                          \
    return out;                                                            \
  }

EMULATE_LANES(cvtepi32_ps, __m512, float, __m512i, int32_t, 16, (float)x)
EMULATE_LANES(cvtepi32_pd, __m512d, double, __m256i, int32_t, 8, x)
EMULATE_LANES(cvtepi8_epi32, __m512i, int32_t, __m128i, int8_t, 16, x)
EMULATE_LANES(cvtepu8_epi32, __m512i, int32_t, __m128i, uint8_t, 16, x)
EMULATE_LANES(cvtepu16_epi32, __m512i, int32_t, __m256i, uint16_t, 16, x)
EMULATE_LANES(cvtepu32_epi64, __m512i, int64_t, __m256i, uint32_t, 8, x)
// To nearest, ties to even; the kernels clamp before.
EMULATE_LANES(cvtpd_epi32, __m256i, int32_t, __m512d, double, 8, (int32_t)__builtin_rint(x))
// SIMDe's takes the flag against exceptions for a part of the rounding.
EMULATE_LANES(truncate_pd, __m512d, double, __m512d, double, 8, __builtin_trunc(x))
#undef _mm512_roundscale_pd
#define _mm512_roundscale_pd(A, HOW)                                                        \
  __extension__({                                                                           \
    _Static_assert((HOW) == (_MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC), "only towards zero"); \
    emulated_truncate_pd(A);                                                                \
  })
// The same rounding.
EMULATE_LANES(cvtps_epi32, __m512i, int32_t, __m512, float, 16, (int32_t)__builtin_rintf(x))
EMULATE_LANES(cvtepi32_epi8, __m128i, int8_t, __m512i, int32_t, 16, (int8_t)x)
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32 emulated_cvtps_epi32
#undef _mm512_cvtepi32_epi8
#define _mm512_cvtepi32_epi8 emulated_cvtepi32_epi8
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps
#undef _mm512_cvtepi32_pd
#define _mm512_cvtepi32_pd emulated_cvtepi32_pd
#undef _mm512_cvtepi8_epi32
#define _mm512_cvtepi8_epi32 emulated_cvtepi8_epi32
#undef _mm512_cvtepu8_epi32
#define _mm512_cvtepu8_epi32 emulated_cvtepu8_epi32
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 emulated_cvtepu16_epi32
#undef _mm512_cvtepu32_epi64
#define _mm512_cvtepu32_epi64 emulated_cvtepu32_epi64
#undef _mm512_cvtpd_epi32
#define _mm512_cvtpd_epi32 emulated_cvtpd_epi32

// Masked bytes and words: only those of the mask are touched.
EMULATED void emulated_read(void *to, uint64_t mask, const void *from, int count) {
  for (int i = 0; i < count; i++) ((uint8_t *)to)[i] = mask >> i & 1 ? ((const uint8_t *)from)[i] : 0;
}
EMULATED void emulated_write(void *to, uint64_t mask, const void *from, int count) {
  for (int i = 0; i < count; i++)
    if (mask >> i & 1) ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
}
#define EMULATE_BYTES(PREFIX, VECTOR)                                        \
  EMULATED VECTOR emulated##PREFIX##_read(uint64_t mask, const void *from) { \
    VECTOR out;                                                              \
    emulated_read(&out, mask, from, sizeof out);                             \
    return out;                                                              \
  }                                                                          \
  EMULATED void emulated##PREFIX##_write(void *to, uint64_t mask, VECTOR v) { emulated_write(to, mask, &v, sizeof v); }
EMULATE_BYTES(_mm, __m128i)
EMULATE_BYTES(_mm256, __m256i)
EMULATE_BYTES(_mm512, __m512i)
EMULATED uint64_t emulated_wide(__mmask16 mask) {
  uint64_t wide = 0;
  for (int i = 0; i < 16; i++) wide |= (mask >> i & 1 ? (uint64_t)15 : 0) << i * 4;
  return wide;
}
#undef _mm512_maskz_loadu_epi32
#define _mm512_maskz_loadu_epi32(MASK, FROM) emulated_mm512_read(emulated_wide(MASK), FROM)
#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps(MASK, FROM) ((__m512)emulated_mm512_read(emulated_wide(MASK), FROM))
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps(TO, MASK, V) emulated_mm512_write(TO, emulated_wide(MASK), (__m512i)(V))
#undef _mm_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8 emulated_mm_read
#undef _mm_mask_storeu_epi8
#define _mm_mask_storeu_epi8 emulated_mm_write
#undef _mm256_maskz_loadu_epi8
#define _mm256_maskz_loadu_epi8 emulated_mm256_read
#undef _mm256_mask_storeu_epi8
#define _mm256_mask_storeu_epi8 emulated_mm256_write
#undef _mm512_maskz_loadu_epi8
#define _mm512_maskz_loadu_epi8 emulated_mm512_read
#undef _mm512_mask_storeu_epi8
#define _mm512_mask_storeu_epi8 emulated_mm512_write

EMULATED __mmask16 emulated_cmplt_epi32_mask(__m512i a, __m512i b) {
  __mmask16 mask = 0;
  for (int i = 0; i < 16; i++) mask |= (__mmask16)((((emulated_words)a)[i] < ((emulated_words)b)[i]) << i);
  return mask;
}
EMULATED __mmask64 emulated_cmpneq_epi8_mask(__m512i a, __m512i b) {
  __mmask64 mask = 0;
  for (int i = 0; i < 64; i++) mask |= (__mmask64)(((emulated_bytes)a)[i] != ((emulated_bytes)b)[i]) << i;
  return mask;
}
EMULATED int emulated_reduce_add_epi32(__m512i a) {
  uint32_t sum = 0;
  for (int i = 0; i < 16; i++) sum += (uint32_t)((emulated_words)a)[i];
  return (int)sum;
}
#undef _mm512_cmplt_epi32_mask
#define _mm512_cmplt_epi32_mask emulated_cmplt_epi32_mask
#undef _mm512_cmpneq_epi8_mask
#define _mm512_cmpneq_epi8_mask emulated_cmpneq_epi8_mask
#undef _mm512_reduce_add_epi32
#define _mm512_reduce_add_epi32 emulated_reduce_add_epi32

// Shifts to the right of signed lanes: by more than a lane has, its sign remains.
EMULATED __m512i emulated_sra32(__m512i a, __m512i by) {
  emulated_words out = (emulated_words)a;
  for (int i = 0; i < 16; i++) {
    const uint32_t n = ((uint32_t)((emulated_words)by)[i]);
    out[i] >>= n > 31 ? 31 : n;
  }
  return (__m512i)out;
}
EMULATED __m512i emulated_sra64(__m512i a, __m512i by) {
  emulated_longs out = (emulated_longs)a;
  for (int i = 0; i < 8; i++) {
    const uint64_t n = ((uint64_t)((emulated_longs)by)[i]);
    out[i] >>= n > 63 ? 63 : n;
  }
  return (__m512i)out;
}
EMULATED __m512i emulated_each(int64_t n) {
  return (__m512i)((emulated_words){0} + (int32_t)(n > 31 || n < 0 ? 31 : n));
}
#undef _mm512_srav_epi32
#define _mm512_srav_epi32 emulated_sra32
#undef _mm512_srav_epi64
#define _mm512_srav_epi64 emulated_sra64
#undef _mm512_srai_epi32
#define _mm512_srai_epi32(A, N) emulated_sra32(A, emulated_each(N))
#undef _mm512_sra_epi32
#define _mm512_sra_epi32(A, N) emulated_sra32(A, emulated_each(_mm_cvtsi128_si64(N)))

EMULATED __m512i emulated_shuffle(__m512i a, int order) {
  emulated_words out;
  for (int i = 0; i < 16; i++) out[i] = ((emulated_words)a)[(i & ~3) + (order >> i % 4 * 2 & 3)];
  return (__m512i)out;
}
EMULATED __m512i emulated_mask_shuffle(__m512i without, __mmask16 mask, __m512i a, int order) {
  emulated_words out = (emulated_words)emulated_shuffle(a, order);
  for (int i = 0; i < 16; i++)
    if (!(mask >> i & 1)) out[i] = ((emulated_words)without)[i];
  return (__m512i)out;
}
#undef _mm512_shuffle_epi32
#define _mm512_shuffle_epi32(A, ORDER) emulated_shuffle(A, (int)(ORDER))
#undef _mm512_mask_shuffle_epi32
#define _mm512_mask_shuffle_epi32(WITHOUT, MASK, A, ORDER) emulated_mask_shuffle(WITHOUT, MASK, A, (int)(ORDER))

#endif

#if defined(__x86_64__)
// In front of everything, as in attention_avx2.c.
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(MARTLET_EMULATES_AVX512)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), \
                             apply_to = function)
#endif
#include "attention_walk.h"

// vpdpbusd multiplies unsigned by signed bytes. A key is used as key + 128; what that adds, 128 * sum of the query,
// starts the accumulator with the opposite sign. Weights are unsigned.

MARTLET_INLINE __m512i broadcast(const void *from) {
  int32_t word;
  memcpy(&word, from, 4);
  return _mm512_set1_epi32(word);
}

/// 32 slots at a time: the products of one accumulator wait for each other.
MARTLET_INLINE void score_rows(const attention_tile *tile, attention_queries q, float scores[][TILE], const int count) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  for (int b = 0; b < 4; b += 2) {
    const int8_t *keys = tile->keys + b * 16 * tile->padded, *x = q.quants;
    __m512 acc[4][2];
    for (int i = 0; i < count; i++) acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (int32_t g = 0; g < tile->groups; g++) {
      const int32_t quads = martlet_min(GROUP, tile->padded - g * GROUP) / 4;
      __m512i sums[4][2];
      for (int i = 0; i < count; i++) sums[i][0] = sums[i][1] = _mm512_set1_epi32(-128 * q.sums[i * tile->groups + g]);
      for (int32_t quad = 0; quad < quads; quad++, keys += 64, x += 4) {
        const __m512i k0 = _mm512_xor_si512(_mm512_load_si512(keys), flip);
        const __m512i k1 = _mm512_xor_si512(_mm512_load_si512(keys + 16 * tile->padded), flip);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
          const __m512i v = broadcast(x + i * tile->padded);
          sums[i][0] = _mm512_dpbusd_epi32(sums[i][0], k0, v);
          sums[i][1] = _mm512_dpbusd_epi32(sums[i][1], k1, v);
        }
      }
      const uint16_t *scales = tile->key_scales + (size_t)g * (size_t)tile->capacity + b * 16;
      for (int h = 0; h < 2; h++) {
        const __m512i halves = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)(scales + h * 16)));
        const __m512 scale = _mm512_castsi512_ps(_mm512_slli_epi32(halves, 16));
        for (int i = 0; i < count; i++) {
          const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[i][h]), scale);
          acc[i][h] = _mm512_fmadd_ps(product, _mm512_set1_ps(q.scales[i * tile->groups + g]), acc[i][h]);
        }
      }
    }
    for (int i = 0; i < count; i++)
      for (int h = 0; h < 2; h++) _mm512_store_ps(scores[i] + (b + h) * 16, acc[i][h]);
  }
}

static void score(const attention_tile *tile, const attention_queries *queries, int32_t rows, float scores[][TILE]) {
  FOUR_ROWS(rows, score_rows(tile, queries_behind(tile, queries, done), scores + done, count))
}

/// To 64 high and 64 low digits.
static void weigh(const float e[TILE], const float ratios[TILE], attention_weights *out) {
  for (int i = 0; i < TILE; i += 16) {
    const __m512i w = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(e + i), _mm512_load_ps(ratios + i)));
    const __m512i low = _mm512_and_si512(w, _mm512_set1_epi32(127));
    _mm_store_si128((__m128i *)(out->bytes + i), _mm512_cvtepi32_epi8(_mm512_srli_epi32(w, 7)));
    _mm_store_si128((__m128i *)(out->bytes + TILE + i), _mm512_cvtepi32_epi8(low));
  }
}

MARTLET_INLINE void mix_rows(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights,
                             int32_t sums[][GROUP], const int count) {
  for (int32_t e = 0; e < elements; e += 16) {
    __m512i high[4], low[4];
    for (int i = 0; i < count; i++) high[i] = low[i] = _mm512_setzero_si512();
    const int8_t *at = values + e * 4;
    for (int s = 0; s < TILE; s += 4, at += 4 * padded) {
      const __m512i v = _mm512_load_si512(at);
#pragma clang loop unroll(full)
      for (int i = 0; i < count; i++) {
        high[i] = _mm512_dpbusd_epi32(high[i], broadcast(weights[i].bytes + s), v);
        low[i] = _mm512_dpbusd_epi32(low[i], broadcast(weights[i].bytes + TILE + s), v);
      }
    }
    for (int i = 0; i < count; i++)
      _mm512_storeu_si512(sums[i] + e, _mm512_add_epi32(_mm512_slli_epi32(high[i], 7), low[i]));
  }
}

static void mix(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights, int32_t rows,
                int32_t sums[][GROUP]){
    FOUR_ROWS(rows, mix_rows(values, padded, elements, weights + done, sums + done, count))}

MARTLET_KERNEL(attention, avx512vnni, p) {
  static const attention_variant variant = {score, weigh, mix};
  attend(p, first, last, scratch, &variant);
}

#pragma clang attribute pop
#endif

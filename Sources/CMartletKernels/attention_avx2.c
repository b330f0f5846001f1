#if defined(__x86_64__)
// In front of everything: what is inlined must have the target of what it is inlined into.
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "attention_walk.h"

/// As in matmul_avx2.c: |key| by the query with the key's sign.
MARTLET_INLINE void score_rows(const attention_tile *tile, attention_queries q, float scores[][TILE], const int count) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int b = 0; b < 4; b++) {
    const int8_t *key = tile->keys + b * 16 * tile->padded, *x = q.quants;
    __m256 acc[4][2];
    for (int i = 0; i < count; i++) acc[i][0] = acc[i][1] = _mm256_setzero_ps();
    for (int32_t g = 0; g < tile->groups; g++) {
      const int32_t quads = martlet_min(GROUP, tile->padded - g * GROUP) / 4;
      __m256i sums[4][2];
      for (int i = 0; i < count; i++) sums[i][0] = sums[i][1] = _mm256_setzero_si256();
      for (int32_t quad = 0; quad < quads; quad++, key += 64, x += 4) {
        const __m256i k0 = _mm256_load_si256((const __m256i *)key);
        const __m256i k1 = _mm256_load_si256((const __m256i *)(key + 32));
        const __m256i a0 = _mm256_abs_epi8(k0), a1 = _mm256_abs_epi8(k1);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
          int32_t word;
          memcpy(&word, x + i * tile->padded, 4);
          const __m256i v = _mm256_set1_epi32(word);
          const __m256i p0 = _mm256_maddubs_epi16(a0, _mm256_sign_epi8(v, k0));
          const __m256i p1 = _mm256_maddubs_epi16(a1, _mm256_sign_epi8(v, k1));
          sums[i][0] = _mm256_add_epi32(sums[i][0], _mm256_madd_epi16(p0, ones));
          sums[i][1] = _mm256_add_epi32(sums[i][1], _mm256_madd_epi16(p1, ones));
        }
      }
      const uint16_t *scales = tile->key_scales + (size_t)g * (size_t)tile->capacity + b * 16;
      for (int h = 0; h < 2; h++) {
        const __m256i halves = _mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)(scales + h * 8)));
        const __m256 scale = _mm256_castsi256_ps(_mm256_slli_epi32(halves, 16));
        for (int i = 0; i < count; i++) {
          const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[i][h]), scale);
          acc[i][h] = _mm256_fmadd_ps(product, _mm256_set1_ps(q.scales[i * tile->groups + g]), acc[i][h]);
        }
      }
    }
    for (int i = 0; i < count; i++)
      for (int h = 0; h < 2; h++) _mm256_store_ps(scores[i] + b * 16 + h * 8, acc[i][h]);
  }
}

static void score(const attention_tile *tile, const attention_queries *queries, int32_t rows, float scores[][TILE]) {
  FOUR_ROWS(rows, score_rows(tile, queries_behind(tile, queries, done), scores + done, count))
}

/// To 64 x int16.
static void weigh(const float e[TILE], const float ratios[TILE], attention_weights *out) {
  for (int i = 0; i < TILE; i += 16) {
    const __m256 a = _mm256_mul_ps(_mm256_load_ps(e + i), _mm256_load_ps(ratios + i));
    const __m256 b = _mm256_mul_ps(_mm256_load_ps(e + i + 8), _mm256_load_ps(ratios + i + 8));
    const __m256i packed = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
    _mm256_store_si256((__m256i *)(out->bytes + i * 2), _mm256_permute4x64_epi64(packed, 0xD8));
  }
}

/// 8 elements at a time; of each the sums of the first two and of the last two of four slots.
MARTLET_INLINE void mix_rows(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights,
                             int32_t sums[][GROUP], const int count) {
  for (int32_t e = 0; e < elements; e += 8) {
    __m256i acc[4][2];
    for (int i = 0; i < count; i++) acc[i][0] = acc[i][1] = _mm256_setzero_si256();
    const int8_t *at = values + e * 4;
    for (int s = 0; s < TILE; s += 4, at += 4 * padded) {
      const __m256i v0 = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)at));
      const __m256i v1 = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(at + 16)));
#pragma clang loop unroll(full)
      for (int i = 0; i < count; i++) {
        int64_t four;
        memcpy(&four, weights[i].bytes + s * 2, 8);
        const __m256i weight = _mm256_set1_epi64x(four);
        acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(v0, weight));
        acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(v1, weight));
      }
    }
    for (int i = 0; i < count; i++) {
      const __m256i pairs = _mm256_hadd_epi32(acc[i][0], acc[i][1]);
      _mm256_store_si256((__m256i *)(sums[i] + e), _mm256_permute4x64_epi64(pairs, 0xD8));
    }
  }
}

static void mix(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights, int32_t rows,
                int32_t sums[][GROUP]){
    FOUR_ROWS(rows, mix_rows(values, padded, elements, weights + done, sums + done, count))}

MARTLET_KERNEL(attention, avx2, p) {
  static const attention_variant variant = {score, weigh, mix};
  attend(p, first, last, scratch, &variant);
}

#pragma clang attribute pop
#endif

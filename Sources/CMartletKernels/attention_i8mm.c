#include "attention_neon.h"

#if defined(__aarch64__)

// smmla: two rows of 8 bytes by two rows of 8 bytes. Two quads of 4 slots (or elements), zipped, are 2 x 2 rows of 8.

#define TARGET MARTLET_TARGET_i8mm
#define INLINE static inline __attribute__((always_inline))

/// Quads a and b of four rows: rows 0 and 1, then 2 and 3.
typedef struct zipped {
  int8x16_t pair[2];
} zipped;

TARGET INLINE zipped zip(const int8_t *a, const int8_t *b) {
  const int32x4_t x = vreinterpretq_s32_s8(vld1q_s8(a)), y = vreinterpretq_s32_s8(vld1q_s8(b));
  return (zipped){{vreinterpretq_s8_s32(vzip1q_s32(x, y)), vreinterpretq_s8_s32(vzip2q_s32(x, y))}};
}

/// Four rows of queries: of fewer the dot product makes as much in as many instructions.
TARGET static void score_four(const attention_tile *tile, attention_queries q, float scores[][TILE]) {
  for (int b = 0; b < 4; b++) {
    const int8_t *keys = tile->keys + b * 16 * tile->padded, *x = q.quants;
    float32x4_t acc[4][4];
    for (int i = 0; i < 4; i++)
      for (int r = 0; r < 4; r++) acc[i][r] = vdupq_n_f32(0);
    for (int32_t g = 0; g < tile->groups; g++) {
      // [two queries][two slots]
      int32x4_t sums[2][8];
      for (int i = 0; i < 2; i++)
        for (int r = 0; r < 8; r++) sums[i][r] = vdupq_n_s32(0);
      for (int32_t e = 0; e < martlet_min(GROUP, tile->padded - g * GROUP); e += 8, keys += 128, x += 8) {
        int8x16_t v[2];
        for (int i = 0; i < 2; i++)
          v[i] = vcombine_s8(vld1_s8(x + 2 * i * tile->padded), vld1_s8(x + (2 * i + 1) * tile->padded));
        for (int r = 0; r < 4; r++) {
          const zipped key = zip(keys + r * 16, keys + 64 + r * 16);
          for (int h = 0; h < 2; h++)
            for (int i = 0; i < 2; i++) sums[i][2 * r + h] = vmmlaq_s32(sums[i][2 * r + h], key.pair[h], v[i]);
        }
      }
      const uint16_t *scales = tile->key_scales + (size_t)g * (size_t)tile->capacity + b * 16;
      const float *query_scales = q.scales + g;
      for (int r = 0; r < 4; r++)
        for (int i = 0; i < 2; i++) {
          const int32x4_t first = vuzp1q_s32(sums[i][2 * r], sums[i][2 * r + 1]);
          const int32x4_t second = vuzp2q_s32(sums[i][2 * r], sums[i][2 * r + 1]);
          acc[2 * i][r] = join_score(acc[2 * i][r], first, scales + r * 4, query_scales[2 * i * tile->groups]);
          acc[2 * i + 1][r] =
              join_score(acc[2 * i + 1][r], second, scales + r * 4, query_scales[(2 * i + 1) * tile->groups]);
        }
    }
    for (int i = 0; i < 4; i++)
      for (int r = 0; r < 4; r++) vst1q_f32(scores[i] + b * 16 + r * 4, acc[i][r]);
  }
}

TARGET static void score(const attention_tile *tile, const attention_queries *queries, int32_t rows,
                         float scores[][TILE]) {
  int32_t done = 0;
  for (; done + 4 <= rows; done += 4) score_four(tile, queries_behind(tile, queries, done), scores + done);
  if (done == rows) return;
  const attention_queries rest = queries_behind(tile, queries, done);
  martlet_attention_score_dotprod(tile, &rest, rows - done, scores + done);
}

/// For each 8 slots 8 high digits, then 8 low ones: two rows.
TARGET static void weigh(const float e[TILE], const float ratios[TILE], attention_weights *out) {
  for (int i = 0; i < TILE; i += 16) {
    const attention_digits digits = weigh_16(e + i, ratios + i);
    const int64x2_t high = vreinterpretq_s64_s8(digits.high), low = vreinterpretq_s64_s8(digits.low);
    vst1q_s8((int8_t *)out->bytes + i * 2, vreinterpretq_s8_s64(vzip1q_s64(high, low)));
    vst1q_s8((int8_t *)out->bytes + i * 2 + 16, vreinterpretq_s8_s64(vzip2q_s64(high, low)));
  }
}

TARGET INLINE void mix_rows(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights,
                            int32_t sums[][GROUP], const int count) {
  for (int32_t e = 0; e < elements; e += 8) {
    // [row][two elements]: both digits of each.
    int32x4_t acc[4][4];
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 4; r++) acc[i][r] = vdupq_n_s32(0);
    const int8_t *at = values + e * 4;
    for (int s = 0; s < TILE; s += 8, at += 8 * padded) {
      const zipped v[2] = {zip(at, at + 4 * padded), zip(at + 16, at + 4 * padded + 16)};
      for (int i = 0; i < count; i++) {
        const int8x16_t weight = vld1q_s8((const int8_t *)weights[i].bytes + s * 2);
        for (int r = 0; r < 4; r++) acc[i][r] = vmmlaq_s32(acc[i][r], v[r / 2].pair[r % 2], weight);
      }
    }
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 2; r++) {
        const int32x4_t high = vuzp1q_s32(acc[i][2 * r], acc[i][2 * r + 1]);
        const int32x4_t low = vuzp2q_s32(acc[i][2 * r], acc[i][2 * r + 1]);
        vst1q_s32(sums[i] + e + r * 4, vaddq_s32(vshlq_n_s32(high, 7), low));
      }
  }
}

TARGET static void mix(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights,
                       int32_t rows, int32_t sums[][GROUP]) {
  FOUR_ROWS(rows, mix_rows(values, padded, elements, weights + done, sums + done, count))
}

MARTLET_KERNEL(attention, i8mm, p) {
  static const attention_variant variant = {score, weigh, mix};
  martlet_attention_walk_neon(p, first, last, scratch, &variant);
}
#endif

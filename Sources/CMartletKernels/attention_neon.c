#include "attention_neon.h"

#if defined(__aarch64__)
#include "attention_walk.h"

void martlet_attention_walk_neon(const martlet_attention_params *p, int32_t first, int32_t last, void *scratch,
                                 const attention_variant *variant) {
  attend(p, first, last, scratch, variant);
}

void martlet_attention_weigh_neon(const float e[TILE], const float ratios[TILE], attention_weights *out) {
  for (int i = 0; i < TILE; i += 16) {
    const attention_digits digits = weigh_16(e + i, ratios + i);
    vst1q_s8((int8_t *)out->bytes + i, digits.high);
    vst1q_s8((int8_t *)out->bytes + TILE + i, digits.low);
  }
}

/// Four bytes, twice.
MARTLET_INLINE int8x8_t twice(const void *from) {
  int32_t word;
  memcpy(&word, from, 4);
  return vreinterpret_s8_s32(vdup_n_s32(word));
}

/// Adds to `acc` the products of 4 x 4 bytes with four bytes x, and of 4 x 4 further ones with y: first those of the
/// first two, in halves; two products of bytes that are not both -128 fit 16 bits.
MARTLET_INLINE void multiply(int32x4_t acc[2], int8x16_t a, int8x8_t x, int8x16_t b, int8x8_t y) {
  acc[0] = vpadalq_s16(acc[0], vmlal_s8(vmull_s8(vget_low_s8(a), x), vget_low_s8(b), y));
  acc[1] = vpadalq_s16(acc[1], vmlal_s8(vmull_s8(vget_high_s8(a), x), vget_high_s8(b), y));
}

MARTLET_INLINE void score_rows(const attention_tile *tile, attention_queries q, float scores[][TILE], const int count) {
  for (int b = 0; b < 4; b++) {
    const int8_t *keys = tile->keys + b * 16 * tile->padded, *x = q.quants;
    float32x4_t acc[2][4];
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 4; r++) acc[i][r] = vdupq_n_f32(0);
    for (int32_t g = 0; g < tile->groups; g++) {
      const int32_t quads = martlet_min(GROUP, tile->padded - g * GROUP) / 4;
      int32x4_t sums[2][4][2];
      for (int i = 0; i < count; i++)
        for (int r = 0; r < 4; r++) sums[i][r][0] = sums[i][r][1] = vdupq_n_s32(0);
      for (int32_t quad = 0; quad < quads; quad += 2, keys += 128, x += 8) {
        int8x8_t v[2][2];
        for (int i = 0; i < count; i++)
          for (int h = 0; h < 2; h++) v[i][h] = twice(x + i * tile->padded + h * 4);
        for (int r = 0; r < 4; r++) {
          const int8x16_t k0 = vld1q_s8(keys + r * 16), k1 = vld1q_s8(keys + 64 + r * 16);
          for (int i = 0; i < count; i++) multiply(sums[i][r], k0, v[i][0], k1, v[i][1]);
        }
      }
      const uint16_t *scales = tile->key_scales + (size_t)g * (size_t)tile->capacity + b * 16;
      for (int r = 0; r < 4; r++)
        for (int i = 0; i < count; i++)
          acc[i][r] = join_score(acc[i][r], vpaddq_s32(sums[i][r][0], sums[i][r][1]), scales + r * 4,
                                 q.scales[i * tile->groups + g]);
    }
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 4; r++) vst1q_f32(scores[i] + b * 16 + r * 4, acc[i][r]);
  }
}

static void score(const attention_tile *tile, const attention_queries *queries, int32_t rows, float scores[][TILE]) {
  int32_t done = 0;
  for (; done + 2 <= rows; done += 2) score_rows(tile, queries_behind(tile, queries, done), scores + done, 2);
  if (done < rows) score_rows(tile, queries_behind(tile, queries, done), scores + done, 1);
}

MARTLET_INLINE void mix_rows(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights,
                             int32_t sums[][GROUP], const int count) {
  for (int32_t e = 0; e < elements; e += 8) {
    // [row][digit][4 elements][half]
    int32x4_t acc[2][2][2][2];
    for (int i = 0; i < count; i++)
      for (int d = 0; d < 2; d++)
        for (int r = 0; r < 2; r++) acc[i][d][r][0] = acc[i][d][r][1] = vdupq_n_s32(0);
    const int8_t *at = values + e * 4;
    for (int s = 0; s < TILE; s += 8, at += 8 * padded) {
      int8x16_t v[2][2];
      for (int h = 0; h < 2; h++)
        for (int r = 0; r < 2; r++) v[h][r] = vld1q_s8(at + h * 4 * padded + r * 16);
      for (int i = 0; i < count; i++)
        for (int d = 0; d < 2; d++) {
          const uint8_t *digits = weights[i].bytes + d * TILE + s;
          const int8x8_t x = twice(digits), y = twice(digits + 4);
          for (int r = 0; r < 2; r++) multiply(acc[i][d][r], v[0][r], x, v[1][r], y);
        }
    }
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 2; r++) {
        const int32x4_t high = vpaddq_s32(acc[i][0][r][0], acc[i][0][r][1]);
        const int32x4_t low = vpaddq_s32(acc[i][1][r][0], acc[i][1][r][1]);
        vst1q_s32(sums[i] + e + r * 4, vaddq_s32(vshlq_n_s32(high, 7), low));
      }
  }
}

static void mix(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights, int32_t rows,
                int32_t sums[][GROUP]) {
  int32_t done = 0;
  for (; done + 2 <= rows; done += 2) mix_rows(values, padded, elements, weights + done, sums + done, 2);
  if (done < rows) mix_rows(values, padded, elements, weights + done, sums + done, 1);
}

MARTLET_KERNEL(attention, neon, p) {
  static const attention_variant variant = {score, martlet_attention_weigh_neon, mix};
  attend(p, first, last, scratch, &variant);
}
#endif

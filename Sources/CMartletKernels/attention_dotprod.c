#include "attention_neon.h"

#if defined(__aarch64__)

#define TARGET MARTLET_TARGET_dotprod
#define INLINE static inline __attribute__((always_inline))

TARGET INLINE void score_rows(const attention_tile *tile, attention_queries q, float scores[][TILE], const int count) {
  for (int b = 0; b < 4; b++) {
    const int8_t *keys = tile->keys + b * 16 * tile->padded, *x = q.quants;
    float32x4_t acc[4][4];
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 4; r++) acc[i][r] = vdupq_n_f32(0);
    for (int32_t g = 0; g < tile->groups; g++) {
      int32x4_t sums[4][4];
      for (int i = 0; i < count; i++)
        for (int r = 0; r < 4; r++) sums[i][r] = vdupq_n_s32(0);
      for (int32_t e = 0; e < martlet_min(GROUP, tile->padded - g * GROUP); e += 16, keys += 256, x += 16) {
        int8x16_t v[4];
        for (int i = 0; i < count; i++) v[i] = vld1q_s8(x + i * tile->padded);
#define QUAD(LANE)                                                                                \
  for (int r = 0; r < 4; r++) {                                                                   \
    const int8x16_t key = vld1q_s8(keys + LANE * 64 + r * 16);                                    \
    for (int i = 0; i < count; i++) sums[i][r] = vdotq_laneq_s32(sums[i][r], key, v[i], LANE);     \
  }
        QUAD(0)
        QUAD(1)
        QUAD(2)
        QUAD(3)
#undef QUAD
      }
      const uint16_t *scales = tile->key_scales + (size_t)g * (size_t)tile->capacity + b * 16;
      for (int r = 0; r < 4; r++)
        for (int i = 0; i < count; i++)
          acc[i][r] = join_score(acc[i][r], sums[i][r], scales + r * 4, q.scales[i * tile->groups + g]);
    }
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 4; r++) vst1q_f32(scores[i] + b * 16 + r * 4, acc[i][r]);
  }
}

TARGET void martlet_attention_score_dotprod(const attention_tile *tile, const attention_queries *queries, int32_t rows,
                                            float scores[][TILE]) {
  FOUR_ROWS(rows, score_rows(tile, queries_behind(tile, queries, done), scores + done, count))
}

TARGET INLINE void mix_rows(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights,
                            int32_t sums[][GROUP], const int count) {
  for (int32_t e = 0; e < elements; e += 8) {
    // [row][digit][4 elements]
    int32x4_t acc[4][2][2];
    for (int i = 0; i < count; i++)
      for (int d = 0; d < 2; d++) acc[i][d][0] = acc[i][d][1] = vdupq_n_s32(0);
    const int8_t *at = values + e * 4;
    for (int s = 0; s < TILE; s += 16) {
      int8x16_t w[4][2];
      for (int i = 0; i < count; i++)
        for (int d = 0; d < 2; d++) w[i][d] = vld1q_s8((const int8_t *)weights[i].bytes + d * TILE + s);
#define QUAD(LANE)                                                                                  \
  for (int r = 0; r < 2; r++) {                                                                     \
    const int8x16_t v = vld1q_s8(at + r * 16);                                                      \
    for (int i = 0; i < count; i++)                                                                 \
      for (int d = 0; d < 2; d++) acc[i][d][r] = vdotq_laneq_s32(acc[i][d][r], v, w[i][d], LANE);    \
  }                                                                                                 \
  at += 4 * padded;
      QUAD(0)
      QUAD(1)
      QUAD(2)
      QUAD(3)
#undef QUAD
    }
    for (int i = 0; i < count; i++)
      for (int r = 0; r < 2; r++)
        vst1q_s32(sums[i] + e + r * 4, vaddq_s32(vshlq_n_s32(acc[i][0][r], 7), acc[i][1][r]));
  }
}

TARGET static void mix(const int8_t *values, int32_t padded, int32_t elements, const attention_weights *weights,
                       int32_t rows, int32_t sums[][GROUP]) {
  FOUR_ROWS(rows, mix_rows(values, padded, elements, weights + done, sums + done, count))
}

MARTLET_KERNEL(attention, dotprod, p) {
  static const attention_variant variant = {martlet_attention_score_dotprod, martlet_attention_weigh_neon, mix};
  martlet_attention_walk_neon(p, first, last, scratch, &variant);
}
#endif

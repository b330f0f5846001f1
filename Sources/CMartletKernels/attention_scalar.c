#define MARTLET_SMALL_LANES
#include "attention.h"
#include "matmul.h"

// The specification of the integers.

MARTLET_SMALL_BEGIN
#include "attention_walk.h"

static void score(const attention_tile *tile, const attention_queries *queries, int32_t rows, float scores[][TILE]) {
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t s = 0; s < TILE; s++) {
      const int8_t *key = tile->keys + s / 16 * 16 * tile->padded + s % 16 * 4;
      float score = 0;
      for (int32_t g = 0; g < tile->groups; g++) {
        int32_t sum = 0;
        for (int32_t i = g * GROUP; i < martlet_min((g + 1) * GROUP, tile->padded); i++)
          sum += key[i / 4 * 64 + i % 4] * queries->quants[r * tile->padded + i];
        const uint16_t *scale = tile->key_scales + (size_t)g * (size_t)tile->capacity + (size_t)s;
        const float product = (float)sum * martlet_bfloat((const uint8_t *)scale);
        score = __builtin_fmaf(product, queries->scales[r * tile->groups + g], score);
      }
      scores[r][s] = score;
    }
  }
}

static void weigh(const float e[TILE], const float ratios[TILE], attention_weights *out) {
  for (int32_t i = 0; i < TILE; i += MARTLET_LANES) {
    vf a, b;
    load_lanes(&a, e + i);
    load_lanes(&b, ratios + i);
    a *= b;
    vi rounded;
    round_lanes(&rounded, &a);
    const vh weights = __builtin_convertvector(rounded, vh);
    memcpy(out->bytes + i * 2, &weights, sizeof weights);
  }
}

static void mix(const int8_t *values, int32_t padded, int32_t count, const attention_weights *weights, int32_t rows,
                int32_t sums[][GROUP]) {
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t i = 0; i < count; i++) {
      sums[r][i] = 0;
      for (int32_t s = 0; s < TILE; s++) {
        uint16_t weight;
        memcpy(&weight, weights[r].bytes + s * 2, 2);
        sums[r][i] += weight * values[s / 4 * 4 * padded + i * 4 + s % 4];
      }
    }
  }
}

MARTLET_KERNEL(attention, scalar, p) {
  static const attention_variant variant = {score, weigh, mix};
  attend(p, first, last, scratch, &variant);
}
MARTLET_SMALL_END

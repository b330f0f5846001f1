#include "matmul_arm.h"

#if defined(__aarch64__)
#define TARGET MARTLET_TARGET_dotprod

/// Four quads of a token lie in one register, a lane each.
TARGET INLINE void multiply(const int8_t *w, const int8_t *const x[], int tokens, int vectors, int quads,
                            bool is_nibble, int32x4_t dots[][4]) {
  (void)is_nibble;
  UNROLL
  for (int t = 0; t < tokens; t++) {
    UNROLL
    for (int i = 0; i < vectors; i++) dots[t][i] = vdupq_n_s32(0);
  }
  UNROLL
  for (int q = 0; q < quads; q += 4) {
    int8x16_t quants[4];
    UNROLL
    for (int t = 0; t < tokens; t++) quants[t] = vld1q_s8(x[t] + q * 4);
#define QUAD(LANE)                                                                                     \
  UNROLL                                                                                               \
  for (int i = 0; i < vectors; i++) {                                                                  \
    const int8x16_t bytes = vld1q_s8(w + (q + LANE) * 64 + i * 16);                                    \
    UNROLL                                                                                             \
    for (int t = 0; t < tokens; t++) dots[t][i] = vdotq_laneq_s32(dots[t][i], bytes, quants[t], LANE); \
  }
    QUAD(0) QUAD(1) QUAD(2) QUAD(3)
#undef QUAD
  }
}

/// A group of one token: sums of each half.
TARGET INLINE void multiply_nibbles(const uint8_t *w, const int8_t *x, int32x4_t dots[2][4]) {
  UNROLL
  for (int i = 0; i < 4; i++) dots[0][i] = dots[1][i] = vdupq_n_s32(0);
  UNROLL
  for (int q = 0; q < 8; q += 4) {
    const int8x16_t first = vld1q_s8(x + q * 4), second = vld1q_s8(x + MARTLET_HALF_GROUP + q * 4);
#define LINE(LANE)                                                                                     \
  UNROLL                                                                                               \
  for (int i = 0; i < 4; i++) {                                                                        \
    const uint8x16_t bytes = vld1q_u8(w + (q + LANE) * 64 + i * 16);                                   \
    const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15)));                        \
    dots[0][i] = vdotq_laneq_s32(dots[0][i], low, first, LANE);                                        \
    dots[1][i] = vdotq_laneq_s32(dots[1][i], vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4)), second, LANE); \
  }
    LINE(0) LINE(1) LINE(2) LINE(3)
#undef LINE
  }
}

#include "matmul_neon.h"

TARGET void martlet_matmul_int8_dotprod(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                        int32_t token, int32_t tokens, float out[MARTLET_TILE][16]) {
  tile_int8(p, s, block, token, tokens, out);
}

TARGET void martlet_matmul_int4_dotprod(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                        int32_t token, int32_t tokens, float out[MARTLET_TILE][16]) {
  tile_int4(p, s, block, token, tokens, out);
}

MARTLET_KERNEL(matmul, dotprod, p) {
  static const matmul_variant variant = {
      .tile = {martlet_matmul_tile_f32, martlet_matmul_int8_dotprod, martlet_matmul_int4_dotprod},
      .most = {4, MARTLET_TILE, MARTLET_TILE}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

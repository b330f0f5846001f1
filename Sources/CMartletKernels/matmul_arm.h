/// What the matrix products of the ARM instruction sets share.
#ifndef MARTLET_MATMUL_ARM_H
#define MARTLET_MATMUL_ARM_H

#include "matmul.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable)")

/// Groups whose weights and levels are laid out on the stack at a time, for all tokens of a tile: 12 KiB of weights.
/// The sums wait in memory from one run of groups to the next.
#define RUN 12
#define LEVEL_BYTES 64

/// Bfloat16 of rows 0...3 and 4...7 to floats.
INLINE float32x4_t low_floats(uint16x8_t halves) {
  return vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(halves), 16));
}
INLINE float32x4_t high_floats(uint16x8_t halves) { return vreinterpretq_f32_u32(vshll_high_n_u16(halves, 16)); }
INLINE uint16x8_t load_halves(const uint8_t *at) { return vreinterpretq_u16_u8(vld1q_u8(at)); }

/// 16 bytes to words: rows 4 * i ... 4 * i + 3 in words[i]. An index beyond the table gives zero.
INLINE void widen(uint8x16_t bytes, uint32x4_t words[4]) {
  UNROLL
  for (int i = 0; i < 4; i++) {
    const uint32x4_t rows = {0xFFFFFF00 + 4 * i, 0xFFFFFF01 + 4 * i, 0xFFFFFF02 + 4 * i, 0xFFFFFF03 + 4 * i};
    words[i] = vreinterpretq_u32_u8(vqtbl1q_u8(bytes, vreinterpretq_u8_u32(rows)));
  }
}

/// The token in place `i` of a tile that may reach beyond the last: that one again, whose sums are computed twice.
INLINE int32_t tile_token(int32_t i, int32_t tokens) { return martlet_min(i, tokens - 1); }

/// out = out * step - below * floor step, of 16 rows.
INLINE void apply_steps(const uint8_t *block, const float below[16], float out[16]) {
  UNROLL
  for (int i = 0; i < 4; i += 2) {
    const uint16x8_t steps = load_halves(block + i * 8), floor_steps = load_halves(block + 32 + i * 8);
    float *at = out + i * 4;
    const float *floor = below + i * 4;
    vst1q_f32(at, vsubq_f32(vmulq_f32(vld1q_f32(at), low_floats(steps)),
                            vmulq_f32(vld1q_f32(floor), low_floats(floor_steps))));
    vst1q_f32(at + 4, vsubq_f32(vmulq_f32(vld1q_f32(at + 4), high_floats(steps)),
                                vmulq_f32(vld1q_f32(floor + 4), high_floats(floor_steps))));
  }
}

/// What makes an INT4 block's results of sums: the sums of floors, and both levels' steps.
void martlet_matmul_floors_neon(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);

/// The dot-product instruction's tiles.
void martlet_matmul_int8_dotprod(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                 int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);
void martlet_matmul_int4_dotprod(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                 int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);
#endif
#endif

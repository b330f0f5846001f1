/// What the matrix products of the ARM instruction sets share.
#ifndef MARTLET_MATMUL_ARM_H
#define MARTLET_MATMUL_ARM_H

#include "matmul.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/// Groups whose weights and levels are laid out on the stack at a time, for all tokens of a tile: 12 KiB of weights.
/// The sums wait in memory from one run of groups to the next.
#define RUN 12
#define LEVEL_BYTES 64

/// Bfloat16 of rows 0...3 and 4...7 to floats.
INLINE float32x4_t low_floats(uint16x8_t halves) { return vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(halves), 16)); }
INLINE float32x4_t high_floats(uint16x8_t halves) { return vreinterpretq_f32_u32(vshll_high_n_u16(halves, 16)); }
INLINE uint16x8_t load_halves(const uint8_t *at) { return vreinterpretq_u16_u8(vld1q_u8(at)); }

/// 16 bytes to words: rows 4 * i ... 4 * i + 3 in words[i].
INLINE void widen(uint8x16_t bytes, uint32x4_t words[4]) {
  const uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_high_u8(bytes);
  words[0] = vmovl_u16(vget_low_u16(low));
  words[1] = vmovl_high_u16(low);
  words[2] = vmovl_u16(vget_low_u16(high));
  words[3] = vmovl_high_u16(high);
}

/// The token in place `i` of a tile that may reach beyond the last: that one again, whose sums are computed twice.
INLINE int32_t tile_token(int32_t i, int32_t tokens) { return martlet_min(i, tokens - 1); }

/// Adds floors times the tokens' sums of `groups` groups, the first of which is `group`: below[t][16].
void martlet_matmul_below_neon(const martlet_matmul_params *p, const uint8_t *block, int32_t group, int32_t groups,
                               int32_t token, int32_t tokens, float below[MARTLET_TILE][16]);

/// out = out * step - below * floor step.
void martlet_matmul_steps_neon(const uint8_t *block, int32_t tokens, float below[MARTLET_TILE][16],
                               float out[MARTLET_TILE][16]);

/// The dot-product instruction's tiles.
void martlet_matmul_int8_dotprod(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                 int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);
void martlet_matmul_int4_dotprod(const martlet_matmul_params *p, const matmul_shape *s, const uint8_t *block,
                                 int32_t token, int32_t tokens, float out[MARTLET_TILE][16]);
#endif
#endif

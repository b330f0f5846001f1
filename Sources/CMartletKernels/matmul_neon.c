#define TARGET
// Two products of int8 fit 16 bits only just: they are widened and added in pairs at once.
#define MULTIPLY(acc, w, x)                                                            \
  do {                                                                                 \
    const int32x4_t low_pairs = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x))); \
    const int32x4_t high_pairs = vpaddlq_s16(vmull_high_s8(w, x));                     \
    acc = vaddq_s32(acc, vpaddq_s32(low_pairs, high_pairs));                           \
  } while (0)
#include "matmul_neon.h"

#if defined(__aarch64__)
MARTLET_KERNEL(matmul, neon, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8_any, tile_int4_any},
                                         .most = {4, MOST, MOST}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

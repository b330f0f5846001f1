#define TARGET __attribute__((target("dotprod")))
#define MULTIPLY(acc, w, x) acc = vdotq_s32(acc, w, x)
#include "matmul_neon.h"

#if defined(__aarch64__)
MARTLET_KERNEL(matmul, dotprod, p) {
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8_any, tile_int4_any},
                                         .most = {4, MOST, MOST}};
  martlet_matmul_drive(p, first, last, &variant);
}
#endif

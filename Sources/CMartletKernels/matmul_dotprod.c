#define TARGET __attribute__((target("dotprod")))
#define MULTIPLY(acc, w, x) acc = vdotq_s32(acc, w, x)
#include "matmul_neon.h"

#if defined(__aarch64__)
MARTLET_MATMUL(dotprod) {
  (void)buffers, (void)scratch;
  static const matmul_variant variant = {.tile = {martlet_matmul_tile_f32, tile_int8, tile_int4}};
  martlet_matmul_drive(params, first, last, &variant);
}
#endif

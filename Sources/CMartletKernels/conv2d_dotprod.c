#include "conv2d_dotprod.h"

#if defined(__aarch64__)

// armv8.2 dot product: a quad of depth per channel and instruction. Pixels are loaded 16 bytes at a time and multiplied
// by lane.

#define TARGET MARTLET_TARGET_dotprod
#define NARROW_PIXELS 8

// Six pixels and a panel take all 32 registers. Accumulators are operands 0...23, pixels' addresses 24...29, that of
// the weights is 30.
// clang-format off
#define LOAD(V, X) "ldr q" #V ", [%" #X "], #16\n"
#define DOT(A, W, V, LANE) "sdot %" #A ".4s, v" #W ".16b, v" #V ".4b[" #LANE "]\n"
#define DOT_SIX(A, B, C, D, E, F, W, LANE)                               \
  DOT(A, W, 24, LANE) DOT(B, W, 25, LANE) DOT(C, W, 26, LANE)            \
  DOT(D, W, 27, LANE) DOT(E, W, 28, LANE) DOT(F, W, 29, LANE)
#define QUAD_SIX(O0, O32, LANE)                                          \
  "ldp q30, q31, [%30, #" #O0 "]\n"                                      \
  DOT_SIX(0, 4, 8, 12, 16, 20, 30, LANE)                                 \
  DOT_SIX(1, 5, 9, 13, 17, 21, 31, LANE)                                 \
  "ldp q30, q31, [%30, #" #O32 "]\n"                                     \
  DOT_SIX(2, 6, 10, 14, 18, 22, 30, LANE)                                \
  DOT_SIX(3, 7, 11, 15, 19, 23, 31, LANE)
// clang-format on
#define FOUR_OF(A) "+w"(A[0]), "+w"(A[1]), "+w"(A[2]), "+w"(A[3])

/// `times` 16 of depth; moves the pixels on and returns the weights' end.
TARGET MARTLET_INLINE const int8_t *sixteens(const int8_t *w, const int8_t *x[], int32_t times, int32x4_t acc[][4]) {
  if (times > 0) {
    __asm__ volatile("1:\n" LOAD(24, 24) LOAD(25, 25) LOAD(26, 26) LOAD(27, 27) LOAD(28, 28) LOAD(29, 29)
                         QUAD_SIX(0, 32, 0) QUAD_SIX(64, 96, 1) QUAD_SIX(128, 160, 2)
                             QUAD_SIX(192, 224, 3) "add %30, %30, #256\nsubs %w31, %w31, #1\nb.ne 1b\n"
                     : FOUR_OF(acc[0]), FOUR_OF(acc[1]), FOUR_OF(acc[2]), FOUR_OF(acc[3]), FOUR_OF(acc[4]),
                       FOUR_OF(acc[5]), "+r"(x[0]), "+r"(x[1]), "+r"(x[2]), "+r"(x[3]), "+r"(x[4]), "+r"(x[5]), "+r"(w),
                       "+r"(times)
                     :
                     : "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  }
  return w;
}

/// One quad of all pixels, `LANE` of what was loaded from each.
#define QUAD(DOT, LANE)                                                                  \
  do {                                                                                   \
    MARTLET_UNROLL                                                                       \
    for (int j = 0; j < vectors; j++) {                                                  \
      const int8x16_t four = vld1q_s8(w + 64 * (LANE) + 16 * j);                         \
      MARTLET_UNROLL                                                                     \
      for (int i = 0; i < pixels; i++) acc[i][j] = DOT(acc[i][j], four, value[i], LANE); \
    }                                                                                    \
  } while (0)

TARGET MARTLET_INLINE void multiply(const conv2d_panel_neon *panel, const conv2d_pixels_neon *at, int pixels,
                                    int vectors, int32x4_t acc[][4]) {
  const int8_t *w = panel->weights, *segment = at->a;
  const int32_t all_quads = panel->quads;
  int32_t left = panel->segments, across = panel->across;
  do {
    const int8_t *x[MARTLET_BLOCK_PIXELS];
    conv2d_point_neon(panel, at, segment, pixels, x);
    int32_t quads = all_quads;
    if (pixels == 6 && vectors == 4) {
      w = sixteens(w, x, quads >> 2, acc);
    } else {
      for (; quads >= 4; quads -= 4, w += 256) {
        int8x16_t value[MARTLET_BLOCK_PIXELS];
        MARTLET_UNROLL
        for (int i = 0; i < pixels; i++) {
          value[i] = vld1q_s8(x[i]);
          x[i] += 16;
        }
        QUAD(vdotq_laneq_s32, 0);
        QUAD(vdotq_laneq_s32, 1);
        QUAD(vdotq_laneq_s32, 2);
        QUAD(vdotq_laneq_s32, 3);
      }
    }
    if (quads & 2) {
      int8x8_t value[MARTLET_BLOCK_PIXELS];
      MARTLET_UNROLL
      for (int i = 0; i < pixels; i++) {
        value[i] = vld1_s8(x[i]);
        x[i] += 8;
      }
      QUAD(vdotq_lane_s32, 0);
      QUAD(vdotq_lane_s32, 1);
      w += 128;
    }
    if (quads & 1) {
      int8x8_t value[MARTLET_BLOCK_PIXELS];
      MARTLET_UNROLL
      for (int i = 0; i < pixels; i++)
        value[i] = vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)(const void *)x[i]));
      QUAD(vdotq_lane_s32, 0);
      w += 64;
    }
  } while (conv2d_next_segment_neon(panel, &segment, &left, &across));
}

TARGET MARTLET_INLINE void blocks(const conv2d_panel_neon *panel, conv2d_pixels_neon *from, int32_t times, int pixels,
                                  int vectors) {
  conv2d_pixels_neon at = *from;
  for (; times > 0; times--) {
    int32x4_t acc[MARTLET_BLOCK_PIXELS][4];
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) MARTLET_UNROLL
    for (int j = 0; j < vectors; j++) acc[i][j] = panel->channels.bias[j];
    multiply(panel, &at, pixels, vectors, acc);
    conv2d_store_neon(panel, &at, pixels, vectors, acc);
    conv2d_advance_neon(panel, &at, pixels);
  }
  *from = at;
}

#define DEFINE_BLOCKS(NAME, PIXELS, VECTORS)                                                                  \
  TARGET static void NAME##_##PIXELS(const conv2d_panel_neon *panel, conv2d_pixels_neon *at, int32_t times) { \
    blocks(panel, at, times, PIXELS, VECTORS);                                                                \
  }
DEFINE_BLOCKS(wide, 1, 4)
DEFINE_BLOCKS(wide, 2, 4)
DEFINE_BLOCKS(wide, 3, 4)
DEFINE_BLOCKS(wide, 4, 4)
DEFINE_BLOCKS(wide, 5, 4)
DEFINE_BLOCKS(wide, 6, 4)
DEFINE_BLOCKS(narrow, 8, 2)

/// A single pixel times one or two panels, as in a fully connected layer: weights are read once, from memory.
TARGET MARTLET_INLINE void single(const conv2d_run *run, const uint8_t *panel, int panels, int8_t *out,
                                  int32_t channels, const conv2d_double_neon *in_double) {
  const conv2d_grid *g = run->grid;
  const int8_t *w[2], *row = run->a;
  w[0] = (const int8_t *)panel + sizeof(martlet_channels);
  w[1] = w[0] + g->panel_bytes;
  // Otherwise derived from the other one, which moves, at each use.
  MARTLET_OPAQUE(w[1]);
  int32x4_t acc[2][4];
  MARTLET_UNROLL
  for (int i = 0; i < panels; i++) {
    const martlet_channels *c = (const martlet_channels *)(panel + i * g->panel_bytes);
    MARTLET_UNROLL
    for (int j = 0; j < 4; j++) acc[i][j] = vld1q_s32(c->bias + 4 * j);
  }
  for (int32_t sy = g->segments_y; sy > 0; sy--, row += run->segment_stride_y) {
    const int8_t *segment = row;
    for (int32_t sx = g->segments_x; sx > 0; sx--, segment += run->segment_stride_x) {
      const int8_t *x = segment;
      int32_t times = g->segment_quads >> 2;
      if (times > 0) do {
          const int8x16_t value = vld1q_s8(x);
          x += 16;
          MARTLET_UNROLL
          for (int i = 0; i < panels; i++) {
            MARTLET_UNROLL
            for (int j = 0; j < 4; j++) {
              int32x4_t sum = vdotq_laneq_s32(acc[i][j], vld1q_s8(w[i] + 16 * j), value, 0);
              sum = vdotq_laneq_s32(sum, vld1q_s8(w[i] + 64 + 16 * j), value, 1);
              sum = vdotq_laneq_s32(sum, vld1q_s8(w[i] + 128 + 16 * j), value, 2);
              acc[i][j] = vdotq_laneq_s32(sum, vld1q_s8(w[i] + 192 + 16 * j), value, 3);
            }
            w[i] += 256;
          }
        } while (--times != 0);
      for (int32_t quads = g->segment_quads & 3; quads > 0; quads--, x += 4) {
        const int8x16_t value = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)x));
        MARTLET_UNROLL
        for (int i = 0; i < panels; i++) {
          MARTLET_UNROLL
          for (int j = 0; j < 4; j++) acc[i][j] = vdotq_s32(acc[i][j], vld1q_s8(w[i] + 16 * j), value);
          w[i] += 64;
        }
      }
    }
  }
  MARTLET_UNROLL
  for (int i = 0; i < panels; i++) {
    const martlet_channels *c = (const martlet_channels *)(panel + i * g->panel_bytes);
    if (in_double && channels >= 16 * panels) vst1q_s8(out + i * 16, conv2d_double_channels_neon(acc[i], c, in_double));
    else
      conv2d_store_single_neon(run, c, out + i * 16, channels - i * 16,
                               (int32x4x4_t){{acc[i][0], acc[i][1], acc[i][2], acc[i][3]}});
  }
}

/// A single pixel times all of a run's panels.
TARGET void martlet_conv2d_single_dotprod(const conv2d_run *run) {
  const conv2d_grid *g = run->grid;
  const uint8_t *panel = run->panel;
  int8_t *out = run->out;
  int32_t left = run->panels, channels = run->channels;
  const conv2d_double_neon constants = conv2d_double_prepare_neon(run),
                           *in_double = g->p.double_rescale ? &constants : NULL;
  for (; left >= 2; left -= 2, panel += 2 * g->panel_bytes, out += 32, channels -= 32)
    single(run, panel, 2, out, channels, in_double);
  if (left > 0) single(run, panel, 1, out, channels, in_double);
}

TARGET static __attribute__((noinline)) void run_blocks(const conv2d_run *run) {
  static const conv2d_blocks_neon wide[] = {wide_1, wide_2, wide_3, wide_4, wide_5, wide_6};
  static const conv2d_cut_neon cut = {wide, 6, 1, narrow_8, 8};
  for (int32_t i = 0; i < run->panels; i++) {
    conv2d_panel_neon panel;
    conv2d_panel_prepare_neon(run, i, &panel);
    conv2d_walk_neon(run, &panel, &cut);
  }
}

TARGET void martlet_conv2d_run_dotprod(const conv2d_run *run) {
  if (run->rows * run->count > 1) run_blocks(run);
  else martlet_conv2d_single_dotprod(run);
}

MARTLET_CONV2D_NEON(dotprod, martlet_conv2d_run_dotprod, martlet_conv2d_single_dotprod)
#endif

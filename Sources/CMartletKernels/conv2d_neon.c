#include "conv2d_neon.h"

#if defined(__aarch64__)

// armv8.0: bytes are multiplied to 16 bits and added in pairs to 32. Each lane of an accumulator holds half of a
// channel's sum. Two products, of two quads, are added in 16 bits before that, which is exact unless all four factors
// are -128. Blocks are of two pixels, as the products on their way want registers too: enough of them that an in-order
// processor need not wait.

#define NARROW_PIXELS 4

// MARK: - Pairs of quads, where their products may be added in 16 bits
//
// In assembly, as all 32 registers are in use: left to itself the compiler moves products so far from their sums that
// accumulators end up in memory. 16 accumulators are operands 0...15; pixels' quads are spread over v16...v19 (two
// pixels; of four, v16...v23), weights follow, then 8 (or 4) products. Weights are loaded while sums are formed.

// clang-format off
/// Next quad of the pixel at operand X, four times.
#define SPREAD(V, X) "ld1r {v" #V ".4s}, [%" #X "], #4\n"
/// Products OP of weights W and quads V: of the first two channels, of the last two, and of all to P and Q.
#define LOW(OP, P, W, V) #OP " v" #P ".8h, v" #W ".8b, v" #V ".8b\n"
#define HIGH(OP, P, W, V) #OP "2 v" #P ".8h, v" #W ".16b, v" #V ".16b\n"
#define BOTH(OP, P, Q, W, V) LOW(OP, P, W, V) HIGH(OP, Q, W, V)
#define SUM(A, P) "sadalp %" #A ".4s, v" #P ".8h\n"

// Two pixels: operands 16 and 17; weights: 18.
#define SPREAD_2 SPREAD(16, 16) SPREAD(18, 17) SPREAD(17, 16) SPREAD(19, 17)
#define WEIGHTS_2(OFFSET, OTHER) "ldp q20, q21, [%18, #" #OFFSET "]\nldp q22, q23, [%18, #" #OTHER "]\n"
#define HALF_2(A0, A1, A2, A3, B0, B1, B2, B3, NEXT)                     \
  BOTH(smull, 24, 25, 20, 16) BOTH(smull, 26, 27, 20, 18)                \
  BOTH(smull, 28, 29, 21, 16) BOTH(smull, 30, 31, 21, 18)                \
  BOTH(smlal, 24, 25, 22, 17) BOTH(smlal, 26, 27, 22, 19)                \
  BOTH(smlal, 28, 29, 23, 17) BOTH(smlal, 30, 31, 23, 19)                \
  NEXT                                                                   \
  SUM(A0, 24) SUM(A1, 25) SUM(B0, 26) SUM(B1, 27)                        \
  SUM(A2, 28) SUM(A3, 29) SUM(B2, 30) SUM(B3, 31)
/// OFFSET, and 32, 64 and 96 more; NEXT is loaded before the last sums.
#define PAIR_2(O0, O32, O64, O96, NEXT)                                  \
  WEIGHTS_2(O0, O64)                                                     \
  HALF_2(0, 1, 2, 3, 8, 9, 10, 11, WEIGHTS_2(O32, O96))                  \
  HALF_2(4, 5, 6, 7, 12, 13, 14, 15, NEXT)

// Four pixels and half a panel: operands 16...19; weights: 20.
#define SPREAD_4                                                         \
  SPREAD(16, 16) SPREAD(17, 17) SPREAD(18, 18) SPREAD(19, 19)            \
  SPREAD(20, 16) SPREAD(21, 17) SPREAD(22, 18) SPREAD(23, 19)
#define HALF_4(PART, W0, W1, A, B, C, D)                                 \
  PART(smull, 28, W0, 16) PART(smull, 29, W0, 17)                        \
  PART(smull, 30, W0, 18) PART(smull, 31, W0, 19)                        \
  PART(smlal, 28, W1, 20) PART(smlal, 29, W1, 21)                        \
  PART(smlal, 30, W1, 22) PART(smlal, 31, W1, 23)                        \
  SUM(A, 28) SUM(B, 29) SUM(C, 30) SUM(D, 31)
#define PAIR_4                                                           \
  SPREAD_4 "ldp q24, q25, [%20]\nldp q26, q27, [%20, #64]\n"             \
  HALF_4(LOW, 24, 26, 0, 4, 8, 12) HALF_4(HIGH, 24, 26, 1, 5, 9, 13)     \
  HALF_4(LOW, 25, 27, 2, 6, 10, 14) HALF_4(HIGH, 25, 27, 3, 7, 11, 15)
// clang-format on

#define FOUR(A, J) "+w"(A[J]), "+w"(A[J + 1]), "+w"(A[J + 2]), "+w"(A[J + 3])
#define TEMPORARIES                                                                                               \
  "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", \
      "cc", "memory"

/// `pairs` of quads of two pixels and a panel; moves the pixels on and returns the weights' end.
MARTLET_INLINE const int8_t *pairs_2(const int8_t *w, const int8_t *x[], int32_t pairs, int32x4_t acc[][8]) {
  if (pairs & 1) {
    __asm__ volatile(SPREAD_2 PAIR_2(0, 32, 64, 96, "add %18, %18, #128\n")
                     : FOUR(acc[0], 0), FOUR(acc[0], 4), FOUR(acc[1], 0), FOUR(acc[1], 4), "+r"(x[0]), "+r"(x[1]),
                       "+r"(w)
                     :
                     : TEMPORARIES);
  }
  if (pairs >>= 1) {
    __asm__ volatile("1:\n" SPREAD_2 PAIR_2(0, 32, 64, 96, SPREAD_2)
                         PAIR_2(128, 160, 192, 224, "add %18, %18, #256\nsubs %w19, %w19, #1\n") "b.ne 1b\n"
                     : FOUR(acc[0], 0), FOUR(acc[0], 4), FOUR(acc[1], 0), FOUR(acc[1], 4), "+r"(x[0]), "+r"(x[1]),
                       "+r"(w), "+r"(pairs)
                     :
                     : TEMPORARIES);
  }
  return w;
}

/// The same of four pixels and half a panel.
MARTLET_INLINE const int8_t *pairs_4(const int8_t *w, const int8_t *x[], int32_t pairs, int32x4_t acc[][8]) {
  if (pairs > 0) {
    __asm__ volatile("1:\n" PAIR_4 "add %20, %20, #128\nsubs %w21, %w21, #1\nb.ne 1b\n"
                     : FOUR(acc[0], 0), FOUR(acc[1], 0), FOUR(acc[2], 0), FOUR(acc[3], 0), "+r"(x[0]), "+r"(x[1]),
                       "+r"(x[2]), "+r"(x[3]), "+r"(w), "+r"(pairs)
                     :
                     : TEMPORARIES);
  }
  return w;
}

// MARK: - Any number of pixels and any weights

/// `quads` (1 or 2) quads of depth. `exact`: see is_exact.
MARTLET_INLINE void step(const int8_t *w, const int8_t *x[], int pixels, int vectors, int quads, bool exact,
                         int32x4_t acc[][8]) {
  int8x16_t value[NARROW_PIXELS][2];
  MARTLET_UNROLL
  for (int i = 0; i < pixels; i++) {
    MARTLET_UNROLL
    for (int q = 0; q < quads; q++) {
      value[i][q] = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)x[i]));
      // Known to repeat itself it would be halved, and the weights' upper halves moved down to it.
      MARTLET_OPAQUE_VECTOR(value[i][q]);
      x[i] += 4;
    }
  }
  MARTLET_UNROLL
  for (int j = 0; j < vectors; j++) {
    const int8x16_t first = vld1q_s8(w + 16 * j), second = quads == 2 ? vld1q_s8(w + 64 + 16 * j) : first;
    int16x8_t low[NARROW_PIXELS], high[NARROW_PIXELS];
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) {
      low[i] = vmull_s8(vget_low_s8(first), vget_low_s8(value[i][0]));
      high[i] = vmull_high_s8(first, value[i][0]);
    }
    if (quads == 2) {
      MARTLET_UNROLL
      for (int i = 0; i < pixels; i++) {
        if (!exact) {
          acc[i][2 * j] = vpadalq_s16(acc[i][2 * j], low[i]);
          acc[i][2 * j + 1] = vpadalq_s16(acc[i][2 * j + 1], high[i]);
          low[i] = high[i] = vdupq_n_s16(0);
        }
        low[i] = vmlal_s8(low[i], vget_low_s8(second), vget_low_s8(value[i][1]));
        high[i] = vmlal_high_s8(high[i], second, value[i][1]);
      }
    }
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) {
      acc[i][2 * j] = vpadalq_s16(acc[i][2 * j], low[i]);
      acc[i][2 * j + 1] = vpadalq_s16(acc[i][2 * j + 1], high[i]);
    }
  }
}

MARTLET_INLINE void multiply(const conv2d_panel_neon *panel, const conv2d_pixels_neon *at, int pixels, int vectors,
                             bool exact, int32x4_t acc[][8]) {
  const int8_t *w = panel->weights, *segment = at->a;
  const int32_t quads = panel->quads;
  int32_t left = panel->segments, across = panel->across;
  do {
    const int8_t *x[NARROW_PIXELS];
    conv2d_point_neon(panel, at, segment, pixels, x);
    if (exact && pixels == 2 && vectors == 4) w = pairs_2(w, x, quads >> 1, acc);
    else if (exact && pixels == 4 && vectors == 2) w = pairs_4(w, x, quads >> 1, acc);
    else
      for (int32_t pairs = quads >> 1; pairs > 0; pairs--, w += 128) step(w, x, pixels, vectors, 2, exact, acc);
    if (quads & 1) {
      step(w, x, pixels, vectors, 1, exact, acc);
      w += 64;
    }
  } while (conv2d_next_segment_neon(panel, &segment, &left, &across));
}

MARTLET_INLINE void blocks(const conv2d_panel_neon *panel, conv2d_pixels_neon *from, int32_t times, int pixels,
                           int vectors, bool exact) {
  conv2d_pixels_neon at = *from;
  for (; times > 0; times--) {
    int32x4_t acc[NARROW_PIXELS][8], sums[NARROW_PIXELS][4];
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) MARTLET_UNROLL
    for (int j = 0; j < 2 * vectors; j++) acc[i][j] = panel->start[j];
    multiply(panel, &at, pixels, vectors, exact, acc);
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) MARTLET_UNROLL
    for (int j = 0; j < vectors; j++) sums[i][j] = vpaddq_s32(acc[i][2 * j], acc[i][2 * j + 1]);
    conv2d_store_neon(panel, &at, pixels, vectors, sums);
    conv2d_advance_neon(panel, &at, pixels);
  }
  *from = at;
}

#define DEFINE_BLOCKS(NAME, PIXELS, VECTORS, EXACT)                                                    \
  static void NAME##_##PIXELS(const conv2d_panel_neon *panel, conv2d_pixels_neon *at, int32_t times) { \
    blocks(panel, at, times, PIXELS, VECTORS, EXACT);                                                  \
  }
DEFINE_BLOCKS(exact, 1, 4, true)
DEFINE_BLOCKS(exact, 2, 4, true)
DEFINE_BLOCKS(narrow, 4, 2, true)
DEFINE_BLOCKS(any, 1, 4, false)
DEFINE_BLOCKS(any, 2, 4, false)

/// Whether no two neighbouring quads hold a -128 of the same channel: whether no quad does, or, where pairs never
/// straddle segments, none of those that come first in a pair.
static bool is_exact(const conv2d_grid *g, const int8_t *w) {
  const ptrdiff_t next = g->segment_quads % 2 == 0 ? 128 : 64;
  int8x16_t least[4] = {vdupq_n_s8(0), vdupq_n_s8(0), vdupq_n_s8(0), vdupq_n_s8(0)};
  for (const int8_t *end = w + (g->panel_bytes - sizeof(martlet_channels)); w < end; w += next) {
    MARTLET_UNROLL
    for (int j = 0; j < 4; j++) least[j] = vminq_s8(least[j], vld1q_s8(w + 16 * j));
  }
  return vminvq_s8(vminq_s8(vminq_s8(least[0], least[1]), vminq_s8(least[2], least[3]))) != -128;
}

/// What the halves of 16 sums start from.
MARTLET_INLINE void spread_bias(const int32_t *bias, int32x4_t start[8]) {
  const int32x4_t none = vdupq_n_s32(0);
  MARTLET_UNROLL
  for (int j = 0; j < 4; j++) {
    start[2 * j] = vzip1q_s32(vld1q_s32(bias + 4 * j), none);
    start[2 * j + 1] = vzip2q_s32(vld1q_s32(bias + 4 * j), none);
  }
}

/// A single pixel times one or two panels, as in a fully connected layer: weights are read once, from memory, and do
/// not repay a look at them before.
MARTLET_INLINE void single(const conv2d_run *run, int panels) {
  const conv2d_grid *g = run->grid;
  const int8_t *w[2], *row = run->a;
  w[0] = (const int8_t *)run->panel + sizeof(martlet_channels);
  w[1] = w[0] + g->panel_bytes;
  MARTLET_OPAQUE(w[1]);
  int32x4_t acc[2][1][8];
  MARTLET_UNROLL
  for (int i = 0; i < panels; i++) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + i * g->panel_bytes);
    spread_bias(c->bias, acc[i][0]);
  }
  for (int32_t sy = g->segments_y; sy > 0; sy--, row += run->segment_stride_y) {
    const int8_t *segment = row;
    for (int32_t sx = g->segments_x; sx > 0; sx--, segment += run->segment_stride_x) {
      const int8_t *x = segment;
      for (int32_t quads = g->segment_quads; quads > 0; quads--) {
        const int8_t *again = x;
        step(w[0], &x, 1, 4, 1, false, acc[0]);
        if (panels == 2) step(w[1], &again, 1, 4, 1, false, acc[1]);
        w[0] += 64;
        w[1] += 64;
      }
    }
  }
  MARTLET_UNROLL
  for (int i = 0; i < panels; i++) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + i * g->panel_bytes);
    int32x4x4_t sums;
    MARTLET_UNROLL
    for (int j = 0; j < 4; j++) sums.val[j] = vpaddq_s32(acc[i][0][2 * j], acc[i][0][2 * j + 1]);
    conv2d_store_single_neon(run, c, run->out + i * 16, run->channels - i * 16, sums);
  }
}

static __attribute__((noinline)) void run_blocks(const conv2d_run *run) {
  static const conv2d_blocks_neon exact[] = {exact_1, exact_2}, any[] = {any_1, any_2};
  static const conv2d_cut_neon cut = {exact, 2, 1, narrow_4, NARROW_PIXELS}, cut_any = {any, 2, 1, NULL, 0};
  for (int32_t i = 0; i < run->panels; i++) {
    conv2d_panel_neon panel;
    conv2d_panel_prepare_neon(run, i, &panel);
    spread_bias(panel.source->bias, panel.start);
    conv2d_walk_neon(run, &panel, is_exact(run->grid, panel.weights) ? &cut : &cut_any);
  }
}

static void run_neon(const conv2d_run *run) {
  // A single pixel does not repay the look at the weights.
  if (run->rows * run->count > 1) run_blocks(run);
  else if (run->panels == 2) single(run, 2);
  else single(run, 1);
}

MARTLET_CONV2D_NEON(neon, run_neon, NULL)
#endif

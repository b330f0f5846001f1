#include "conv2d_dotprod.h"

#if defined(__aarch64__)

// armv8.6 matrix multiply: two pixels times two channels times eight depth. An accumulator holds [pixel][channel],
// 2 x 2. Two quads of a panel are zipped once for all of a run's pixels, so the file's one layout serves here too.

#define TARGET MARTLET_TARGET_i8mm
#define MAX_PAIRS 4
/// Zipped panels lie on the stack; a larger one is zipped as it is loaded.
#define ZIPPED_BYTES 20480

MARTLET_INLINE int8x16_t zip_low(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
MARTLET_INLINE int8x16_t zip_high(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
MARTLET_INLINE int8x16_t load_eight(const int8_t *x) { return vcombine_s8(vld1_s8(x), vdup_n_s8(0)); }
MARTLET_INLINE int8x16_t load_quad(const int8_t *x) {
  return vreinterpretq_s8_s32(vld1q_lane_s32((const int32_t *)(const void *)x, vdupq_n_s32(0), 0));
}

/// Quads of 4 channels to two vectors of two channels each, `a` first.
MARTLET_INLINE void zip_quads(int8x16_t a, int8x16_t b, int8x16_t two[2]) {
  const int32x4_t first = vreinterpretq_s32_s8(a), second = vreinterpretq_s32_s8(b);
  two[0] = vreinterpretq_s8_s32(vzip1q_s32(first, second));
  two[1] = vreinterpretq_s8_s32(vzip2q_s32(first, second));
}

// Three pairs of pixels and a panel take all 32 registers, and left to itself the compiler moves accumulators about.
// They are operands 0...23; pixels' addresses are 24...29, that of the weights is 30.
// clang-format off
#define LOAD_PAIR(LOW, HIGH, OTHER, EVEN, ODD)                           \
  "ldr q" #LOW ", [%" #EVEN "], #16\n"                                   \
  "ldr q" #OTHER ", [%" #ODD "], #16\n"                                  \
  "zip2 v" #HIGH ".2d, v" #LOW ".2d, v" #OTHER ".2d\n"                   \
  "zip1 v" #LOW ".2d, v" #LOW ".2d, v" #OTHER ".2d\n"
#define MULTIPLY(A, V, W) "smmla %" #A ".4s, v" #V ".16b, v" #W ".16b\n"
#define FOUR_CHANNELS(OFFSET, A0, B0, C0, A1, B1, C1, V0, V1, V2)        \
  "ldp q30, q31, [%30, #" #OFFSET "]\n"                                  \
  MULTIPLY(A0, V0, 30) MULTIPLY(B0, V1, 30) MULTIPLY(C0, V2, 30)         \
  MULTIPLY(A1, V0, 31) MULTIPLY(B1, V1, 31) MULTIPLY(C1, V2, 31)
#define EIGHT_THREE(O0, O32, O64, O96, V0, V1, V2)                       \
  FOUR_CHANNELS(O0, 0, 8, 16, 1, 9, 17, V0, V1, V2)                      \
  FOUR_CHANNELS(O32, 2, 10, 18, 3, 11, 19, V0, V1, V2)                   \
  FOUR_CHANNELS(O64, 4, 12, 20, 5, 13, 21, V0, V1, V2)                   \
  FOUR_CHANNELS(O96, 6, 14, 22, 7, 15, 23, V0, V1, V2)
// clang-format on
#define EIGHT_OF(A) "+w"(A[0]), "+w"(A[1]), "+w"(A[2]), "+w"(A[3]), "+w"(A[4]), "+w"(A[5]), "+w"(A[6]), "+w"(A[7])

/// `times` 16 of depth; moves the pixels on and returns the weights' end.
TARGET MARTLET_INLINE const int8_t *sixteens(const int8_t *w, const int8_t *x[], int32_t times, int32x4_t acc[][8]) {
  if (times > 0) {
    __asm__ volatile("1:\n" LOAD_PAIR(24, 27, 30, 24, 25) LOAD_PAIR(25, 28, 31, 26, 27) LOAD_PAIR(26, 29, 30, 28, 29)
                         EIGHT_THREE(0, 32, 64, 96, 24, 25, 26) EIGHT_THREE(
                             128, 160, 192, 224, 27, 28, 29) "add %30, %30, #256\nsubs %w31, %w31, #1\nb.ne 1b\n"
                     : EIGHT_OF(acc[0]), EIGHT_OF(acc[1]), EIGHT_OF(acc[2]), "+r"(x[0]), "+r"(x[1]), "+r"(x[2]),
                       "+r"(x[3]), "+r"(x[4]), "+r"(x[5]), "+r"(w), "+r"(times)
                     :
                     : "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  }
  return w;
}

/// Multiplies eight of depth, of weights that are zipped or lie `other` bytes apart.
TARGET MARTLET_INLINE void eight(const int8_t *w, ptrdiff_t other, const int8x16_t value[], int pairs, int vectors,
                                 bool zipped, int32x4_t acc[][8]) {
  MARTLET_UNROLL
  for (int j = 0; j < vectors; j++) {
    int8x16_t two[2];
    if (zipped) {
      two[0] = vld1q_s8(w + 32 * j);
      two[1] = vld1q_s8(w + 32 * j + 16);
    } else {
      zip_quads(vld1q_s8(w + 16 * j), vld1q_s8(w + other + 16 * j), two);
    }
    MARTLET_UNROLL
    for (int i = 0; i < pairs; i++) {
      acc[i][2 * j] = vmmlaq_s32(acc[i][2 * j], value[i], two[0]);
      acc[i][2 * j + 1] = vmmlaq_s32(acc[i][2 * j + 1], value[i], two[1]);
    }
  }
}

/// `zipped`: the panel's quads are, a segment's last one alone with zeros.
TARGET MARTLET_INLINE void multiply(const conv2d_panel_neon *panel, const conv2d_pixels_neon *at, bool odd, int pairs,
                                    int vectors, bool zipped, int32x4_t acc[][8]) {
  const int8_t *w = panel->weights, *segment = at->a;
  const int32_t all_quads = panel->quads;
  int32_t left = panel->segments, across = panel->across;
  do {
    const int8_t *x[2 * MAX_PAIRS];
    int8x16_t low[MAX_PAIRS], high[MAX_PAIRS];
    conv2d_point_neon(panel, at, segment, 2 * pairs, x);
    if (odd) x[2 * pairs - 1] = x[2 * pairs - 2];
    int32_t quads = all_quads;
    if (zipped && pairs == 3 && vectors == 4) {
      w = sixteens(w, x, quads >> 2, acc);
      quads &= 3;
    }
    for (; zipped && quads >= 4; quads -= 4, w += 256) {
      MARTLET_UNROLL
      for (int i = 0; i < pairs; i++) {
        const int8x16_t even = vld1q_s8(x[2 * i]), odd = vld1q_s8(x[2 * i + 1]);
        x[2 * i] += 16;
        x[2 * i + 1] += 16;
        low[i] = zip_low(even, odd);
        high[i] = zip_high(even, odd);
      }
      eight(w, 0, low, pairs, vectors, true, acc);
      eight(w + 128, 0, high, pairs, vectors, true, acc);
    }
    for (; quads >= 2; quads -= 2, w += 128) {
      MARTLET_UNROLL
      for (int i = 0; i < pairs; i++) {
        low[i] = zip_low(load_eight(x[2 * i]), load_eight(x[2 * i + 1]));
        x[2 * i] += 8;
        x[2 * i + 1] += 8;
      }
      eight(w, 64, low, pairs, vectors, zipped, acc);
    }
    if (quads > 0) {
      // The other four of depth are zero in the pixels, and whatever they are in the weights.
      MARTLET_UNROLL
      for (int i = 0; i < pairs; i++) low[i] = zip_low(load_quad(x[2 * i]), load_quad(x[2 * i + 1]));
      eight(w, 0, low, pairs, vectors, zipped, acc);
      w += zipped ? 128 : 64;
    }
  } while (conv2d_next_segment_neon(panel, &segment, &left, &across));
}

/// As conv2d_rescale_neon. Values are rescaled and narrowed as they lie; pixels are told apart as bytes.
TARGET MARTLET_INLINE void rescale(const conv2d_panel_neon *panel, int pairs, int vectors, bool plain,
                                   int32x4_t acc[][8], int8x16_t bytes[]) {
  MARTLET_UNROLL
  for (int j = 0; j < 2 * vectors; j++) {
    const int32x4_t multiplier = panel->multiplier[j], minus_right = panel->minus_right[j];
    MARTLET_UNROLL
    for (int i = 0; i < pairs; i++) {
      acc[i][j] = plain ? vrshlq_s32(vqrdmulhq_s32(acc[i][j], multiplier), minus_right)
                        : martlet_rescale_right_neon(acc[i][j], multiplier, minus_right);
    }
  }
  MARTLET_UNROLL
  for (int i = 0; i < pairs; i++) {
    // Of half a panel, the second half of the vector is the first once more.
    const int16x8_t a = vreinterpretq_s16_s8(conv2d_pack_neon(acc[i], &panel->channels, plain));
    const int16x8_t b = vectors == 4 ? vreinterpretq_s16_s8(conv2d_pack_neon(acc[i] + 4, &panel->channels, plain)) : a;
    bytes[2 * i] = vreinterpretq_s8_s16(vuzp1q_s16(a, b));
    bytes[2 * i + 1] = vreinterpretq_s8_s16(vuzp2q_s16(a, b));
  }
}

/// As conv2d_store_neon. `odd`: the last pixel is not there.
TARGET MARTLET_INLINE void store(const conv2d_panel_neon *panel, const conv2d_pixels_neon *at, bool odd, int pairs,
                                 int vectors, int32x4_t acc[][8]) {
  if (at->sums) {
    MARTLET_UNROLL
    for (int i = 0; i < pairs; i++) {
      const int32_t *sum = at->sums + 2 * i;
      const int32x4_t correction = vcombine_s32(vld1_dup_s32(sum), vld1_dup_s32(sum + !(odd && i == pairs - 1)));
      MARTLET_UNROLL
      for (int j = 0; j < 2 * vectors; j++) acc[i][j] = vsubq_s32(acc[i][j], correction);
    }
  }
  if (!panel->fast) {
    int32x4_t copy[MARTLET_BLOCK_PIXELS][4];
    MARTLET_UNROLL
    for (int i = 0; i < pairs; i++) {
      MARTLET_UNROLL
      for (int j = 0; j < 4; j++) {
        const int64x2_t a = vreinterpretq_s64_s32(j < vectors ? acc[i][2 * j] : vdupq_n_s32(0)),
                        b = vreinterpretq_s64_s32(j < vectors ? acc[i][2 * j + 1] : vdupq_n_s32(0));
        copy[2 * i][j] = vreinterpretq_s32_s64(vzip1q_s64(a, b));
        copy[2 * i + 1][j] = vreinterpretq_s32_s64(vzip2q_s64(a, b));
      }
    }
    conv2d_store_any_neon(panel->params, panel->source, copy, 2 * pairs - odd, at->out, panel->lanes);
    return;
  }
  int8x16_t bytes[MARTLET_BLOCK_PIXELS];
  if (panel->plain) rescale(panel, pairs, vectors, true, acc, bytes);
  else rescale(panel, pairs, vectors, false, acc, bytes);
  const ptrdiff_t stride = panel->out_stride;
  int8_t *out = at->out;
  if (panel->lanes == 4 * vectors) {
    MARTLET_UNROLL
    for (int i = 0; i < 2 * pairs; i++) {
      if (vectors == 4) vst1q_s8(out, bytes[i]);
      else vst1_s8(out, vget_low_s8(bytes[i]));
      // The pixel that is not there is the one before it once more.
      out += i == 2 * pairs - 2 && odd ? 0 : stride;
    }
  } else {
    int8x16_t copy[MARTLET_BLOCK_PIXELS];
    MARTLET_UNROLL
    for (int i = 0; i < 2 * pairs; i++) copy[i] = bytes[i];
    conv2d_store_part_neon(panel, copy, 2 * pairs - odd, out);
  }
}

TARGET MARTLET_INLINE void blocks(const conv2d_panel_neon *panel, conv2d_pixels_neon *from, int32_t times, int pairs,
                                  int vectors, bool zipped) {
  conv2d_pixels_neon at = *from;
  for (; times > 0; times--) {
    int32x4_t acc[MAX_PAIRS][8];
    MARTLET_UNROLL
    for (int i = 0; i < pairs; i++) MARTLET_UNROLL
    for (int j = 0; j < 2 * vectors; j++) acc[i][j] = panel->start[j];
    const bool odd = at.left < 2 * pairs;
    multiply(panel, &at, odd, pairs, vectors, zipped, acc);
    store(panel, &at, odd, pairs, vectors, acc);
    conv2d_advance_neon(panel, &at, 2 * pairs);
  }
  *from = at;
}

#define DEFINE_BLOCKS(NAME, PAIRS, VECTORS, ZIPPED)                                                          \
  TARGET static void NAME##_##PAIRS(const conv2d_panel_neon *panel, conv2d_pixels_neon *at, int32_t times) { \
    blocks(panel, at, times, PAIRS, VECTORS, ZIPPED);                                                        \
  }
DEFINE_BLOCKS(zipped, 1, 4, true)
DEFINE_BLOCKS(zipped, 2, 4, true)
DEFINE_BLOCKS(zipped, 3, 4, true)
DEFINE_BLOCKS(narrow, 4, 2, true)
DEFINE_BLOCKS(direct, 1, 4, false)
DEFINE_BLOCKS(direct, 2, 4, false)
DEFINE_BLOCKS(direct, 3, 4, false)

/// Pairs of a panel's quads, zipped as they are stored; moves on in both.
MARTLET_INLINE void store_zipped(const int8_t **w, int8_t **out, int32_t times) {
  // Left to itself the compiler loads vector by vector and computes each address.
  if (times > 0) {
    __asm__ volatile(
        "1:\n"
        "ldp q0, q2, [%0]\nldp q4, q6, [%0, #32]\nldp q1, q3, [%0, #64]\nldp q5, q7, [%0, #96]\n"
        "add %0, %0, #128\nsubs %w2, %w2, #1\n"
        "st2 {v0.4s, v1.4s}, [%1], #32\nst2 {v2.4s, v3.4s}, [%1], #32\n"
        "st2 {v4.4s, v5.4s}, [%1], #32\nst2 {v6.4s, v7.4s}, [%1], #32\n"
        "b.ne 1b\n"
        : "+r"(*w), "+r"(*out), "+r"(times)
        :
        : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "cc", "memory");
  }
}

/// Copies the panel's weights, pairs of quads zipped, a segment's last one alone with zeros; false if `out` cannot hold
/// that.
static bool zip_panel(const conv2d_grid *g, const int8_t *w, int8_t *out, int64_t size) {
  int32_t segments = g->segments_y * g->segments_x;
  const int32_t quads = g->segment_quads;
  if ((int64_t)segments * ((quads + 1) / 2) * 128 > size) return false;
  for (; segments > 0; segments--) {
    store_zipped(&w, &out, quads / 2);
    for (int j = 0; quads % 2 == 1 && j < 4; j++, w += 16, out += 32) {
      int8x16_t two[2];
      zip_quads(vld1q_s8(w), vdupq_n_s8(0), two);
      vst1q_s8(out, two[0]);
      vst1q_s8(out + 16, two[1]);
    }
  }
  return true;
}

/// {a, a, b, b} of the pair's channels: two of both pixels.
MARTLET_INLINE void spread(const int32x4_t from[4], int32x4_t to[8]) {
  MARTLET_UNROLL
  for (int j = 0; j < 4; j++) {
    const int64x2_t two = vreinterpretq_s64_s32(from[j]);
    to[2 * j] = vreinterpretq_s32_s64(vzip1q_s64(two, two));
    to[2 * j + 1] = vreinterpretq_s32_s64(vzip2q_s64(two, two));
  }
}

TARGET static __attribute__((noinline)) void run_blocks(const conv2d_run *run) {
  static const conv2d_blocks_neon zipped[] = {zipped_1, zipped_2, zipped_3};
  static const conv2d_blocks_neon direct[] = {direct_1, direct_2, direct_3};
  static const conv2d_cut_neon cut = {zipped, 3, 2, narrow_4, 8}, cut_direct = {direct, 3, 2, NULL, 0};
  _Alignas(64) int8_t zipped_weights[ZIPPED_BYTES];
  for (int32_t i = 0; i < run->panels; i++) {
    conv2d_panel_neon panel;
    conv2d_panel_prepare_neon(run, i, &panel);
    spread(panel.channels.bias, panel.start);
    spread(panel.channels.multiplier, panel.multiplier);
    spread(panel.channels.minus_right, panel.minus_right);
    const bool fits = zip_panel(run->grid, panel.weights, zipped_weights, sizeof zipped_weights);
    if (fits) panel.weights = zipped_weights;
    conv2d_walk_neon(run, &panel, fits ? &cut : &cut_direct);
  }
}

TARGET static void run_i8mm(const conv2d_run *run) {
  // A second pixel's half of the matrices, or a second quad's, would be idle.
  if (run->rows * run->count == 1 || run->grid->segment_quads == 1) martlet_conv2d_run_dotprod(run);
  else run_blocks(run);
}

MARTLET_CONV2D_NEON(i8mm, run_i8mm, martlet_conv2d_single_dotprod)
#endif

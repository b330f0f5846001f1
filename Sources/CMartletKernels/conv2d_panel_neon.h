/// A panel of a convolution, prepared for all of a run's pixels, and how aarch64 rescales and stores what was
/// accumulated with it.
#ifndef MARTLET_CONV2D_PANEL_NEON_H
#define MARTLET_CONV2D_PANEL_NEON_H

#include "channels_neon.h"
#include "conv2d.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define MARTLET_INLINE static inline __attribute__((always_inline))
#define MARTLET_UNROLL _Pragma("clang loop unroll(full)")

/// Keeps the compiler from deriving a pointer from its neighbour at each use, which costs an addition for each load.
#define MARTLET_OPAQUE(POINTER) __asm__("" : "+r"(POINTER))
#define MARTLET_OPAQUE_VECTOR(VECTOR) __asm__("" : "+w"(VECTOR))

/// Of a block, over all instruction sets.
#define MARTLET_BLOCK_PIXELS 8
/// What a block of pixels reads: no more than this record, which stays in the cache.
typedef struct conv2d_panel_neon {
  /// As in the file, or rearranged by the instruction set.
  const int8_t *weights;
  /// From pixel to pixel, of the input and of the output.
  ptrdiff_t stride, out_stride;
  /// Segments of one pixel and their quads.
  int32_t segments, quads, across;
  /// Channels to write, 1...16.
  int32_t lanes;
  /// From segment to segment, and after `across` of them to the next row's first.
  ptrdiff_t next, next_row;
  /// Pixels in a row of the run, and from the first one that is beyond it to the next row's first.
  int32_t count;
  ptrdiff_t row_jump;
  /// Where fixed-point channels all shift to the right: the vector path. `plain`: results below the zero point, which
  /// is -128, end there, however they were rounded, and there is no other limit to them.
  bool fast, plain;
  /// In the instruction set's arrangement of accumulators: what they start from, and (i8mm only) the rescaling.
  int32x4_t start[8], multiplier[8], minus_right[8];
  martlet_channels_neon channels;
  const martlet_channels *source;
  const martlet_conv2d_params *params;
  /// The run's, at this panel's first channel.
  int8_t *out;
} conv2d_panel_neon;

/// Where the next block of pixels begins, and how many there are, in all and in this row. A block may go on in the next
/// row, not further; outputs follow each other.
typedef struct conv2d_pixels_neon {
  const int8_t *a;
  /// NULL if the weights have no zero point.
  const int32_t *sums;
  int8_t *out;
  int32_t left, row_left;
} conv2d_pixels_neon;

MARTLET_INLINE void conv2d_panel_prepare_neon(const conv2d_run *run, int32_t index, conv2d_panel_neon *out) {
  const conv2d_grid *g = run->grid;
  const martlet_conv2d_params *p = &g->p;
  out->source = (const martlet_channels *)(run->panel + index * g->panel_bytes);
  out->params = p;
  out->weights = (const int8_t *)(out->source + 1);
  out->stride = run->pixel_stride;
  out->out_stride = p->out_c;
  out->segments = g->segments_y * g->segments_x;
  out->quads = g->segment_quads;
  out->across = g->segments_x;
  out->next = run->segment_stride_x;
  out->next_row = run->segment_stride_y - (g->segments_x - 1) * run->segment_stride_x;
  out->count = run->count;
  out->row_jump = run->row_stride - run->count * run->pixel_stride;
  out->out = run->out + index * 16;
  out->lanes = martlet_min(16, run->channels - index * 16);
  martlet_channels_prepare_neon(out->source, p->output_zero_point, p->clamp_min, p->clamp_max, &out->channels);
  out->fast = out->channels.right && !p->double_rescale;
  out->plain = p->output_zero_point == INT8_MIN && p->clamp_min == INT8_MIN && p->clamp_max == INT8_MAX;
}

/// Goes on to the next segment of a pixel; false after the last. `left` and `across` start from the panel's.
MARTLET_INLINE bool conv2d_next_segment_neon(const conv2d_panel_neon *panel, const int8_t **segment, int32_t *left,
                                             int32_t *across) {
  if (--*left == 0) return false;
  if (--*across > 0) {
    *segment += panel->next;
  } else {
    *segment += panel->next_row;
    *across = panel->across;
  }
  return true;
}

/// The addresses of a block's pixels, `segment` being the first one's.
MARTLET_INLINE void conv2d_point_neon(const conv2d_panel_neon *panel, const conv2d_pixels_neon *at,
                                      const int8_t *segment, int pixels, const int8_t *x[]) {
  const ptrdiff_t stride = panel->stride;
  x[0] = segment;
  MARTLET_UNROLL
  for (int i = 1; i < pixels; i++) x[i] = x[i - 1] + stride;
  if (at->row_left < pixels) {
    MARTLET_UNROLL
    for (int i = 1; i < pixels; i++)
      if (i >= at->row_left) x[i] += panel->row_jump;
  }
  MARTLET_UNROLL
  for (int i = 0; i < pixels; i++) MARTLET_OPAQUE(x[i]);
}

MARTLET_INLINE void conv2d_advance_neon(const conv2d_panel_neon *panel, conv2d_pixels_neon *at, int32_t pixels) {
  at->a += pixels * panel->stride;
  at->out += pixels * panel->out_stride;
  if (at->sums) at->sums += pixels;
  at->left -= pixels;
  at->row_left -= pixels;
  if (at->row_left <= 0) {
    at->a += panel->row_jump;
    at->row_left += panel->count;
  }
}

// MARK: - Rescaling and storing

/// martlet_double_rescale of 4 lanes, saturated to 32 bits. Of a NaN and a number vmaxnm gives the number.
MARTLET_INLINE int32x4_t conv2d_double_rescale_neon(int32x4_t x, int32x4_t low, int32x4_t high) {
  const float64x2_t least = vdupq_n_f64(-65536.0);
  float64x2_t a = vmulq_f64(vcvtq_f64_s64(vmovl_s32(vget_low_s32(x))), vreinterpretq_f64_s32(vzip1q_s32(low, high)));
  float64x2_t b = vmulq_f64(vcvtq_f64_s64(vmovl_high_s32(x)), vreinterpretq_f64_s32(vzip2q_s32(low, high)));
  // To nearest, halves away from zero.
  int64x2_t near_a = vcvtaq_s64_f64(vmaxnmq_f64(a, least)), near_b = vcvtaq_s64_f64(vmaxnmq_f64(b, least));
  return vqmovn_high_s64(vqmovn_s64(near_a), near_b);
}

/// Pixels by either rule and with any shifts, `acc` with bias: out of line, since few outputs are rescaled so.
static __attribute__((noinline)) void conv2d_store_any_neon(const martlet_conv2d_params *p, const martlet_channels *c,
                                                            int32x4_t (*acc)[4], int32_t pixels, int8_t *out,
                                                            int32_t lanes) {
  martlet_channels_neon prepared;
  martlet_channels_prepare_neon(c, p->output_zero_point, p->clamp_min, p->clamp_max, &prepared);
  if (!p->double_rescale) martlet_rescale_channels_any_neon(acc, pixels, &prepared);
  for (int32_t i = 0; i < pixels; i++, out += p->out_c) {
    for (int j = 0; j < 4 && p->double_rescale; j++)
      acc[i][j] = conv2d_double_rescale_neon(acc[i][j], vld1q_s32(c->multiplier + 4 * j), vld1q_s32(c->shift + 4 * j));
    martlet_store_lanes_neon(
        out, martlet_pack_channels_neon(acc[i], prepared.zero_point, prepared.clamp_min, prepared.clamp_max), lanes);
  }
}

/// The end of a layer whose channels are no multiple of 16.
static __attribute__((noinline)) void conv2d_store_part_neon(const conv2d_panel_neon *panel, const int8x16_t *bytes,
                                                             int32_t pixels, int8_t *out) {
  for (int32_t i = 0; i < pixels; i++, out += panel->out_stride) martlet_store_lanes_neon(out, bytes[i], panel->lanes);
}

/// Packs rescaled values; see `plain`.
MARTLET_INLINE int8x16_t conv2d_pack_neon(const int32x4_t acc[4], const martlet_channels_neon *c, bool plain) {
  if (!plain) return martlet_pack_channels_neon(acc, c->zero_point, c->clamp_min, c->clamp_max);
  int16x8_t low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(acc[0]), acc[1]), c->zero_point);
  int16x8_t high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(acc[2]), acc[3]), c->zero_point);
  return vqmovn_high_s16(vqmovn_s16(low), high);
}

/// Rescales and packs a block whose accumulators lie channel by channel. Two half pixels (`vectors` 2 instead of 4)
/// fill a vector.
MARTLET_INLINE void conv2d_rescale_neon(const conv2d_panel_neon *panel, int pixels, int vectors, bool plain,
                                        int32x4_t acc[][4], int8x16_t bytes[]) {
  const martlet_channels_neon *c = &panel->channels;
  MARTLET_UNROLL
  for (int j = 0; j < vectors; j++) {
    const int32x4_t multiplier = c->multiplier[j], minus_right = c->minus_right[j];
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) {
      acc[i][j] = plain ? vrshlq_s32(vqrdmulhq_s32(acc[i][j], multiplier), minus_right)
                        : martlet_rescale_right_neon(acc[i][j], multiplier, minus_right);
    }
  }
  const int step = vectors == 4 ? 1 : 2;
  MARTLET_UNROLL
  for (int i = 0; i < pixels; i += step) {
    const int32x4_t four[4] = {acc[i][0], acc[i][1], acc[i + step - 1][vectors - 2], acc[i + step - 1][vectors - 1]};
    bytes[i] = conv2d_pack_neon(four, c, plain);
  }
}

/// Stores a block whose accumulators lie channel by channel; of a half panel too.
MARTLET_INLINE void conv2d_store_neon(const conv2d_panel_neon *panel, const conv2d_pixels_neon *at, int pixels,
                                      int vectors, int32x4_t acc[][4]) {
  if (at->sums) {
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) {
      const int32x4_t correction = vdupq_n_s32(at->sums[i]);
      MARTLET_UNROLL
      for (int j = 0; j < vectors; j++) acc[i][j] = vsubq_s32(acc[i][j], correction);
    }
  }
  if (!panel->fast) {
    int32x4_t copy[MARTLET_BLOCK_PIXELS][4];
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++) MARTLET_UNROLL
    for (int j = 0; j < 4; j++) copy[i][j] = j < vectors ? acc[i][j] : vdupq_n_s32(0);
    conv2d_store_any_neon(panel->params, panel->source, copy, pixels, at->out, panel->lanes);
    return;
  }
  int8x16_t bytes[MARTLET_BLOCK_PIXELS];
  if (panel->plain) conv2d_rescale_neon(panel, pixels, vectors, true, acc, bytes);
  else conv2d_rescale_neon(panel, pixels, vectors, false, acc, bytes);
  int8_t *out = at->out;
  const ptrdiff_t stride = panel->out_stride;
  if (panel->lanes == 4 * vectors) {
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++, out += stride) {
      if (vectors == 4) vst1q_s8(out, bytes[i]);
      else vst1_s8(out, i % 2 == 0 ? vget_low_s8(bytes[i]) : vget_high_s8(bytes[i - 1]));
    }
  } else {
    int8x16_t copy[MARTLET_BLOCK_PIXELS];
    MARTLET_UNROLL
    for (int i = 0; i < pixels; i++)
      copy[i] = vectors == 4 || i % 2 == 0 ? bytes[i] : vextq_s8(bytes[i - 1], bytes[i - 1], 8);
    conv2d_store_part_neon(panel, copy, pixels, out);
  }
}

/// What the rescaling of a single pixel in double needs beside its channels.
typedef struct conv2d_double_neon {
  int32x4_t sum;
  int16x8_t zero_point;
  int8x16_t clamp_min, clamp_max;
} conv2d_double_neon;

MARTLET_INLINE conv2d_double_neon conv2d_double_prepare_neon(const conv2d_run *run) {
  const martlet_conv2d_params *p = &run->grid->p;
  return (conv2d_double_neon){.sum = vdupq_n_s32(run->sums ? run->sums[0] : 0),
                              .zero_point = vdupq_n_s16((int16_t)p->output_zero_point),
                              .clamp_min = vdupq_n_s8((int8_t)p->clamp_min),
                              .clamp_max = vdupq_n_s8((int8_t)p->clamp_max)};
}

/// 16 channels of a single pixel, bias included, rescaled in double.
MARTLET_INLINE int8x16_t conv2d_double_channels_neon(const int32x4_t acc[4], const martlet_channels *c,
                                                     const conv2d_double_neon *with) {
  int32x4_t sums[4];
  MARTLET_UNROLL
  for (int j = 0; j < 4; j++)
    sums[j] = conv2d_double_rescale_neon(vsubq_s32(acc[j], with->sum), vld1q_s32(c->multiplier + 4 * j),
                                         vld1q_s32(c->shift + 4 * j));
  return martlet_pack_channels_neon(sums, with->zero_point, with->clamp_min, with->clamp_max);
}

/// Stores `lanes` channels of a run's only pixel, bias included.
static inline __attribute__((noinline)) void conv2d_store_single_neon(const conv2d_run *run, const martlet_channels *c,
                                                                      int8_t *out, int32_t lanes, int32x4x4_t acc) {
  const martlet_conv2d_params *p = &run->grid->p;
  int32x4_t sums[1][4] = {{acc.val[0], acc.val[1], acc.val[2], acc.val[3]}};
  if (run->sums) {
    MARTLET_UNROLL
    for (int j = 0; j < 4; j++) sums[0][j] = vsubq_s32(sums[0][j], vdupq_n_s32(run->sums[0]));
  }
  if (!p->double_rescale) {
    int32x4_t copy[1][4] = {{sums[0][0], sums[0][1], sums[0][2], sums[0][3]}};
    conv2d_store_any_neon(p, c, copy, 1, out, lanes);
    return;
  }
  conv2d_double_neon with = conv2d_double_prepare_neon(run);
  with.sum = vdupq_n_s32(0);
  martlet_store_lanes_neon(out, conv2d_double_channels_neon(sums[0], c, &with), lanes);
}

#endif
#endif

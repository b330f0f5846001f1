/// What the depthwise kernels of aarch64 share where a window is 3 x 3: eight channels at a time, the outputs of two
/// rows at once, a walk along x that keeps the columns in registers.
///
/// Eight channels of two rows fill the same vectors as sixteen of one, and share the loads of the rows that both
/// windows touch. The last channels of a tensor are computed with those before them that fill the eight up: what a
/// kernel reads lies inside the pixel.
#ifndef MARTLET_DEPTHWISE_NEON_H
#define MARTLET_DEPTHWISE_NEON_H

#include "depthwise.h"
#include "variants.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define MARTLET_INLINE static inline __attribute__((always_inline))

#define MARTLET_DEPTHWISE_TAPS 64

/// A window of at most MARTLET_DEPTHWISE_TAPS taps and any weights, 16 channels at a time.
void martlet_depthwise_widening(const depthwise_run *run);

// MARK: - Eight channels

typedef struct depthwise_eight {
  /// The bias twice, for two rows.
  int32_t bias[2][8], multiplier[8], left[8], minus_right[8];
  /// w - weight_zero_point, [ky][kx], then zeros.
  int8_t weights[10][8];
  /// First of the eight, counted from run->channel; those before it that are only computed.
  int32_t first, skip;
  /// Outputs are 0...255 above -128: negative results may round as they like. No result leaves 16 bits, and no
  /// multiplier is 1 or more.
  bool plain;
} depthwise_eight;

/// Whether w - weight_zero_point is in low...127 for the run's first panel.
MARTLET_INLINE bool martlet_depthwise_fits(const depthwise_run *run, int32_t low) {
  const martlet_depthwise_params *p = &run->grid->p;
  const int8_t *w = (const int8_t *)run->panel + sizeof(martlet_channels);
  int8x16_t least = vld1q_s8(w), most = least;
  for (int32_t tap = 1; tap < p->kernel_h * p->kernel_w; tap++) {
    int8x16_t at = vld1q_s8(w + (ptrdiff_t)tap * 16);
    least = vminq_s8(least, at);
    most = vmaxq_s8(most, at);
  }
  return vminvq_s8(least) - p->weight_zero_point >= low && vmaxvq_s8(most) - p->weight_zero_point <= 127;
}

/// `count` channels of a panel from `lane` on.
MARTLET_INLINE void martlet_depthwise_copy(const uint8_t *panel, int32_t lane, int32_t at, int32_t count,
                                           depthwise_eight *out) {
  const martlet_channels *c = (const martlet_channels *)panel;
  const int8_t *weights = (const int8_t *)(c + 1) + lane;
  memcpy(out->bias[0] + at, c->bias + lane, (size_t)count * sizeof(int32_t));
  memcpy(out->multiplier + at, c->multiplier + lane, (size_t)count * sizeof(int32_t));
  memcpy(out->left + at, c->shift + lane, (size_t)count * sizeof(int32_t));
  for (int tap = 0; tap < 9; tap++) memcpy(out->weights[tap] + at, weights + tap * 16, (size_t)count);
}

/// Eight channels from run->channel + first on.
static inline void martlet_depthwise_eight(const depthwise_run *run, int32_t first, depthwise_eight *out) {
  const martlet_depthwise_params *p = &run->grid->p;
  const int32_t rest = run->channels - first;
  out->skip = rest < 8 ? 8 - rest : 0;
  out->first = first - out->skip;
  // Where they straddle two panels, the one before has those that come first.
  const int32_t before = out->first < 0 ? -out->first : 0;
  if (before > 0) martlet_depthwise_copy(run->panel - run->grid->panel_bytes, 16 - before, 0, before, out);
  if (before == 0) martlet_depthwise_copy(run->panel, out->first, 0, 8, out);
  else martlet_depthwise_copy(run->panel, 0, before, 8 - before, out);
  memset(out->weights[9], 0, 8);
  if (p->weight_zero_point != 0)
    for (int tap = 0; tap < 9; tap++)
      vst1_s8(out->weights[tap], vsub_s8(vld1_s8(out->weights[tap]), vdup_n_s8((int8_t)p->weight_zero_point)));
  uint16x8_t sum = vdupq_n_u16(0);
  for (int tap = 0; tap < 9; tap++) sum = vaddw_u8(sum, vreinterpret_u8_s8(vabs_s8(vld1_s8(out->weights[tap]))));
  out->plain = p->output_zero_point == INT8_MIN && p->clamp_min == INT8_MIN && p->clamp_max == INT8_MAX;
  int32x4_t shifts = vdupq_n_s32(INT32_MIN), results = shifts;
  for (int j = 0; j < 2; j++) {
    const int32x4_t multiplier = vandq_s32(vld1q_s32(out->multiplier + 4 * j), vdupq_n_s32(INT32_MAX));
    const int32x4_t shift = vminq_s32(vmaxq_s32(vld1q_s32(out->left + 4 * j), vdupq_n_s32(-31)), vdupq_n_s32(30));
    const int32x4_t bias = vld1q_s32(out->bias[0] + 4 * j), minus_right = vminq_s32(shift, vdupq_n_s32(0));
    vst1q_s32(out->bias[1] + 4 * j, bias);
    vst1q_s32(out->multiplier + 4 * j, multiplier);
    vst1q_s32(out->left + 4 * j, vmaxq_s32(shift, vdupq_n_s32(0)));
    vst1q_s32(out->minus_right + 4 * j, minus_right);
    const uint32x4_t products = vshll_n_u16(j == 0 ? vget_low_u16(sum) : vget_high_u16(sum), 7);
    // Where this saturates the sum may wrap: still no more than INT32_MAX.
    const int32x4_t most = vqaddq_s32(vqabsq_s32(bias), vreinterpretq_s32_u32(products));
    results = vmaxq_s32(results, vrshlq_s32(vqrdmulhq_s32(most, multiplier), minus_right));
    shifts = vmaxq_s32(shifts, shift);
  }
  if (vmaxvq_s32(shifts) > 0 || vmaxvq_s32(results) >= INT16_MAX) out->plain = false;
}

/// The same in registers, and what else the end of an output takes: no store through a pointer to bytes can change it.
typedef struct depthwise_end {
  int32x4_t multiplier[2], left[2], minus_right[2];
  int16x8_t zero;
  int8x8_t least, most;
  int32_t skip;
} depthwise_end;

MARTLET_INLINE depthwise_end martlet_depthwise_end(const depthwise_run *run, const depthwise_eight *e) {
  const martlet_depthwise_params *p = &run->grid->p;
  depthwise_end end = {.zero = vdupq_n_s16((int16_t)p->output_zero_point),
                       .least = vdup_n_s8((int8_t)p->clamp_min),
                       .most = vdup_n_s8((int8_t)p->clamp_max),
                       .skip = e->skip};
  for (int j = 0; j < 2; j++) {
    end.multiplier[j] = vld1q_s32(e->multiplier + 4 * j);
    end.left[j] = vld1q_s32(e->left + 4 * j);
    end.minus_right[j] = vld1q_s32(e->minus_right + 4 * j);
  }
  return end;
}

MARTLET_INLINE int16x8_t martlet_depthwise_rescale(const depthwise_end *e, const int32x4_t acc[2], bool plain) {
  int32x4_t v[2];
  for (int j = 0; j < 2; j++) {
    if (plain) {
      v[j] = vrshlq_s32(vqrdmulhq_s32(acc[j], e->multiplier[j]), e->minus_right[j]);
    } else {
      // Half away from zero: one less for a negative value, but for a shift of 0.
      v[j] = vqrdmulhq_s32(vshlq_s32(acc[j], e->left[j]), e->multiplier[j]);
      v[j] = vrshlq_s32(vsraq_n_s32(v[j], vandq_s32(v[j], e->minus_right[j]), 31), e->minus_right[j]);
    }
  }
  if (plain) return vuzp1q_s16(vreinterpretq_s16_s32(v[0]), vreinterpretq_s16_s32(v[1]));
  return vqmovn_high_s32(vqmovn_s32(v[0]), v[1]);
}

/// Rescales and stores eight channels of an output; `skips` allows for those that are only computed.
MARTLET_INLINE void martlet_depthwise_store(const depthwise_end *e, const int32x4_t acc[2], bool skips, bool plain,
                                            int8_t *out) {
  const int16x8_t words = martlet_depthwise_rescale(e, acc, plain);
  int8x8_t bytes;
  if (plain) {
    bytes = veor_s8(vreinterpret_s8_u8(vqmovun_s16(words)), vdup_n_s8(INT8_MIN));
  } else {
    bytes = vmin_s8(vmax_s8(vqmovn_s16(vqaddq_s16(words, e->zero)), e->least), e->most);
  }
  if (skips && e->skip) {
    int8_t lanes[8];
    vst1_s8(lanes, bytes);
    memcpy(out + e->skip, lanes + e->skip, (size_t)(8 - e->skip));
  } else {
    vst1_s8(out, bytes);
  }
}

// MARK: - Columns

/// Rows of outputs to come, and where they and their windows lie.
typedef struct depthwise_span {
  int32_t y, end;
  const int8_t *const *table;
  /// Entries from a row's table to that of the next one.
  ptrdiff_t entries;
  /// First of the eight channels, in the input and in the output.
  ptrdiff_t channel;
  int8_t *out;
  ptrdiff_t row_bytes, pixel_bytes;
} depthwise_span;

static inline depthwise_span martlet_depthwise_span(const depthwise_run *run, const depthwise_eight *e) {
  const depthwise_grid *g = run->grid;
  return (depthwise_span){.table = run->table,
                          .entries = (ptrdiff_t)g->columns * 3,
                          .channel = run->channel + e->first,
                          .out = run->out + e->first,
                          .row_bytes = (ptrdiff_t)g->p.out_w * g->channels,
                          .pixel_bytes = g->channels};
}

/// The way along one or two rows of windows, one below the other.
typedef struct depthwise_walk {
  /// The next column's entries of the first row's table; `below`: from there to those of the second row.
  const int8_t *const *column;
  ptrdiff_t below;
  ptrdiff_t channel;
  int8_t *out[2];
  const int8_t *end;
} depthwise_walk;

MARTLET_INLINE depthwise_walk martlet_depthwise_walk(const depthwise_span *span) {
  int8_t *out = span->out + span->y * span->row_bytes;
  return (depthwise_walk){.column = span->table + span->y * span->entries,
                          .below = span->entries,
                          .channel = span->channel,
                          .out = {out, out + span->row_bytes},
                          .end = out + span->row_bytes};
}

/// Input row i of the column that is `ahead` of the next one. Rows beyond the third are the second window's alone.
MARTLET_INLINE const int8_t *martlet_depthwise_at(const depthwise_walk *k, int ahead, int i, int stride) {
  const int8_t *const *entry = k->column + ahead * 3;
  return (i < 3 ? entry[i] : entry[k->below + i - stride]) + k->channel;
}

// MARK: - Rows

/// What is made of eight channels for all of their windows.
typedef struct depthwise_window {
  depthwise_end end;
  /// Where weights are interleaved: [row][word of the window][channels 0-3, 4-7].
  int8x16_t words[2][3][2];
} depthwise_window;

typedef void (*depthwise_rows_neon)(const depthwise_window *window, const depthwise_eight *eight,
                                    const depthwise_span *span);

/// NAME: row_STRIDE of all rows of a span, ROWS at a time.
#define MARTLET_DEPTHWISE_ROWS(ISA, NAME, STRIDE, ROWS, PLAIN)                                                       \
  MARTLET_TARGET_##ISA static void NAME(const depthwise_window *window, const depthwise_eight *eight,                \
                                        const depthwise_span *all) {                                                 \
    const depthwise_window w = *window;                                                                              \
    for (depthwise_span span = *all; span.y < span.end; span.y += ROWS) row_##STRIDE(&w, eight, &span, ROWS, PLAIN); \
  }
#define MARTLET_DEPTHWISE_STRIDE(ISA, STRIDE)                         \
  MARTLET_DEPTHWISE_ROWS(ISA, any_single_##STRIDE, STRIDE, 1, false)  \
  MARTLET_DEPTHWISE_ROWS(ISA, any_pair_##STRIDE, STRIDE, 2, false)    \
  MARTLET_DEPTHWISE_ROWS(ISA, plain_single_##STRIDE, STRIDE, 1, true) \
  MARTLET_DEPTHWISE_ROWS(ISA, plain_pair_##STRIDE, STRIDE, 2, true)
#define MARTLET_DEPTHWISE_KERNELS(STRIDE)                                                    \
  {                                                                                          \
    {any_single_##STRIDE, any_pair_##STRIDE}, { plain_single_##STRIDE, plain_pair_##STRIDE } \
  }

/// How an instruction set runs windows of 3 x 3.
typedef struct depthwise_variant_neon {
  /// Least w - weight_zero_point.
  int32_t least;
  /// By stride - 1; may be NULL.
  void (*words[2])(const depthwise_eight *eight, int8x16_t out[2][3][2]);
  /// [stride - 1][plain][rows - 1].
  depthwise_rows_neon rows[2][2][2];
} depthwise_variant_neon;

MARTLET_INLINE bool martlet_depthwise_slides(const martlet_depthwise_params *p) {
  return p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1 && p->stride_w <= 2;
}

static inline void martlet_depthwise_slide(const depthwise_run *run, const depthwise_variant_neon *variant) {
  const martlet_depthwise_params *p = &run->grid->p;
  if (run->grid->channels < 8 || !martlet_depthwise_fits(run, variant->least)) {
    martlet_depthwise_widening(run);
    return;
  }
  for (int32_t first = 0; first < run->channels; first += 8) {
    depthwise_eight eight;
    depthwise_window window;
    martlet_depthwise_eight(run, first, &eight);
    window.end = martlet_depthwise_end(run, &eight);
    if (variant->words[p->stride_w - 1]) variant->words[p->stride_w - 1](&eight, window.words);
    const depthwise_rows_neon *rows = variant->rows[p->stride_w - 1][eight.plain];
    depthwise_span span = martlet_depthwise_span(run, &eight);
    if (p->stride_h == p->stride_w && p->dilation_h == 1 && eight.skip == 0) {
      span.end = run->rows & ~1;
      rows[1](&window, &eight, &span);
      span.y = span.end;
    }
    span.end = run->rows;
    rows[0](&window, &eight, &span);
  }
}

#endif
#endif

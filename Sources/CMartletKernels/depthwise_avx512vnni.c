#include "channels_avx512.h"
#include "depthwise.h"
#include "variants.h"

#if defined(__x86_64__)

// 64 channels at a time. Four taps are interleaved byte by byte, so that one vpdpbusd adds four products per channel; the
// channel order that the interleaving leaves (below) is the one that two rounds of packing put right again.
// The input becomes unsigned (x + 128) as it is loaded; what that adds, 128 * sum(w - zero point), leaves the bias.

#define TARGET MARTLET_TARGET_AVX512
#define INLINE static inline __attribute__((always_inline))
#define MAX_QUADS 16

typedef struct depthwise_state {
  const depthwise_run *run;
  __mmask64 mask;
  rescale_avx512 channels[4];
  /// Interleaved weights of each quad of taps; the last quad is filled up with zeros.
  __m512i weights[MAX_QUADS][4];
  /// -weight_zero_point in the bytes of the quad's real taps, as two addends that fit int8.
  __m512i zero_point[MAX_QUADS][2];
  int32_t quads;
  bool fast, has_zero_point, has_second;
} depthwise_state;

/// Vector j, 128-bit lane l, holds channels 16 l + 4 j ... + 3, four bytes (taps a, b, c, d) each.
TARGET INLINE void interleave(__m512i a, __m512i b, __m512i c, __m512i d, __m512i out[4]) {
  __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
  __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
  out[0] = _mm512_unpacklo_epi16(ab_low, cd_low);
  out[1] = _mm512_unpackhi_epi16(ab_low, cd_low);
  out[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
  out[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
}

TARGET INLINE __m512i load(const depthwise_state *state, const int8_t *pixel) {
  __m512i x = _mm512_maskz_loadu_epi8(state->mask, pixel + state->run->channel);
  return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
}

/// 16 bytes or words of each panel at `offset`, panel l in lane l; missing panels are zero.
TARGET INLINE __m512i gather(const depthwise_run *run, size_t offset) {
  __m512i out = _mm512_setzero_si512();
  const uint8_t *at = run->panel + offset;
  const size_t next = run->grid->panel_bytes;
  out = _mm512_inserti32x4(out, _mm_loadu_si128((const __m128i *)at), 0);
  if (run->panels > 1) out = _mm512_inserti32x4(out, _mm_loadu_si128((const __m128i *)(at + next)), 1);
  if (run->panels > 2) out = _mm512_inserti32x4(out, _mm_loadu_si128((const __m128i *)(at + 2 * next)), 2);
  if (run->panels > 3) out = _mm512_inserti32x4(out, _mm_loadu_si128((const __m128i *)(at + 3 * next)), 3);
  return out;
}

/// `tap` counts as the table does, [kernel_w][kernel_h].
TARGET INLINE __m512i tap_weights(const depthwise_run *run, int32_t tap) {
  const martlet_depthwise_params *p = &run->grid->p;
  if (tap < 0) return _mm512_setzero_si512();
  int32_t kx = tap / p->kernel_h, ky = tap % p->kernel_h;
  return gather(run, sizeof(martlet_channels) + ((size_t)ky * p->kernel_w + kx) * 16);
}

/// `taps` holds the four taps of each quad, -1 for none.
TARGET static void prepare(depthwise_state *state, const depthwise_run *run, const int32_t taps[][4], int32_t quads) {
  state->run = run;
  state->quads = quads;
  state->mask = run->channels >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << run->channels) - 1;
  const int32_t zero = -run->grid->p.weight_zero_point, first = zero > 127 ? 127 : zero;
  state->has_zero_point = zero != 0;
  state->has_second = zero != first;
  __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  const __m512i all_128 = _mm512_set1_epi8((char)0x80);
  for (int32_t q = 0; q < quads; q++) {
    interleave(tap_weights(run, taps[q][0]), tap_weights(run, taps[q][1]), tap_weights(run, taps[q][2]),
               tap_weights(run, taps[q][3]), state->weights[q]);
    uint32_t ones = 0;
    for (int i = 0; i < 4; i++) ones |= taps[q][i] >= 0 ? 1u << (8 * i) : 0;
    state->zero_point[q][0] = _mm512_set1_epi32((int32_t)(ones * (uint8_t)first));
    state->zero_point[q][1] = _mm512_set1_epi32((int32_t)(ones * (uint8_t)(zero - first)));
    for (int j = 0; j < 4; j++) {
      sums[j] = _mm512_dpbusd_epi32(sums[j], all_128, state->weights[q][j]);
      sums[j] = _mm512_dpbusd_epi32(sums[j], all_128, state->zero_point[q][0]);
      sums[j] = _mm512_dpbusd_epi32(sums[j], all_128, state->zero_point[q][1]);
    }
  }
  state->fast = true;
  for (int j = 0; j < 4; j++) {
    __m512i bias = gather(run, offsetof(martlet_channels, bias) + j * 16);
    __m512i multiplier = gather(run, offsetof(martlet_channels, multiplier) + j * 16);
    __m512i shift = gather(run, offsetof(martlet_channels, shift) + j * 16);
    bool right_only =
        martlet_rescale_prepare_avx512(_mm512_sub_epi32(bias, sums[j]), multiplier, shift, &state->channels[j]);
    state->fast = state->fast && right_only;
  }
}

TARGET INLINE void accumulate(const depthwise_state *state, int32_t quad, const __m512i x[4], __m512i acc[4],
                              bool zero_point) {
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) acc[j] = _mm512_dpbusd_epi32(acc[j], x[j], state->weights[quad][j]);
  if (zero_point) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      acc[j] = _mm512_dpbusd_epi32(acc[j], x[j], state->zero_point[quad][0]);
      if (state->has_second) acc[j] = _mm512_dpbusd_epi32(acc[j], x[j], state->zero_point[quad][1]);
    }
  }
}

/// Multipliers of 1 and more: rare, so one lane after the other.
static __attribute__((noinline)) void store_slowly(const depthwise_run *run,
                                                   int32_t acc[4][16], int8_t *out) {
  const martlet_depthwise_params *p = &run->grid->p;
  for (int32_t channel = 0; channel < run->channels; channel++) {
    int32_t panel = channel / 16, j = channel % 16 / 4, lane = panel * 4 + channel % 4;
    const martlet_channels *c = (const martlet_channels *)(run->panel + (size_t)panel * run->grid->panel_bytes);
    int32_t scaled = martlet_rescale(acc[j][lane], c->multiplier[channel % 16] & INT32_MAX,
                                     martlet_clamp(c->shift[channel % 16], -31, 30));
    scaled = martlet_clamp(scaled, INT16_MIN, INT16_MAX) + p->output_zero_point;
    out[channel] = (int8_t)martlet_clamp(scaled, p->clamp_min, p->clamp_max);
  }
}

TARGET INLINE void store(const depthwise_state *state, const __m512i acc[4], int8_t *out) {
  const martlet_depthwise_params *p = &state->run->grid->p;
  if (!state->fast) {
    int32_t lanes[4][16];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) _mm512_storeu_si512(lanes[j], acc[j]);
    store_slowly(state->run, lanes, out);
    return;
  }
  __m512i v[4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) v[j] = martlet_rescale_prepared_avx512(acc[j], &state->channels[j]);
  const __m512i zero = _mm512_set1_epi16((int16_t)p->output_zero_point);
  __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), zero);
  __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), zero);
  __m512i bytes = _mm512_max_epi8(_mm512_packs_epi16(low, high), _mm512_set1_epi8((int8_t)p->clamp_min));
  bytes = _mm512_min_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_max));
  _mm512_mask_storeu_epi8(out, state->mask, bytes);
}

// MARK: - 3 x 3, dilation 1: a column is interleaved once and serves every window that it is in

TARGET INLINE void load_column(const depthwise_state *state, const int8_t *const *column, __m512i out[4]) {
  __m512i bottom = load(state, column[2]);
  interleave(load(state, column[0]), load(state, column[1]), bottom, bottom, out);
}

TARGET INLINE void rows_3x3(const depthwise_state *state, int stride, bool zero_point) {
  const depthwise_grid *g = state->run->grid;
  int8_t *out = state->run->out;
  for (int32_t y = 0; y < state->run->rows; y++) {
    const int8_t *const *column = state->run->table + (ptrdiff_t)y * g->columns * 3;
    __m512i left[4], middle[4], right[4];
    load_column(state, column, left);
    if (stride == 1) load_column(state, column + 3, middle);
    for (int32_t x = 0; x < g->p.out_w; x++, column += 3 * stride, out += g->channels) {
      if (stride == 2) load_column(state, column + 3, middle);
      load_column(state, column + 6, right);
      __m512i acc[4];
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) acc[j] = state->channels[j].bias;
      accumulate(state, 0, left, acc, zero_point);
      accumulate(state, 1, middle, acc, zero_point);
      accumulate(state, 2, right, acc, zero_point);
      store(state, acc, out);
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) {
        left[j] = stride == 1 ? middle[j] : right[j];
        middle[j] = right[j];
      }
    }
  }
}

TARGET static void run_3x3(const depthwise_run *run) {
  static const int32_t taps[3][4] = {{0, 1, 2, -1}, {3, 4, 5, -1}, {6, 7, 8, -1}};
  depthwise_state state;
  prepare(&state, run, taps, 3);
  if (run->grid->p.stride_w == 1) {
    if (state.has_zero_point) rows_3x3(&state, 1, true);
    else rows_3x3(&state, 1, false);
  } else {
    if (state.has_zero_point) rows_3x3(&state, 2, true);
    else rows_3x3(&state, 2, false);
  }
}

// MARK: - Any other window

TARGET static void run_any(const depthwise_run *run) {
  const martlet_depthwise_params *p = &run->grid->p;
  const int32_t count = p->kernel_h * p->kernel_w, quads = (count + 3) / 4;
  int32_t taps[MAX_QUADS][4], entry[MAX_QUADS][4];
  for (int32_t i = 0; i < quads * 4; i++) {
    int32_t tap = i < count ? i : -1, real = i < count ? i : 0;
    taps[i / 4][i % 4] = tap;
    entry[i / 4][i % 4] = real / p->kernel_h * p->dilation_w * p->kernel_h + real % p->kernel_h;
  }
  depthwise_state state;
  prepare(&state, run, taps, quads);
  int8_t *out = run->out;
  for (int32_t y = 0; y < run->rows; y++) {
    const int8_t *const *window = run->table + (ptrdiff_t)y * run->grid->columns * p->kernel_h;
    for (int32_t x = 0; x < p->out_w; x++, window += p->stride_w * p->kernel_h, out += run->grid->channels) {
      __m512i acc[4];
      for (int j = 0; j < 4; j++) acc[j] = state.channels[j].bias;
      for (int32_t q = 0; q < quads; q++) {
        __m512i quad[4];
        interleave(load(&state, window[entry[q][0]]), load(&state, window[entry[q][1]]),
                   load(&state, window[entry[q][2]]), load(&state, window[entry[q][3]]), quad);
        accumulate(&state, q, quad, acc, state.has_zero_point);
      }
      store(&state, acc, out);
    }
  }
}

void martlet_depthwise_avx512vnni(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                                  void *scratch) {
  const martlet_depthwise_params *p = params;
  if ((int64_t)p->kernel_h * p->kernel_w > MAX_QUADS * 4) {
    martlet_depthwise_scalar(params, buffers, first, last, scratch);
    return;
  }
  bool sliding = p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1 && p->stride_w <= 2;
  martlet_depthwise_drive(params, buffers, first, last, scratch, sliding ? run_3x3 : run_any, 4);
}
#endif

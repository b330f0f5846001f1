#include "depthwise_avx512.h"

#if defined(__x86_64__)

#define TARGET MARTLET_TARGET_avx512vnni
#define INLINE static inline __attribute__((always_inline))
#define MOST_TAPS 64
#define MAX_QUADS (MOST_TAPS / 4)

typedef struct depthwise_state {
  const depthwise_run *run;
  /// Channels of one pixel.
  __mmask64 mask;
  martlet_channels_avx512 channels[4];
  /// Interleaved weights of each quad of taps; the last quad is filled up with zeros.
  __m512i weights[MAX_QUADS][4];
  /// -weight_zero_point in the bytes of the quad's real taps, as two addends that fit int8.
  __m512i zero_point[MAX_QUADS][2];
  bool fast, rectified, has_zero_point;
} depthwise_state;

/// One tap of 4 / lanes pixels whose pointers lie `step` entries apart.
TARGET INLINE __m512i load(const depthwise_state *state, const int8_t *const *pixel, ptrdiff_t step, int lanes) {
  const int32_t channel = state->run->channel;
  __m512i x;
  if (lanes == 4) {
    x = _mm512_maskz_loadu_epi8(state->mask, pixel[0] + channel);
  } else if (lanes == 2) {
    __mmask32 mask = (__mmask32)state->mask;
    x = _mm512_castsi256_si512(_mm256_maskz_loadu_epi8(mask, pixel[0] + channel));
    x = _mm512_inserti64x4(x, _mm256_maskz_loadu_epi8(mask, pixel[step] + channel), 1);
  } else {
    __mmask16 mask = (__mmask16)state->mask;
    x = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(mask, pixel[0] + channel));
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(mask, pixel[step] + channel), 1);
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(mask, pixel[2 * step] + channel), 2);
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(mask, pixel[3 * step] + channel), 3);
  }
  return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
}

/// `tap` counts as the table does, [kernel_w][kernel_h]; -1 is none.
TARGET INLINE __m512i tap_weights(const depthwise_run *run, int32_t tap) {
  const martlet_depthwise_params *p = &run->grid->p;
  if (tap < 0) return _mm512_setzero_si512();
  int32_t kx = tap / p->kernel_h, ky = tap % p->kernel_h;
  return martlet_depthwise_gather(run, sizeof(martlet_channels) + ((size_t)ky * p->kernel_w + kx) * 16);
}

/// `taps` holds the four taps of each quad, -1 for none.
TARGET static void prepare(depthwise_state *state, const depthwise_run *run, const int32_t taps[][4], int32_t quads) {
  const martlet_depthwise_params *p = &run->grid->p;
  state->run = run;
  state->mask = run->channels >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << run->channels) - 1;
  state->rectified = p->clamp_min >= p->output_zero_point;
  const int32_t zero = -p->weight_zero_point, first = zero > 127 ? 127 : zero;
  state->has_zero_point = zero != 0;
  __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  const __m512i all_128 = _mm512_set1_epi8((char)0x80);
  for (int32_t q = 0; q < quads; q++) {
    martlet_depthwise_interleave(tap_weights(run, taps[q][0]), tap_weights(run, taps[q][1]),
                                 tap_weights(run, taps[q][2]), tap_weights(run, taps[q][3]), state->weights[q]);
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
    __m512i bias = martlet_depthwise_gather(run, offsetof(martlet_channels, bias) + j * 16);
    __m512i multiplier = martlet_depthwise_gather(run, offsetof(martlet_channels, multiplier) + j * 16);
    __m512i shift = martlet_depthwise_gather(run, offsetof(martlet_channels, shift) + j * 16);
    bool right_only =
        martlet_rescale_prepare_avx512(_mm512_sub_epi32(bias, sums[j]), multiplier, shift, &state->channels[j]);
    state->fast = state->fast && right_only;
  }
}

// MARK: - One vector of pixels

TARGET INLINE void accumulate(const depthwise_state *state, int32_t quad, const __m512i x[4], __m512i acc[4]) {
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) acc[j] = _mm512_dpbusd_epi32(acc[j], x[j], state->weights[quad][j]);
}

TARGET INLINE void subtract_zero_point(const depthwise_state *state, int32_t quad, const __m512i x[4], __m512i acc[4]) {
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    acc[j] = _mm512_dpbusd_epi32(acc[j], x[j], state->zero_point[quad][0]);
    acc[j] = _mm512_dpbusd_epi32(acc[j], x[j], state->zero_point[quad][1]);
  }
}

/// Multipliers of 1 and more: rare, so one channel after the other.
static __attribute__((noinline)) void store_slowly(const depthwise_run *run, const int32_t acc[4][16], int32_t pixels,
                                                   int lanes, int8_t *out) {
  const martlet_depthwise_params *p = &run->grid->p;
  for (int32_t i = 0; i < pixels; i++, out += run->grid->channels) {
    for (int32_t channel = 0; channel < run->channels; channel++) {
      int32_t lane = i * lanes + channel / 16, j = channel % 16 / 4;
      const martlet_channels *c =
          (const martlet_channels *)(run->panel + (size_t)(channel / 16) * run->grid->panel_bytes);
      out[channel] = martlet_rescale_to_int8(acc[j][lane * 4 + channel % 4], c->multiplier[channel % 16],
                                             c->shift[channel % 16], p->output_zero_point, p->clamp_min, p->clamp_max);
    }
  }
}

/// Depthwise layers nearly always end in a ReLU: the other case is kept out of the loops, which are many.
TARGET static __attribute__((noinline)) void rescale_signed(const depthwise_state *state, const __m512i acc[4],
                                                            __m512i out[4]) {
  for (int j = 0; j < 4; j++) out[j] = martlet_rescale_prepared_avx512(acc[j], &state->channels[j], false);
}

/// Stores the first `pixels` of the 4 / lanes in the vector.
TARGET INLINE void store(const depthwise_state *state, const __m512i acc[4], int32_t pixels, int lanes, int8_t *out) {
  const martlet_depthwise_params *p = &state->run->grid->p;
  const int32_t next = state->run->grid->channels;
  if (!state->fast) {
    int32_t words[4][16];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) _mm512_storeu_si512(words[j], acc[j]);
    store_slowly(state->run, words, pixels, lanes, out);
    return;
  }
  __m512i v[4];
  if (state->rectified) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) v[j] = martlet_rescale_prepared_avx512(acc[j], &state->channels[j], true);
  } else {
    rescale_signed(state, acc, v);
  }
  const __m512i zero = _mm512_set1_epi16((int16_t)p->output_zero_point);
  __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), zero);
  __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), zero);
  __m512i bytes = _mm512_max_epi8(_mm512_packs_epi16(low, high), _mm512_set1_epi8((int8_t)p->clamp_min));
  bytes = _mm512_min_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_max));
  if (lanes == 4) {
    _mm512_mask_storeu_epi8(out, state->mask, bytes);
  } else if (lanes == 2) {
    __mmask32 mask = (__mmask32)state->mask;
    _mm256_mask_storeu_epi8(out, mask, _mm512_castsi512_si256(bytes));
    if (pixels > 1) _mm256_mask_storeu_epi8(out + next, mask, _mm512_extracti64x4_epi64(bytes, 1));
  } else {
    __mmask16 mask = (__mmask16)state->mask;
    _mm_mask_storeu_epi8(out, mask, _mm512_castsi512_si128(bytes));
    if (pixels > 1) _mm_mask_storeu_epi8(out + next, mask, _mm512_extracti32x4_epi32(bytes, 1));
    if (pixels > 2) _mm_mask_storeu_epi8(out + 2 * (ptrdiff_t)next, mask, _mm512_extracti32x4_epi32(bytes, 2));
    if (pixels > 3) _mm_mask_storeu_epi8(out + 3 * (ptrdiff_t)next, mask, _mm512_extracti32x4_epi32(bytes, 3));
  }
}

// MARK: - Any other window

TARGET INLINE void rows_any(const depthwise_state *state, const int32_t entry[][4], int32_t quads, int lanes) {
  const depthwise_grid *g = state->run->grid;
  const ptrdiff_t step = (ptrdiff_t)g->p.stride_w * g->p.kernel_h;
  for (int32_t y = 0; y < state->run->rows; y++) {
    const int8_t *const *window = state->run->table + (ptrdiff_t)y * g->columns * g->p.kernel_h;
    int8_t *out = state->run->out + (ptrdiff_t)y * g->p.out_w * g->channels;
    for (int32_t x = 0; x < g->p.out_w;) {
      // The row's last pixels go one by one: the vector's other windows would leave the table.
      const int32_t left = g->p.out_w - x, pixels = left >= 4 / lanes ? 4 / lanes : 1;
      const ptrdiff_t between = pixels > 1 ? step : 0;
      __m512i acc[4];
      for (int j = 0; j < 4; j++) acc[j] = state->channels[j].bias;
      for (int32_t q = 0; q < quads; q++) {
        __m512i quad[4];
        martlet_depthwise_interleave(
            load(state, window + entry[q][0], between, lanes), load(state, window + entry[q][1], between, lanes),
            load(state, window + entry[q][2], between, lanes), load(state, window + entry[q][3], between, lanes), quad);
        accumulate(state, q, quad, acc);
        if (state->has_zero_point) subtract_zero_point(state, q, quad, acc);
      }
      store(state, acc, pixels, lanes, out);
      x += pixels;
      window += pixels * step;
      out += (ptrdiff_t)pixels * g->channels;
    }
  }
}

TARGET static void run_any(const depthwise_run *run) {
  const martlet_depthwise_params *p = &run->grid->p;
  const int32_t count = p->kernel_h * p->kernel_w, quads = (count + 3) / 4;
  int32_t taps[MAX_QUADS][4], entry[MAX_QUADS][4];
  for (int32_t i = 0; i < quads * 4; i++) {
    int32_t real = i < count ? i : 0;
    taps[i / 4][i % 4] = i < count ? i : -1;
    entry[i / 4][i % 4] = real / p->kernel_h * p->dilation_w * p->kernel_h + real % p->kernel_h;
  }
  depthwise_state state;
  prepare(&state, run, taps, quads);
  switch (martlet_depthwise_lanes(run->panels)) {
    case 4: rows_any(&state, entry, quads, 4); break;
    case 2: rows_any(&state, entry, quads, 2); break;
    default: rows_any(&state, entry, quads, 1);
  }
}

static void run_3x3(const depthwise_run *run) {
  if (!martlet_depthwise_slide_avx512(run)) run_any(run);
}

static void run_5x5(const depthwise_run *run) {
  if (!martlet_depthwise_slide5_avx512(run)) run_any(run);
}

MARTLET_KERNEL(depthwise, avx512vnni, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MOST_TAPS) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  const bool sliding = p->kernel_h == p->kernel_w && p->dilation_w == 1 && p->stride_w <= 2;
  martlet_depthwise_drive(p, buffers, first, last, scratch,
                          sliding && p->kernel_h == 3   ? run_3x3
                          : sliding && p->kernel_h == 5 ? run_5x5
                                                        : run_any,
                          4);
}
#endif

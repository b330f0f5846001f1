#include "channels_avx512.h"
#include "conv2d.h"

#if defined(__x86_64__)

// vpdpbusd multiplies unsigned by signed bytes. The weights become unsigned (w + 128) as they are loaded, the input stays
// as it is, broadcast from memory: acc = sum x*(w + 128) - (128 + weight_zero_point) * sum x. The second sum is one number
// per pixel, so weights with a zero point cost nothing more.

#define TARGET MARTLET_TARGET_AVX512
#define INLINE static inline __attribute__((always_inline))
/// Pixels x panels of accumulators: 24 registers, leaving room for two panels' weights and the constants.
#define MAX_PIXELS 12

/// 4 x 16 int32 to 4 x 16 int8, in order: zero point added, saturated, clamped.
TARGET INLINE __m512i pack(__m512i a, __m512i b, __m512i c, __m512i d, const martlet_conv2d_params *p) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i zero = _mm512_set1_epi16((int16_t)p->output_zero_point);
  __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero), cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
  __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(ab, cd));
  bytes = _mm512_max_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_min));
  return _mm512_min_epi8(bytes, _mm512_set1_epi8((int8_t)p->clamp_max));
}

typedef struct run_state {
  const conv2d_run *run;
  rescale_avx512 panel[2];
  /// Every shift is to the right and the rule is fixed-point: the vector path.
  bool fast;
} run_state;

TARGET INLINE void multiply(const conv2d_run *run, const int8_t *a, int pixels, int panels, __m512i acc[][2]) {
  const conv2d_grid *g = run->grid;
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  const uint8_t *w = run->panel + sizeof(martlet_channels);
  const size_t other = g->panel_bytes;
  const ptrdiff_t stride = run->pixel_stride;
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int8_t *x = a + sy * run->segment_stride_y + sx * run->segment_stride_x;
      for (int32_t quad = 0; quad < g->segment_quads; quad++, x += 4, w += 64) {
        __m512i w0 = _mm512_xor_si512(_mm512_loadu_si512(w), flip);
        __m512i w1 = panels == 2 ? _mm512_xor_si512(_mm512_loadu_si512(w + other), flip) : w0;
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++) {
          int32_t word;
          memcpy(&word, x + i * stride, 4);
          __m512i value = _mm512_set1_epi32(word);
          acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], w0, value);
          if (panels == 2) acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], w1, value);
        }
      }
    }
  }
}

/// Multipliers of 1 and more, and the rule in double: rare or short, so one lane after the other.
static __attribute__((noinline)) void store_slowly(const conv2d_run *run, int32_t first, int pixels, int panels,
                                                   int32_t acc[][2][16]) {
  const conv2d_grid *g = run->grid;
  for (int i = 0; i < pixels; i++) {
    int8_t *out = run->out + (ptrdiff_t)(first + i) * g->p.out_c;
    for (int j = 0; j < panels; j++) {
      const martlet_channels *channels = (const martlet_channels *)(run->panel + j * g->panel_bytes);
      int32_t lanes = martlet_min(16, run->channels - j * 16);
      for (int32_t lane = 0; lane < lanes; lane++)
        out[j * 16 + lane] = martlet_conv2d_output(&g->p, channels, lane, acc[i][j][lane]);
    }
  }
}

TARGET INLINE void store(const run_state *state, int32_t first, int pixels, int panels, __m512i acc[][2]) {
  const conv2d_run *run = state->run;
  const martlet_conv2d_params *p = &run->grid->p;
  if (!state->fast) {
    int32_t lanes[MAX_PIXELS][2][16];
#pragma clang loop unroll(full)
    for (int i = 0; i < pixels; i++) {
      _mm512_storeu_si512(lanes[i][0], acc[i][0]);
      if (panels == 2) _mm512_storeu_si512(lanes[i][1], acc[i][1]);
    }
    store_slowly(run, first, pixels, panels, lanes);
    return;
  }
  int8_t *out = run->out + (ptrdiff_t)first * p->out_c;
  const int step = panels == 2 ? 2 : 4;
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i += step) {
    __m512i v[4];
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      int pixel = panels == 2 ? i + k / 2 : i + k, panel = panels == 2 ? k % 2 : 0;
      v[k] = pixel < pixels ? martlet_rescale_prepared_avx512(acc[pixel][panel], &state->panel[panel]) : _mm512_setzero_si512();
    }
    __m512i bytes = pack(v[0], v[1], v[2], v[3], p);
    if (panels == 2) {
      __mmask32 mask = (__mmask32)(((uint64_t)1 << run->channels) - 1);
      _mm256_mask_storeu_epi8(out + (ptrdiff_t)i * p->out_c, mask, _mm512_castsi512_si256(bytes));
      if (i + 1 < pixels)
        _mm256_mask_storeu_epi8(out + (ptrdiff_t)(i + 1) * p->out_c, mask, _mm512_extracti64x4_epi64(bytes, 1));
    } else {
      __mmask16 mask = (__mmask16)(((uint32_t)1 << run->channels) - 1);
      int8_t *at = out + (ptrdiff_t)i * p->out_c;
      _mm_mask_storeu_epi8(at, mask, _mm512_castsi512_si128(bytes));
      if (i + 1 < pixels) _mm_mask_storeu_epi8(at + p->out_c, mask, _mm512_extracti32x4_epi32(bytes, 1));
      if (i + 2 < pixels) _mm_mask_storeu_epi8(at + 2 * (ptrdiff_t)p->out_c, mask, _mm512_extracti32x4_epi32(bytes, 2));
      if (i + 3 < pixels) _mm_mask_storeu_epi8(at + 3 * (ptrdiff_t)p->out_c, mask, _mm512_extracti32x4_epi32(bytes, 3));
    }
  }
}

TARGET INLINE void block(const run_state *state, int32_t first, int pixels, int panels) {
  const conv2d_run *run = state->run;
  __m512i acc[MAX_PIXELS][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < pixels; i++) {
    __m512i correction = _mm512_set1_epi32(run->sums[first + i]);
    acc[i][0] = _mm512_sub_epi32(state->panel[0].bias, correction);
    if (panels == 2) acc[i][1] = _mm512_sub_epi32(state->panel[1].bias, correction);
  }
  multiply(run, (const int8_t *)run->a + first * run->pixel_stride, pixels, panels, acc);
  store(state, first, pixels, panels, acc);
}

#define DEFINE_BLOCK(N)                                                                                          \
  TARGET static void block_##N##_1(const run_state *state, int32_t first) { block(state, first, N, 1); }         \
  TARGET static void block_##N##_2(const run_state *state, int32_t first) { block(state, first, N, 2); }
DEFINE_BLOCK(1)
DEFINE_BLOCK(2)
DEFINE_BLOCK(3)
DEFINE_BLOCK(4)
DEFINE_BLOCK(5)
DEFINE_BLOCK(6)
DEFINE_BLOCK(7)
DEFINE_BLOCK(8)
DEFINE_BLOCK(9)
DEFINE_BLOCK(10)
DEFINE_BLOCK(11)
DEFINE_BLOCK(12)

typedef void (*block_kernel)(const run_state *state, int32_t first);
#define BLOCKS(N) {block_##N##_1, block_##N##_2}
static const block_kernel blocks[MAX_PIXELS][2] = {BLOCKS(1), BLOCKS(2), BLOCKS(3), BLOCKS(4),  BLOCKS(5),  BLOCKS(6),
                                                   BLOCKS(7), BLOCKS(8), BLOCKS(9), BLOCKS(10), BLOCKS(11), BLOCKS(12)};

TARGET static void run_avx512vnni(const conv2d_run *run) {
  run_state state = {.run = run, .fast = !run->grid->p.double_rescale};
  for (int32_t j = 0; j < run->panels; j++) {
    const martlet_channels *c = (const martlet_channels *)(run->panel + j * run->grid->panel_bytes);
    bool right_only = martlet_rescale_prepare_avx512(_mm512_loadu_si512(c->bias), _mm512_loadu_si512(c->multiplier),
                                                     _mm512_loadu_si512(c->shift), &state.panel[j]);
    state.fast = state.fast && right_only;
  }
  // Blocks of equal size rather than full ones and a small rest.
  int32_t parts = (run->count + MAX_PIXELS - 1) / MAX_PIXELS;
  int32_t size = run->count / parts, larger = run->count % parts;
  for (int32_t i = 0, first = 0; i < parts; i++) {
    int32_t pixels = size + (i < larger);
    blocks[pixels - 1][run->panels - 1](&state, first);
    first += pixels;
  }
}

/// Per-pixel sums of `pixels` <= 4 patches, each spread over 16 lanes.
TARGET INLINE void partial_sums(const conv2d_run *run, int32_t first, int pixels, __m512i sums[4]) {
  const conv2d_grid *g = run->grid;
  const __m512i ones = _mm512_set1_epi8(1);
  const int32_t bytes = g->segment_quads * 4;
  for (int i = 0; i < 4; i++) sums[i] = _mm512_setzero_si512();
  for (int32_t sy = 0; sy < g->segments_y; sy++) {
    for (int32_t sx = 0; sx < g->segments_x; sx++) {
      const int8_t *x = (const int8_t *)run->a + first * run->pixel_stride + sy * run->segment_stride_y +
                        sx * run->segment_stride_x;
      for (int32_t k = 0; k < bytes; k += 64) {
        __mmask64 mask = bytes - k >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (bytes - k)) - 1;
#pragma clang loop unroll(full)
        for (int i = 0; i < pixels; i++)
          sums[i] = _mm512_dpbusd_epi32(sums[i], ones, _mm512_maskz_loadu_epi8(mask, x + i * run->pixel_stride + k));
      }
    }
  }
}

/// (128 + weight_zero_point) times each patch's sum.
TARGET static void sum_avx512vnni(const conv2d_run *run, int32_t *out) {
  const __m128i factor = _mm_set1_epi32(128 + run->grid->p.weight_zero_point);
  for (int32_t first = 0; first < run->count; first += 4) {
    int32_t left = run->count - first;
    __m512i s[4];
    if (left >= 4) {
      partial_sums(run, first, 4, s);
    } else if (left == 3) {
      partial_sums(run, first, 3, s);
    } else if (left == 2) {
      partial_sums(run, first, 2, s);
    } else {
      partial_sums(run, first, 1, s);
    }
    __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(s[0], s[1]), _mm512_unpackhi_epi32(s[0], s[1]));
    __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(s[2], s[3]), _mm512_unpackhi_epi32(s[2], s[3]));
    __m512i c = _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    __m256i d = _mm256_add_epi32(_mm512_castsi512_si256(c), _mm512_extracti64x4_epi64(c, 1));
    __m128i e = _mm_add_epi32(_mm256_castsi256_si128(d), _mm256_extracti128_si256(d, 1));
    __mmask8 mask = left >= 4 ? 15 : (__mmask8)((1 << left) - 1);
    _mm_mask_storeu_epi32(out + first, mask, _mm_mullo_epi32(e, factor));
  }
}

void martlet_conv2d_avx512vnni(const void *params, const martlet_buffers *buffers, int32_t first, int32_t last,
                               void *scratch) {
  martlet_conv2d_drive_s8(params, buffers, first, last, scratch, run_avx512vnni, sum_avx512vnni);
}
#endif

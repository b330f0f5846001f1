/// What the AVX-512 depthwise kernels share.
///
/// A vector holds 64 bytes of one tap: 64 channels of a pixel, or 32 of two pixels, or 16 of four. Four taps are
/// interleaved byte by byte, so that one vpdpbusd adds four products per channel; the order that the interleaving
/// leaves (below) is the one that two rounds of packing put right again.
/// The input becomes unsigned (x + 128) as it is loaded; what that adds, 128 * sum(w - zero point), leaves the bias.
#ifndef MARTLET_DEPTHWISE_AVX512_H
#define MARTLET_DEPTHWISE_AVX512_H

#include "depthwise.h"
#include "requant_avx512.h"
#include "variants.h"

#if defined(__x86_64__)

/// Windows of 3 x 3 with dilation 1 and a stride of 1 or 2 along x; false, with nothing done, where the panels' weights
/// or shifts want the general way.
bool martlet_depthwise_slide_avx512(const depthwise_run *run);
/// The same of 5 x 5.
bool martlet_depthwise_slide5_avx512(const depthwise_run *run);

/// 128-bit lanes that one pixel fills: 4, 2 or 1. With 3 panels the fourth lane idles.
static inline int martlet_depthwise_lanes(int32_t panels) { return panels > 2 ? 4 : panels; }

/// Vector j, 128-bit lane l, holds channels 4 j ... 4 j + 3 of the lane's 16, four bytes (taps a, b, c, d) each.
MARTLET_TARGET_avx512vnni static inline __attribute__((always_inline)) void
martlet_depthwise_interleave(__m512i a, __m512i b, __m512i c, __m512i d, __m512i out[4]) {
  __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
  __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
  out[0] = _mm512_unpacklo_epi16(ab_low, cd_low);
  out[1] = _mm512_unpackhi_epi16(ab_low, cd_low);
  out[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
  out[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
}

/// 16 bytes of each panel at `offset`, panel l % lanes in lane l; missing panels are zero.
MARTLET_TARGET_avx512vnni static inline __attribute__((always_inline)) __m512i
martlet_depthwise_gather(const depthwise_run *run, size_t offset) {
  __m512i out = _mm512_setzero_si512();
  const uint8_t *at = run->panel + offset;
  const int lanes = martlet_depthwise_lanes(run->panels);
  for (int lane = 0; lane < 4; lane++) {
    int panel = lane % lanes;
    if (panel >= run->panels) continue;
    __m128i part = _mm_loadu_si128((const __m128i *)(at + (size_t)panel * run->grid->panel_bytes));
    out = _mm512_mask_broadcast_i32x4(out, (__mmask16)(15 << (4 * lane)), part);
  }
  return out;
}

#endif
#endif

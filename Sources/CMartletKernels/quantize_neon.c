#include "quantize.h"
#include "variants.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/// martlet_quantize_one on 4 lanes.
static inline __attribute__((always_inline)) int16x4_t quantize_4(float32x4_t x, float32x4_t scale,
                                                                  int32x4_t zero_point) {
  float32x4_t quotient = vdivq_f32(x, scale);
  uint32x4_t is_number = vceqq_f32(quotient, quotient);
  quotient = vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(quotient), is_number));
  quotient = vmaxq_f32(vminq_f32(quotient, vdupq_n_f32(512)), vdupq_n_f32(-512));
  int32x4_t whole = vcvtq_s32_f32(quotient);
  float32x4_t rest = vsubq_f32(quotient, vcvtq_f32_s32(whole));
  // A comparison that holds is -1.
  int32x4_t up = vreinterpretq_s32_u32(vcgeq_f32(rest, vdupq_n_f32(0.5f)));
  int32x4_t down = vreinterpretq_s32_u32(vcleq_f32(rest, vdupq_n_f32(-0.5f)));
  return vqmovn_s32(vaddq_s32(vaddq_s32(vsubq_s32(whole, up), down), zero_point));
}

MARTLET_KERNEL(quantize, neon, p) {
  const float *in = buffers->input[0];
  int8_t *out = buffers->output;
  martlet_span span = martlet_span_of(p->count, first, last);
  const float32x4_t scale = vdupq_n_f32(p->scale);
  const int32x4_t zero_point = vdupq_n_s32(p->zero_point);
  int64_t i = span.begin;
  for (; i + 8 <= span.end; i += 8) {
    int16x4_t low = quantize_4(vld1q_f32(in + i), scale, zero_point);
    int16x4_t high = quantize_4(vld1q_f32(in + i + 4), scale, zero_point);
    vst1_s8(out + i, vqmovn_s16(vcombine_s16(low, high)));
  }
  MARTLET_REST
  for (; i < span.end; i++) out[i] = martlet_quantize_one(p, in[i]);
}
#endif

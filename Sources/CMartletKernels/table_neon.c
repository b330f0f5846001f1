#include "variants.h"

#if defined(__aarch64__)
#include <arm_neon.h>

static int8x16x4_t quarter_of(const int8_t *table) {
  int8x16x4_t q = {{vld1q_s8(table), vld1q_s8(table + 16), vld1q_s8(table + 32), vld1q_s8(table + 48)}};
  return q;
}

MARTLET_KERNEL(table, neon, p) {
  const int8_t *in = buffers->input[0], *table = buffers->weights;
  int8_t *out = buffers->output;
  martlet_span span = martlet_span_of(p->count, first, last);
  const int8x16x4_t q0 = quarter_of(table), q1 = quarter_of(table + 64);
  const int8x16x4_t q2 = quarter_of(table + 128), q3 = quarter_of(table + 192);
  const uint8x16_t bias = vdupq_n_u8(0x80), quarter = vdupq_n_u8(64);
  int64_t i = span.begin;
  for (; i + 16 <= span.end; i += 16) {
    uint8x16_t x = veorq_u8(vreinterpretq_u8_s8(vld1q_s8(in + i)), bias);
    // Indices outside a quarter leave what is there.
    int8x16_t y = vqtbl4q_s8(q0, x);
    y = vqtbx4q_s8(y, q1, x = vsubq_u8(x, quarter));
    y = vqtbx4q_s8(y, q2, x = vsubq_u8(x, quarter));
    y = vqtbx4q_s8(y, q3, vsubq_u8(x, quarter));
    vst1q_s8(out + i, y);
  }
  MARTLET_REST
  for (; i < span.end; i++) out[i] = table[in[i] + 128];
}
#endif

#include "pool.h"
#include "sum_neon.h"
#include "variants.h"

#if defined(__aarch64__)

#define INLINE static inline __attribute__((always_inline))

typedef struct rounding {
  /// Of the window that this is for; 0 at first.
  int32_t count;
  uint32_t multiplier;
  int64x2_t minus_shift;
  /// What is added to a sum to make it the dividend, and what is taken from the quotient.
  int32x4_t half, bias, back, low, high;
  bool is_unsigned;
} rounding;

/// v / count for 4 lanes, by martlet_divisor_of.
INLINE int32x4_t quotient(int32x4_t v, const rounding *r) {
  uint32x4_t u = vreinterpretq_u32_s32(v);
  uint64x2_t low = vshlq_u64(vmull_n_u32(vget_low_u32(u), r->multiplier), r->minus_shift);
  uint64x2_t high = vshlq_u64(vmull_n_u32(vget_high_u32(u), r->multiplier), r->minus_shift);
  return vreinterpretq_s32_u32(vcombine_u32(vmovn_u64(low), vmovn_u64(high)));
}

INLINE int16x4_t average(int32x4_t sum, const rounding *r) {
  int32x4_t y;
  if (r->is_unsigned) {
    y = vsubq_s32(quotient(vaddq_s32(sum, r->bias), r), r->back);
  } else {
    int32x4_t magnitude = quotient(vaddq_s32(vabsq_s32(sum), r->half), r);
    y = vbslq_s32(vcltzq_s32(sum), vnegq_s32(magnitude), magnitude);
  }
  return vmovn_s32(vmaxq_s32(vminq_s32(y, r->high), r->low));
}

INLINE int8x8_t average_8(const int32x4_t sums[2], const rounding *r) {
  return vmovn_s16(vcombine_s16(average(sums[0], r), average(sums[1], r)));
}

INLINE void channels(const martlet_pool_params *p, const martlet_window *w, int8_t *out, int32_t c, const rounding *r,
                     bool wide) {
  const int32x4_t none = vdupq_n_s32(0);
  martlet_sums_neon sums = {{none, none, none, none}};
  martlet_sum_neon(&sums, w->in + c, p->channels, w->columns, w->row_bytes, w->rows, wide);
  vst1_s8(out + c, average_8(sums.quarter, r));
  if (wide) vst1_s8(out + c + 8, average_8(sums.quarter + 2, r));
}

static void prepare(const martlet_pool_params *p, int32_t count, rounding *r) {
  martlet_divisor divisor = martlet_divisor_of(count);
  r->count = count;
  r->multiplier = divisor.multiplier;
  r->minus_shift = vdupq_n_s64(-divisor.shift);
  r->half = vdupq_n_s32(count / 2);
  r->bias = vdupq_n_s32(128 * count + count / 2);
  r->back = vdupq_n_s32(128);
  r->low = vdupq_n_s32(p->clamp_min);
  r->high = vdupq_n_s32(p->clamp_max);
  r->is_unsigned = p->unsigned_rounding != 0;
}

static void pixel(const martlet_pool_params *p, const martlet_pool_item *item, void *context) {
  const martlet_window w = item->window;
  const int32_t count = w.rows * w.columns, n = item->channels;
  rounding *r = context;
  if (r->count != count) prepare(p, count, r);
  int32_t c = 0;
  if (n >= 16) {
    for (; c < n; c = martlet_next_channels(c, 16, n)) channels(p, &w, item->out, c, r, true);
  } else if (n >= 8) {
    for (; c < n; c = martlet_next_channels(c, 8, n)) channels(p, &w, item->out, c, r, false);
  }
  MARTLET_REST
  for (; c < n; c++) item->out[c] = martlet_pool_average(p, martlet_pool_sum(p, w, c), count);
}

MARTLET_KERNEL(average_pool, neon, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DIVISOR_LIMIT) {
    return martlet_average_pool_scalar(p, buffers, first, last, scratch);
  }
  rounding r = {.count = 0};
  martlet_pool_run(p, buffers, first, last, pixel, &r);
}
#endif

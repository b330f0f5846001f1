/// Element-wise operators of two inputs with broadcasting: how their work is cut, the loop over rows, the loop along a
/// row, and with them the scalar variants. What an operator does with one element is martlet_NAME_one(params, x, y).
#ifndef MARTLET_BINARY_H
#define MARTLET_BINARY_H

#include "variants.h"
#include "walk.h"

/// `n` results of an element-wise operator; strides are 0, 1 or anything else.
typedef void (*martlet_binary_row)(const void *params, const int8_t *a, int64_t stride_a, const int8_t *b,
                                   int64_t stride_b, int8_t *out, int32_t n);

/// Elements of one unit of an element-wise operator with two inputs.
#define MARTLET_BINARY_UNIT 8192

static inline martlet_workload martlet_binary_workload(const int32_t shape[6]) {
  int64_t count = martlet_box_count(shape);
  return (martlet_workload){.units = martlet_ceil_div(count, MARTLET_BINARY_UNIT),
                            .unit_work = 4 * (count < MARTLET_BINARY_UNIT ? count : MARTLET_BINARY_UNIT)};
}

/// Runs units [first, last) row by row.
static inline void martlet_binary_run(const void *params, const int32_t shape[6], const int32_t stride0[6],
                                      const int32_t stride1[6], const martlet_buffers *buffers, int32_t first,
                                      int32_t last, martlet_binary_row row) {
  const int8_t *a = buffers->input[0], *b = buffers->input[1];
  int8_t *out = buffers->output;
  int64_t count = martlet_box_count(shape);
  int64_t at = (int64_t)first * MARTLET_BINARY_UNIT, end = (int64_t)last * MARTLET_BINARY_UNIT;
  if (end > count) end = count;
  if (at >= end) return;
  martlet_walk walk;
  martlet_walk_start(&walk, shape, stride0, stride1, at);
  int32_t inner = walk.rank - 1;
  while (at < end) {
    int32_t n = martlet_walk_run(&walk, end - at);
    row(params, a + walk.offset0, walk.stride0[inner], b + walk.offset1, walk.stride1[inner], out + at, n);
    martlet_walk_advance(&walk, n);
    at += n;
  }
}

// MARK: - Variants

/// The operator's workload and its scalar variant: the specification.
#define MARTLET_BINARY_SCALAR(NAME)                                                                          \
  MARTLET_WORKLOAD(NAME, p) { return martlet_binary_workload(p->shape); }                                    \
  static void NAME##_one_by_one(const void *params, const int8_t *a, int64_t stride_a, const int8_t *b,      \
                                int64_t stride_b, int8_t *out, int32_t n) {                                  \
    for (int32_t i = 0; i < n; i++) out[i] = martlet_##NAME##_one(params, a[i * stride_a], b[i * stride_b]); \
  }                                                                                                          \
  MARTLET_KERNEL(NAME, scalar, p) {                                                                          \
    martlet_binary_run(p, p->shape, p->stride0, p->stride1, buffers, first, last, NAME##_one_by_one);        \
  }

// Eight elements as an instruction set loads, repeats and stores them.
#if defined(__x86_64__)
#define MARTLET_EIGHT_avx2 __m128i
#define MARTLET_LOAD_8_avx2(FROM) _mm_loadl_epi64((const __m128i *)(FROM))
#define MARTLET_REPEAT_8_avx2(ONE) _mm_set1_epi8(ONE)
#define MARTLET_STORE_8_avx2(TO, EIGHT) _mm_storel_epi64((__m128i *)(TO), EIGHT)
#elif defined(__aarch64__)
#define MARTLET_EIGHT_neon int8x8_t
#define MARTLET_LOAD_8_neon(FROM) vld1_s8(FROM)
#define MARTLET_REPEAT_8_neon(ONE) vdup_n_s8(ONE)
#define MARTLET_STORE_8_neon(TO, EIGHT) vst1_s8(TO, EIGHT)
#endif

/// Defines NAME_row, a martlet_binary_row whose context is a `prepared` with the record in `params`. NAME_8(context, x,
/// y) makes eight results of inputs that step or repeat; rests, and inputs with other strides, go one by one.
#define MARTLET_BINARY_ROW(NAME, ISA)                                                                                  \
  MARTLET_TARGET_##ISA static void NAME##_row(const void *context, const int8_t *a, int64_t stride_a, const int8_t *b, \
                                              int64_t stride_b, int8_t *out, int32_t n) {                              \
    const prepared *c = context;                                                                                       \
    int32_t i = 0;                                                                                                     \
    if ((stride_a == 1 || stride_a == 0) && (stride_b == 1 || stride_b == 0)) {                                        \
      MARTLET_EIGHT_##ISA x = MARTLET_REPEAT_8_##ISA(a[0]), y = MARTLET_REPEAT_8_##ISA(b[0]);                          \
      for (; i + 8 <= n; i += 8) {                                                                                     \
        if (stride_a) x = MARTLET_LOAD_8_##ISA(a + i);                                                                 \
        if (stride_b) y = MARTLET_LOAD_8_##ISA(b + i);                                                                 \
        MARTLET_STORE_8_##ISA(out + i, NAME##_8(c, x, y));                                                             \
      }                                                                                                                \
    }                                                                                                                  \
    MARTLET_REST                                                                                                       \
    for (; i < n; i++) out[i] = martlet_##NAME##_one(c->params, a[i * stride_a], b[i * stride_b]);                     \
  }

#endif

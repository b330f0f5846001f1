/// Defines a function that copies what a tile's windows touch to scratch, the border filled with zero points.
///
/// `CONVERT(x)` makes an element of type TYPE of an int8 value; `ATTRIBUTES` name the instruction set to compile for.
#ifndef MARTLET_CONV2D_WINDOW_H
#define MARTLET_CONV2D_WINDOW_H

#include "conv2d.h"

#define MARTLET_DEFINE_CONV2D_WINDOW(NAME, TYPE, CONVERT, ATTRIBUTES)                                             \
  ATTRIBUTES static inline void NAME##_fill(TYPE *restrict out, int64_t count, int32_t value) {                   \
    if (sizeof(TYPE) == 1) memset(out, (uint8_t)CONVERT(value), (size_t)count);                                   \
    else                                                                                                          \
      for (int64_t i = 0; i < count; i++) out[i] = CONVERT(value);                                                \
  }                                                                                                               \
  ATTRIBUTES static inline void NAME##_move(TYPE *restrict out, const int8_t *restrict in, int64_t count) {       \
    for (int64_t i = 0; i < count; i++) out[i] = CONVERT(in[i]);                                                  \
  }                                                                                                               \
  ATTRIBUTES static void NAME(const conv2d_grid *g, const conv2d_tile *t, const int8_t *input, void *memory) {    \
    const martlet_conv2d_params *p = &g->p;                                                                       \
    TYPE *window = memory;                                                                                        \
    const int32_t c = g->group_in_c, zero = p->input_zero_point;                                                  \
    const int32_t top = t->y * p->stride_h - p->pad_top, left = t->x * p->stride_w - p->pad_left;                 \
    const int32_t rows = (t->height - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;                   \
    const int32_t columns = (t->width - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;                 \
    const int32_t spread_h = (p->in_h - 1) * p->input_step_h + 1, spread_w = (p->in_w - 1) * p->input_step_w + 1; \
    const int32_t start = martlet_clamp(-left, 0, columns), end = martlet_clamp(spread_w - left, start, columns); \
    for (int32_t y = 0; y < rows; y++, window += g->window_stride) {                                              \
      int32_t from = top + y;                                                                                     \
      if (from < 0 || from >= spread_h || from % p->input_step_h != 0) {                                          \
        NAME##_fill(window, g->window_stride, zero);                                                              \
        continue;                                                                                                 \
      }                                                                                                           \
      int32_t place = t->ring_start + from / p->input_step_h;                                                     \
      if (place >= t->ring_rows) place -= t->ring_rows;                                                           \
      const int8_t *row = input + ((int64_t)t->picture * p->in_h + place) * p->in_w * p->in_c + t->group * c;     \
      NAME##_fill(window, (int64_t)start * c, zero);                                                              \
      if (p->groups == 1 && p->input_step_w == 1) {                                                               \
        NAME##_move(window + (int64_t)start * c, row + (int64_t)(left + start) * c, (int64_t)(end - start) * c);  \
      } else {                                                                                                    \
        for (int32_t x = start; x < end; x++) {                                                                   \
          int32_t column = left + x;                                                                              \
          if (column % p->input_step_w == 0)                                                                      \
            NAME##_move(window + (int64_t)x * c, row + (int64_t)(column / p->input_step_w) * p->in_c, c);         \
          else NAME##_fill(window + (int64_t)x * c, c, zero);                                                     \
        }                                                                                                         \
      }                                                                                                           \
      NAME##_fill(window + (int64_t)end * c, g->window_stride - (int64_t)end * c, zero);                          \
    }                                                                                                             \
  }

#endif

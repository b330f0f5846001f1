#include <string.h>

#include "martlet_float.h"
#include "vectors.h"

enum { BLOCK = 16, ROWS = 6, TILE = 96 };

typedef float vector8 __attribute__((vector_size(32), aligned(4)));

size_t martlet_float_packed_count(size_t outputs, size_t depth) {
  return (outputs + BLOCK - 1) / BLOCK * BLOCK * depth;
}

void martlet_float_pack(const float *weights, float *packed, size_t outputs, size_t depth) {
  for (size_t first = 0; first < outputs; first += BLOCK)
    for (size_t k = 0; k < depth; k++)
      for (size_t lane = 0; lane < BLOCK; lane++)
        *packed++ = first + lane < outputs ? weights[(first + lane) * depth + k] : 0;
}

/// `rows` (at most ROWS) rows of A times one block of B, plus bias.
static inline __attribute__((always_inline)) void multiply(const float *a, size_t a_stride, const float *b,
                                                           size_t depth, const float bias[BLOCK], float *c,
                                                           size_t c_stride, size_t columns, int rows) {
  vector8 sum[ROWS][2];
  for (int r = 0; r < rows; r++) sum[r][0] = *(const vector8 *)bias, sum[r][1] = *(const vector8 *)(bias + 8);
  for (size_t k = 0; k < depth; k++) {
    const vector8 b0 = *(const vector8 *)(b + k * BLOCK), b1 = *(const vector8 *)(b + k * BLOCK + 8);
    for (int r = 0; r < rows; r++) {
      const float value = a[(size_t)r * a_stride + k];
      sum[r][0] += b0 * value;
      sum[r][1] += b1 * value;
    }
  }
  for (int r = 0; r < rows; r++) memcpy(c + (size_t)r * c_stride, sum[r], columns * sizeof(float));
}

/// C [rows, columns] = A [rows, depth] * B + bias.
WIDE_VECTORS
static void product(const float *a, size_t a_stride, const float *packed, const float *bias, float *c, size_t c_stride,
                    size_t rows, size_t depth, size_t columns) {
  for (size_t first = 0; first < columns; first += BLOCK) {
    const size_t count = columns - first < BLOCK ? columns - first : BLOCK;
    const float *b = packed + first * depth;
    float start[BLOCK] = {0};
    memcpy(start, bias + first, count * sizeof(float));
    size_t row = 0;
    for (; row + ROWS <= rows; row += ROWS)
      multiply(a + row * a_stride, a_stride, b, depth, start, c + row * c_stride + first, c_stride, count, ROWS);
    for (; row < rows; row++)
      multiply(a + row * a_stride, a_stride, b, depth, start, c + row * c_stride + first, c_stride, count, 1);
  }
}

static size_t filter_depth(const martlet_conv2d_params *p) {
  return (size_t)p->kernel_h * p->kernel_w * (p->in_c / p->groups);
}

size_t martlet_float_conv2d_scratch(const martlet_conv2d_params *p) { return TILE * filter_depth(p); }

/// The input under the window of one output pixel, zero outside.
static void gather(const martlet_conv2d_params *p, const float *image, int group, int out_y, int out_x, float *row) {
  const int depth = p->in_c / p->groups;
  for (int ky = 0; ky < p->kernel_h; ky++) {
    const int y = out_y * p->stride_h - p->pad_top + ky * p->dilation_h;
    for (int kx = 0; kx < p->kernel_w; kx++, row += depth) {
      const int x = out_x * p->stride_w - p->pad_left + kx * p->dilation_w;
      // Between the pixels of an input that is spread out (transposed convolution) lie zeros.
      const int is_inside = y >= 0 && x >= 0 && y % p->input_step_h == 0 && x % p->input_step_w == 0 &&
                            y / p->input_step_h < p->in_h && x / p->input_step_w < p->in_w;
      if (is_inside) {
        const size_t pixel = (size_t)(y / p->input_step_h) * p->in_w + x / p->input_step_w;
        memcpy(row, image + pixel * p->in_c + (size_t)group * depth, depth * sizeof(float));
      } else {
        memset(row, 0, depth * sizeof(float));
      }
    }
  }
}

void martlet_float_conv2d(const martlet_conv2d_params *p, const float *input, const float *packed, const float *bias,
                          float *output, float *scratch) {
  const size_t depth = filter_depth(p), columns = p->out_c / p->groups, pixels = (size_t)p->out_h * p->out_w;
  const size_t group_weights = martlet_float_packed_count(columns, depth);
  const int is_plain = p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
                       p->pad_top == 0 && p->pad_left == 0 && p->input_step_h == 1 && p->input_step_w == 1 &&
                       p->in_h == p->out_h && p->in_w == p->out_w;
  for (int batch = 0; batch < p->batch; batch++) {
    const float *image = input + (size_t)batch * p->in_h * p->in_w * p->in_c;
    float *result = output + batch * pixels * p->out_c;
    for (int group = 0; group < p->groups; group++) {
      const float *weights = packed + group * group_weights, *start = bias + group * columns;
      for (size_t first = 0; first < pixels; first += TILE) {
        const size_t count = pixels - first < TILE ? pixels - first : TILE;
        const float *rows = image + first * p->in_c + group * depth;
        size_t stride = p->in_c;
        if (!is_plain) {
          for (size_t i = 0; i < count; i++)
            gather(p, image, group, (int)((first + i) / p->out_w), (int)((first + i) % p->out_w), scratch + i * depth);
          rows = scratch;
          stride = depth;
        }
        product(rows, stride, weights, start, result + first * p->out_c + group * columns, p->out_c, count, depth,
                columns);
      }
    }
  }
}

/// The parts of each head's softmax become its result, and that activations. Included by each variant's file behind
/// token.h.
#include "attention.h"

/// The parts [first, last) of one head: the values times 2^(largest - the largest of all), by the sum of the weights.
static void merge_head(float *parts, size_t stride, int32_t count, int32_t size, float *out) {
  const int32_t padded = martlet_padded_head(size);
  float most = parts[padded];
  for (int32_t c = 1; c < count; c++) {
    const float largest = parts[(size_t)c * stride + (size_t)padded];
    most = largest > most ? largest : most;
  }
  float sum = 0;
  for (int32_t c = 0; c < count; c++) {
    float *end = parts + (size_t)c * stride + padded;
    vf factor = (vf){0} + (end[0] - most);
    exp2_lanes(&factor);
    end[0] = factor[0];
    sum = martlet_fma(end[1], end[0], sum);
  }
  const float inverse = 1.0f / sum;
  for (int32_t i = 0; i < size; i += MARTLET_LANES) {
    vf acc = {0};
    for (int32_t c = 0; c < count; c++) {
      const float *part = parts + (size_t)c * stride;
      vf v;
      load_lanes(&v, part + i);
      const vf factor = (vf){0} + part[padded];
      fma_lanes(&acc, &v, &factor, &acc);
    }
    acc *= inverse;
    store_some(out + i, &acc, size - i);
  }
}

LANGUAGE(merge, p) {
  const martlet_attention_params *a = &p->attention;
  const int32_t size = a->cache.head_size, first_chunk = martlet_attention_grid_of(a).first_chunk;
  const size_t stride = martlet_part_stride(&a->cache);
  const size_t head_stride = (size_t)martlet_attention_grid_of(a).chunks * stride;
  float *row = scratch;
  for (int32_t t = first; t < last; t++) {
    const int32_t position = a->first_position + t;
    const int32_t begin = martlet_first_seen(position, a->window) / MARTLET_CACHE_CHUNK;
    const int32_t count = position / MARTLET_CACHE_CHUNK + 1 - begin;
    for (int32_t h = 0; h < a->heads; h++) {
      const size_t head = (size_t)t * (size_t)a->heads + (size_t)h;
      merge_head(a->partials + head * head_stride + (size_t)(begin - first_chunk) * stride, stride, count, size,
                 row + (size_t)h * (size_t)size);
    }
    pack_row(row, a->heads * size, &p->out, p->first_row + t);
  }
}

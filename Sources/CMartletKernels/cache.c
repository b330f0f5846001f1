#include "language.h"

MARTLET_SMALL_BEGIN
void martlet_cache_clear(const martlet_cache *c, int32_t first, int32_t last) {
  const size_t unit = c->type == MARTLET_CACHE_INT8 ? 1 : sizeof(float);
  const size_t padded = (size_t)martlet_padded_head(c->head_size), bytes = (size_t)c->capacity * padded * unit;
  for (int32_t h = 0; h < c->heads; h++) {
    for (int32_t s = first; s < last; s++) {
      uint8_t *keys = (uint8_t *)c->keys + (size_t)h * bytes + martlet_key_place(c, s) * unit;
      uint8_t *values = (uint8_t *)c->values + (size_t)h * bytes + martlet_value_place(c, s) * unit;
      // Four bytes at a time: four elements of an int8 key, one of a float one.
      for (size_t i = 0; i < padded * unit / 4; i++) memset(keys + i * 64, 0, 4);
      if (c->type == MARTLET_CACHE_INT8)
        for (size_t i = 0; i < padded; i++) values[i * 4] = 0;
      else memset(values, 0, padded * unit);
    }
    for (int32_t g = 0; c->type == MARTLET_CACHE_INT8 && g < martlet_cache_groups(c->head_size); g++) {
      const size_t row = ((size_t)h * (size_t)martlet_cache_groups(c->head_size) + (size_t)g) * (size_t)c->capacity;
      for (int32_t s = first; s < last; s++) c->key_scales[row + (size_t)s] = c->value_scales[row + (size_t)s] = 0;
    }
  }
}
MARTLET_SMALL_END

#ifndef MARTLET_UNICODE_INTERNAL_H
#define MARTLET_UNICODE_INTERNAL_H

#include <stdint.h>

struct martlet_unicode_tables {
  const uint32_t *class_ranges;
  int32_t class_range_count;
  const uint32_t *combining_ranges;
  int32_t combining_range_count;
  const uint64_t *decompositions;
  int32_t decomposition_count;
  const uint16_t *compositions;
  int32_t composition_count;
};

extern const struct martlet_unicode_tables martlet_unicode;

#endif

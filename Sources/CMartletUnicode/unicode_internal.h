#ifndef MARTLET_UNICODE_INTERNAL_H
#define MARTLET_UNICODE_INTERNAL_H

#include <stdint.h>

/// Ranges of codes of one kind each, without gaps. `bytes`: length << kind_bits | kind of each range, seven bits a
/// byte, the lowest first, the eighth bit where more follow. Of every few ranges `starts` has the first code and
/// `offsets` its place in `bytes`.
struct martlet_unicode_ranges {
  const uint8_t *bytes;
  const uint32_t *starts;
  const uint16_t *offsets;
  int32_t start_count, kind_bits;
};

struct martlet_unicode_tables {
  struct martlet_unicode_ranges classes, combining;
  /// By the kind of a range of `combining`.
  const uint8_t *combining_classes;
  /// code << 12 | index of the first decomposition of each run of codes.
  const uint32_t *runs;
  int32_t run_count;
  /// Of each decomposition: the first code, without its plane, and the index of its second one.
  const uint16_t *first_of;
  const uint8_t *second_of;
  /// second or 0, << 2 | plane of the first.
  const uint32_t *seconds;
  int32_t decomposition_count;
  /// Indices of decompositions, ordered by (first, second).
  const uint16_t *compositions;
  int32_t composition_count;
};

extern const struct martlet_unicode_tables martlet_unicode;

#endif

/// The one thing wanted of EXIF: tag 0x0112 of the first directory.
#include "picture_internal.h"

typedef struct tiff {
  const uint8_t *bytes;
  size_t count;
  bool is_big_endian;
} tiff;

/// 0 outside the bytes.
static uint32_t number_at(const tiff *t, size_t offset, size_t width) {
  if (offset > t->count || width > t->count - offset) return 0;
  uint32_t value = 0;
  for (size_t i = 0; i < width; i++) {
    value = value << 8 | t->bytes[offset + (t->is_big_endian ? i : width - 1 - i)];
  }
  return value;
}

int32_t martlet_exif_orientation(const uint8_t *bytes, size_t count) {
  tiff t = {bytes, count, count > 0 && bytes[0] == 'M'};
  if (count < 8 || bytes[0] != bytes[1] || (bytes[0] != 'I' && bytes[0] != 'M') || number_at(&t, 2, 2) != 42) return 1;
  size_t directory = number_at(&t, 4, 4);
  uint32_t entries = number_at(&t, directory, 2);
  for (uint32_t i = 0; i < entries; i++) {
    size_t entry = directory + 2 + 12 * (size_t)i;
    if (entry + 12 > count) break;
    // Type 3 is a 16-bit number.
    if (number_at(&t, entry, 2) != 0x0112 || number_at(&t, entry + 2, 2) != 3) continue;
    uint32_t value = number_at(&t, entry + 8, 2);
    return value >= 1 && value <= 8 ? (int32_t)value : 1;
  }
  return 1;
}

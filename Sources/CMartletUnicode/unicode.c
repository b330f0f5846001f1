#include "martlet_unicode.h"

#include "unicode_internal.h"

enum { ALTERNATING = 11, LAST = 0x10FFFF, INDEX_BITS = 12, INDEX_MASK = (1 << INDEX_BITS) - 1 };

// Hangul syllables, by the arithmetic of the Unicode standard, section 3.12.
enum {
  SYLLABLES = 0xAC00,
  LEADS = 0x1100,
  VOWELS = 0x1161,
  TRAILS = 0x11A7,
  LEAD_COUNT = 19,
  VOWEL_COUNT = 21,
  TRAIL_COUNT = 28,
  SYLLABLE_COUNT = LEAD_COUNT * VOWEL_COUNT * TRAIL_COUNT
};

/// The index of the last value that is not above `limit`, all of them first shifted and masked; the first one is not.
static int32_t find_last(const uint32_t *values, int32_t count, uint32_t shift, uint32_t mask, uint32_t limit) {
  int32_t low = 0, high = count;
  while (high - low > 1) {
    int32_t middle = (low + high) / 2;
    if ((values[middle] >> shift & mask) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

/// The kind of the range that `code` is in, and how far it is from the range's start.
static uint32_t find_kind(const struct martlet_unicode_ranges *ranges, uint32_t code, uint32_t *distance) {
  const int32_t place = find_last(ranges->starts, ranges->start_count, 0, UINT32_MAX, code);
  const uint8_t *at = ranges->bytes + ranges->offsets[place];
  uint32_t left = code - ranges->starts[place];
  for (;;) {
    uint32_t value = 0;
    for (uint32_t shift = 0;; shift += 7) {
      value |= (*at & 0x7Fu) << shift;
      if (*at++ < 0x80) break;
    }
    const uint32_t length = value >> ranges->kind_bits;
    if (left < length) {
      *distance = left;
      return value & ((1u << ranges->kind_bits) - 1);
    }
    left -= length;
  }
}

uint32_t martlet_unicode_class_of(uint32_t code) {
  if (code > LAST) return MARTLET_UNICODE_OTHER;
  uint32_t distance, kind = find_kind(&martlet_unicode.classes, code, &distance);
  if (kind != ALTERNATING) return kind;
  return distance % 2 ? MARTLET_UNICODE_LOWER : MARTLET_UNICODE_UPPER;
}

uint32_t martlet_unicode_combining_class(uint32_t code) {
  if (code < 0x300 || code > LAST) return 0;
  uint32_t distance;
  return martlet_unicode.combining_classes[find_kind(&martlet_unicode.combining, code, &distance)];
}

/// The index of the decomposition of one level, or -1.
static int32_t find_decomposition(uint32_t code) {
  const uint32_t *runs = martlet_unicode.runs;
  const int32_t count = martlet_unicode.run_count;
  const int32_t run = find_last(runs, count, INDEX_BITS, UINT32_MAX, code);
  const uint32_t index = (runs[run] & INDEX_MASK) + (code - (runs[run] >> INDEX_BITS));
  const uint32_t end = run + 1 < count ? runs[run + 1] & INDEX_MASK : (uint32_t)martlet_unicode.decomposition_count;
  return index < end ? (int32_t)index : -1;
}

static uint32_t first_of(int32_t index) {
  const uint32_t plane = martlet_unicode.seconds[martlet_unicode.second_of[index]] & 3;
  return plane << 16 | martlet_unicode.first_of[index];
}

/// 0 where there is none.
static uint32_t second_of(int32_t index) { return martlet_unicode.seconds[martlet_unicode.second_of[index]] >> 2; }

int32_t martlet_unicode_decompose(uint32_t code, uint32_t into[4]) {
  if (code - SYLLABLES < SYLLABLE_COUNT) {
    uint32_t index = code - SYLLABLES, trail = index % TRAIL_COUNT;
    into[0] = LEADS + index / (VOWEL_COUNT * TRAIL_COUNT);
    into[1] = VOWELS + index / TRAIL_COUNT % VOWEL_COUNT;
    into[2] = TRAILS + trail;
    return trail ? 3 : 2;
  }
  // Only the first of two decomposes further. Its seconds come out last to first.
  uint32_t seconds[3];
  int32_t count = 0;
  while (count < 3 && code >= 0xC0) {
    const int32_t index = find_decomposition(code);
    if (index < 0) break;
    code = first_of(index);
    const uint32_t second = second_of(index);
    if (second) seconds[count++] = second;
  }
  into[0] = code;
  for (int32_t i = 0; i < count; i++) into[1 + i] = seconds[count - 1 - i];
  return count + 1;
}

uint32_t martlet_unicode_compose(uint32_t first, uint32_t second) {
  if (first - LEADS < LEAD_COUNT && second - VOWELS < VOWEL_COUNT) {
    return SYLLABLES + ((first - LEADS) * VOWEL_COUNT + (second - VOWELS)) * TRAIL_COUNT;
  }
  if (first - SYLLABLES < SYLLABLE_COUNT && (first - SYLLABLES) % TRAIL_COUNT == 0 &&
      second - TRAILS - 1 < TRAIL_COUNT - 1) {
    return first + (second - TRAILS);
  }
  uint64_t wanted = (uint64_t)first << 21 | second;
  int32_t low = 0, high = martlet_unicode.composition_count - 1;
  while (low <= high) {
    int32_t middle = (low + high) / 2;
    const int32_t index = martlet_unicode.compositions[middle];
    const uint64_t pair = (uint64_t)first_of(index) << 21 | second_of(index);
    if (pair == wanted) {
      const uint32_t run =
          martlet_unicode
              .runs[find_last(martlet_unicode.runs, martlet_unicode.run_count, 0, INDEX_MASK, (uint32_t)index)];
      return (run >> INDEX_BITS) + (uint32_t)index - (run & INDEX_MASK);
    }
    if (pair < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

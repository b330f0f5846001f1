#include "martlet_unicode.h"

#include "unicode_internal.h"

enum { ALTERNATING = 11, LAST = 0x10FFFF, CODE_MASK = 0x1FFFFF };

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

/// The last range whose start is not after `code`; the first range starts at 0.
static uint32_t find_range(const uint32_t *ranges, int32_t count, uint32_t code, int32_t shift) {
  int32_t low = 0, high = count;
  while (high - low > 1) {
    int32_t middle = (low + high) / 2;
    if (ranges[middle] >> shift <= code) low = middle;
    else high = middle;
  }
  return ranges[low];
}

uint32_t martlet_unicode_class_of(uint32_t code) {
  if (code > LAST) return MARTLET_UNICODE_OTHER;
  uint32_t range = find_range(martlet_unicode.class_ranges, martlet_unicode.class_range_count, code, 4);
  uint32_t kind = range & 15;
  if (kind != ALTERNATING) return kind;
  return (code - (range >> 4)) % 2 ? MARTLET_UNICODE_LOWER : MARTLET_UNICODE_UPPER;
}

uint32_t martlet_unicode_combining_class(uint32_t code) {
  if (code < 0x300 || code > LAST) return 0;
  return find_range(martlet_unicode.combining_ranges, martlet_unicode.combining_range_count, code, 8) & 0xFF;
}

/// The decomposition of one level, or 0.
static uint64_t find_decomposition(uint32_t code) {
  int32_t low = 0, high = martlet_unicode.decomposition_count - 1;
  while (low <= high) {
    int32_t middle = (low + high) / 2;
    uint64_t entry = martlet_unicode.decompositions[middle];
    uint32_t found = (uint32_t)(entry >> 42);
    if (found == code) return entry;
    if (found < code) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

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
    uint64_t entry = find_decomposition(code);
    if (!entry) break;
    code = (uint32_t)(entry >> 21) & CODE_MASK;
    uint32_t second = (uint32_t)entry & CODE_MASK;
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
    uint64_t entry = martlet_unicode.decompositions[martlet_unicode.compositions[middle]];
    uint64_t pair = entry & (((uint64_t)1 << 42) - 1);
    if (pair == wanted) return (uint32_t)(entry >> 42);
    if (pair < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

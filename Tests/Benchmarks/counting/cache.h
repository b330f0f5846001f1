/// Two levels of a data cache, as a processor of the Cortex-A class has them: 64-byte lines, least recently used out
/// first, a store brings its line in like a load. A miss of the first level looks into the second; neither level knows
/// what the other holds (not inclusive, not exclusive), and what is written back is not looked at. There is no
/// prefetcher and no other user of the second level, instructions included. Addresses are those of the program.
#pragma once

#include <stdint.h>

enum {
  CACHE_LINE_SHIFT = 6,
  CACHE_L1_SETS = 128,  // 32 KiB
  CACHE_L1_WAYS = 4,
  CACHE_L2_SETS = 1024,  // 512 KiB
  CACHE_L2_WAYS = 8,
};

typedef struct {
  uint64_t l1[CACHE_L1_SETS][CACHE_L1_WAYS], l2[CACHE_L2_SETS][CACHE_L2_WAYS];  // lines, newest first; 0: none
  uint64_t l1_misses, l2_misses;
} cache;

/// Whether the set holds the line, which is its newest afterwards.
static inline int cache_find(uint64_t *set, int ways, uint64_t line) {
  int way = 0;
  while (way < ways - 1 && set[way] != line) way++;
  int found = set[way] == line;
  for (; way > 0; way--) set[way] = set[way - 1];
  set[0] = line;
  return found;
}

static inline void cache_touch(cache *c, uint64_t line) {
  uint64_t *l1 = c->l1[line % CACHE_L1_SETS];
  if (l1[0] == line || cache_find(l1, CACHE_L1_WAYS, line)) return;
  c->l1_misses++;
  c->l2_misses += !cache_find(c->l2[line % CACHE_L2_SETS], CACHE_L2_WAYS, line);
}

/// An access of `bytes` bytes at `address`: one line, or two.
static inline void cache_access(cache *c, uint64_t address, uint64_t bytes) {
  uint64_t first = address >> CACHE_LINE_SHIFT, last = (address + bytes - 1) >> CACHE_LINE_SHIFT;
  cache_touch(c, first);
  if (last != first) cache_touch(c, last);
}

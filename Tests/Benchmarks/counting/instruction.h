/// What an A64 instruction does to memory (Arm Architecture Reference Manual, C4.1.94 "Loads and Stores").
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  bool loads, stores;
} memory_use;

static inline memory_use instruction_memory_use(uint32_t word) {
  const memory_use none = {false, false}, load = {true, false}, store = {false, true}, both = {true, true};
  if ((word & 0x0a000000) != 0x08000000) return none;
  bool vector = word >> 26 & 1, bit22 = word >> 22 & 1;
  unsigned size = word >> 30, opc = word >> 22 & 3, upper = word >> 24 & 3;
  switch (word >> 27 & 7) {
    case 1: return bit22 ? load : store;  // structures of vectors; exclusive, ordered
    case 3:
      if (upper == 0) return size == 3 && !vector ? none : load;  // literal
      return opc == 0 ? store : load;                             // ordered, with an offset
    case 5: return bit22 ? load : store;                          // pairs
    case 7:
      if (upper == 0 && (word >> 21 & 1) && (word >> 10 & 3) == 0) return both;  // atomic
      if (vector) return bit22 ? load : store;
      if (size == 3 && opc == 2) return none;  // prefetch
      return opc == 0 ? store : load;
    default: return none;
  }
}

/// Whether the counter's caches miss where paper says, and whether it knows loads from stores. Ends with
/// 'N passed, N failed'.
#include <stdio.h>
#include <string.h>

#include "cache.h"
#include "instruction.h"

static int passed, failed;

static void expect(const char *what, uint64_t found, uint64_t wanted) {
  if (found == wanted) {
    passed++;
    return;
  }
  printf("FAILED %s: %llu, not %llu\n", what, (unsigned long long)found, (unsigned long long)wanted);
  failed++;
}

static cache simulated;

/// Reads `count` words `stride` bytes apart, `rounds` times.
static void sweep(uint64_t count, uint64_t stride, int rounds) {
  memset(&simulated, 0, sizeof simulated);
  for (int round = 0; round < rounds; round++)
    for (uint64_t i = 0; i < count; i++) cache_access(&simulated, 0x100000 + i * stride, 8);
}

static void check_caches(void) {
  enum { KIB = 1024, LINE = 64 };
  sweep(32 * KIB / 8, 8, 3);
  expect("32 KiB: a miss for each line, once", simulated.l1_misses, 32 * KIB / LINE);
  sweep(33 * KIB / LINE, LINE, 2);
  // The oldest goes first: sixteen sets have five lines, and miss each time, the others once.
  expect("33 KiB: sets with one line too many", simulated.l1_misses, 33 * KIB / LINE + 16 * 5);
  expect("33 KiB: the second level has it", simulated.l2_misses, 33 * KIB / LINE);
  sweep(4, 8 * KIB, 10);
  expect("four lines in one set", simulated.l1_misses, 4);
  sweep(5, 8 * KIB, 10);
  expect("five lines in one set", simulated.l1_misses, 50);
  expect("five lines in one set, second level", simulated.l2_misses, 5);
  sweep(8, 64 * KIB, 10);
  expect("eight lines in one set of the second level", simulated.l2_misses, 8);
  sweep(9, 64 * KIB, 10);
  expect("nine lines in one set of the second level", simulated.l2_misses, 90);
  memset(&simulated, 0, sizeof simulated);
  cache_access(&simulated, 0x1003c, 8);
  expect("an access across two lines", simulated.l1_misses, 2);
  cache_access(&simulated, 0x10040, 8);
  expect("the second of them again", simulated.l1_misses, 2);
}

static void check_instructions(void) {
  static const struct {
    const char *text;
    uint32_t word;
    bool loads, stores;
  } all[] = {
      {"add v0.4s, v0.4s, v1.4s", 0x4ea18400, false, false},
      {"add x0, x0, #64", 0x91010000, false, false},
      {"b.ne #-8", 0x54ffffc1, false, false},
      {"ldr q0, [x1]", 0x3dc00020, true, false},
      {"str q0, [x1], #16", 0x3c810420, false, true},
      {"ldr w0, [x1, x2]", 0xb8626820, true, false},
      {"ldrsb w0, [x1]", 0x39c00020, true, false},
      {"strb w0, [x1]", 0x39000020, false, true},
      {"ldp q0, q1, [x2]", 0xad400440, true, false},
      {"stp x29, x30, [sp, #-16]!", 0xa9bf7bfd, false, true},
      {"ld1r { v0.4s }, [x1]", 0x4d40c820, true, false},
      {"ld1 { v0.16b, v1.16b }, [x1], #32", 0x4cdfa020, true, false},
      {"st1 { v0.s }[1], [x1]", 0x0d009020, false, true},
      {"ldr x0, #8", 0x58000040, true, false},
      {"prfm pldl1keep, [x0, #64]", 0xf9802000, false, false},
      {"prfum pldl1keep, [x0]", 0xf8800000, false, false},
      {"ldar w0, [x1]", 0x88dffc20, true, false},
      {"stlr w0, [x1]", 0x889ffc20, false, true},
      {"ldadd w0, w1, [x2]", 0xb8200041, true, true},
      {"sdot v0.4s, v1.16b, v2.4b[0]", 0x4f82e020, false, false},
  };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    memory_use use = instruction_memory_use(all[i].word);
    expect(all[i].text, use.loads * 2 + use.stores, all[i].loads * 2 + all[i].stores);
  }
}

int main(void) {
  check_caches();
  check_instructions();
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}

#include "martlet_fuzz.h"

extern int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *data, size_t size));
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

int martlet_fuzz_run(int argc, char **argv, int (*target)(const uint8_t *data, size_t size)) {
  return LLVMFuzzerRunDriver(&argc, &argv, target);
}

size_t martlet_fuzz_mutate(uint8_t *data, size_t size, size_t max_size) {
  return LLVMFuzzerMutate(data, size, max_size);
}

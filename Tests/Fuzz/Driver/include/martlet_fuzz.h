/// libFuzzer, as Swift can call it.
#ifndef MARTLET_FUZZ_H
#define MARTLET_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/// Runs the fuzzer on the command line's options; `target` gets one input at a time.
int martlet_fuzz_run(int argc, char **argv, int (*target)(const uint8_t *data, size_t size));
/// libFuzzer's own mutation of data[0..<size]; returns the new size.
size_t martlet_fuzz_mutate(uint8_t *data, size_t size, size_t max_size);

#endif

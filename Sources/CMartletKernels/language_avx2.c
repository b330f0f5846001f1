#if defined(__x86_64__)
// In front of everything: what is inlined must have the target of what it is inlined into.
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "language.h"

#define LANGUAGE(NAME, P) MARTLET_KERNEL(NAME, avx2, P)

#include "token.h"
#include "rotate.h"
#include "merge.h"

#pragma clang attribute pop
#endif

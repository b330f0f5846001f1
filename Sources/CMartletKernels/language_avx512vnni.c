#if defined(__x86_64__)
// In front of everything, as in language_avx2.c.
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(MARTLET_EMULATES_AVX512)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), \
                             apply_to = function)
#endif
#define MARTLET_WIDE
#include "language.h"

#define LANGUAGE(NAME, P) MARTLET_KERNEL(NAME, avx512vnni, P)

#include "token.h"

#pragma clang attribute pop
#endif

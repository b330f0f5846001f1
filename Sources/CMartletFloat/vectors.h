#ifndef MARTLET_FLOAT_VECTORS_H
#define MARTLET_FLOAT_VECTORS_H

// A fused multiply-add rounds once where a product and a sum round twice: never by the compiler's choice.
#pragma STDC FP_CONTRACT OFF

/// The same function once more for AVX2; each lane computes what it would without.
#if defined(__x86_64__)
#define WIDE_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define WIDE_VECTORS
#endif

#endif

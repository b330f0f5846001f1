/// Attention in double, from what is in the cache: what the scalar variant is held to.
#ifndef MARTLET_ATTENTION_REFERENCE_H
#define MARTLET_ATTENTION_REFERENCE_H

#include "martlet_language.h"

/// softmax(cap(q k^T)) v of one token and head, [head_size], with keys and values as they are in the cache. `query` is
/// quantized as the kernels do it, where the cache is int8. Returns the largest |value| that was seen.
double martlet_reference_attention(const martlet_attention_params *p, int32_t token, int32_t head, double *out);

#endif

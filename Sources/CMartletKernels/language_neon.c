#include "language.h"

#if defined(__aarch64__)
#define LANGUAGE(NAME, P) MARTLET_KERNEL(NAME, neon, P)

#include "token.h"
#include "rotate.h"
#include "merge.h"
#endif

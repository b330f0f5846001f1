/// The scalar variants of the element-wise operators, for processors without SIMD.
#include "elementwise.h"
#include "binary.h"

MARTLET_SMALL_BEGIN

MARTLET_BINARY_SCALAR(add)
MARTLET_BINARY_SCALAR(mul)
MARTLET_BINARY_SCALAR(prelu)

MARTLET_SMALL_END

#define MARTLET_SMALL_LANES
#include "language.h"

MARTLET_SMALL_BEGIN

#define LANGUAGE(NAME, P) MARTLET_KERNEL(NAME, scalar, P)

#include "token.h"
#include "rotate.h"
#include "merge.h"

MARTLET_SMALL_END

float martlet_exp(float x) {
  vf v = (vf){0} + x;
  exp_lanes(&v);
  return v[0];
}

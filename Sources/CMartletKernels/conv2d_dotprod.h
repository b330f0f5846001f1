/// Convolution by dot products, for a processor with i8mm too where its matrices would not be filled.
#ifndef MARTLET_CONV2D_DOTPROD_H
#define MARTLET_CONV2D_DOTPROD_H

#include "conv2d_neon.h"

#if defined(__aarch64__)

void martlet_conv2d_run_dotprod(const conv2d_run *run);
/// A single pixel times any number of panels.
void martlet_conv2d_single_dotprod(const conv2d_run *run);

#endif
#endif

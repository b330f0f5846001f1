#include "depthwise_avx512.h"

#if defined(__x86_64__)

MARTLET_KERNEL(depthwise, avx512vnni, p) {
  if ((int64_t)p->kernel_h * p->kernel_w > MARTLET_DEPTHWISE_TAPS_AVX512) {
    martlet_depthwise_scalar(p, buffers, first, last, scratch);
    return;
  }
  const bool sliding = p->kernel_h == p->kernel_w && p->dilation_w == 1 && p->stride_w <= 2;
  martlet_depthwise_drive(p, buffers, first, last, scratch,
                          sliding && p->kernel_h == 3   ? martlet_depthwise_slide_avx512
                          : sliding && p->kernel_h == 5 ? martlet_depthwise_slide5_avx512
                                                        : martlet_depthwise_any_avx512,
                          4);
}

#endif

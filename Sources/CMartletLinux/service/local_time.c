#define _GNU_SOURCE
#include "martlet_service.h"

#include <time.h>

int32_t martlet_local_offset_s(uint64_t seconds) {
  time_t time = (time_t)seconds;
  struct tm local;
  // The system's zone may have been changed.
  tzset();
  if (localtime_r(&time, &local) == NULL) return 0;
  return (int32_t)local.tm_gmtoff;
}

// A disk that does not answer, for a program that is started with LD_PRELOAD: fdatasync waits while the file that
// SLOW_DISK names is there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int descriptor) {
  const char *sign = getenv("SLOW_DISK");
  while (sign != NULL && access(sign, F_OK) == 0) usleep(10000);
  int (*own)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return own(descriptor);
}

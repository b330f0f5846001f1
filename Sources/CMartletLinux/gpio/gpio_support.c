#define _GNU_SOURCE
#include "gpio_internal.h"

#include <fcntl.h>

void gpio_copy(char *into, size_t capacity, const char *text) {
  size_t count = 0;
  for (; text && count + 1 < capacity && text[count]; count++) into[count] = text[count];
  into[count] = '\0';
}

bool gpio_number(const char *text, size_t count, uint32_t *number) {
  uint64_t value = 0;
  if (count == 0 || count > 9) return false;
  for (size_t i = 0; i < count; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (uint64_t)(text[i] - '0');
  }
  *number = (uint32_t)value;
  return true;
}

martlet_error gpio_set_nonblocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0 ? errno : 0;
}

martlet_error gpio_fail(martlet_gpio_failure *failure, martlet_error error, int32_t system_error, const char *detail) {
  failure->error = error;
  failure->system_error = system_error;
  gpio_copy(failure->detail, sizeof failure->detail, detail);
  return error;
}

martlet_error gpio_opening_failed(martlet_gpio_failure *failure, int32_t system_error, const char *path) {
  martlet_error error = system_error;
  if (error == EACCES || error == EPERM) error = MARTLET_GPIO_DENIED;
  if (error == ENOENT || error == ENOTTY || error == ENODEV) error = MARTLET_GPIO_NO_CHIP;
  return gpio_fail(failure, error, system_error, path);
}

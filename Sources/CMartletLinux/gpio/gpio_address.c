#define _GNU_SOURCE
#include "gpio_internal.h"

#include <string.h>

martlet_error martlet_gpio_parse(const char *text, size_t count, martlet_gpio_address *address) {
  memset(address, 0, sizeof *address);
  if (memchr(text, 0, count) != NULL) return MARTLET_GPIO_NO_ADDRESS;
  // A name that may itself have a colon.
  bool is_name = count > 5 && memcmp(text, "name:", 5) == 0;
  if (is_name) {
    text += 5;
    count -= 5;
  }
  const char *colon = is_name ? NULL : memrchr(text, ':', count);
  size_t chip = colon ? (size_t)(colon - text) : 0;
  const char *line = colon ? colon + 1 : text;
  size_t length = count - (size_t)(line - text);
  if (length == 0 || length >= sizeof address->name || chip >= sizeof address->chip || (colon && chip == 0))
    return MARTLET_GPIO_NO_ADDRESS;
  memcpy(address->chip, text, chip);
  if (!colon || !gpio_number(line, length, &address->offset)) memcpy(address->name, line, length);
  return 0;
}

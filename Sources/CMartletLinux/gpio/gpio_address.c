#define _GNU_SOURCE
#include "gpio_internal.h"

#include <string.h>

/// Divides the text at a colon; NULL: nowhere.
static bool divide(martlet_gpio_address *address, const char *colon) {
  memset(address->chip, 0, sizeof address->chip);
  memset(address->name, 0, sizeof address->name);
  const char *text = address->text, *line = colon ? colon + 1 : text;
  size_t chip = colon ? (size_t)(colon - text) : 0, length = strlen(line);
  address->colon = colon ? (int32_t)chip : -1;
  if (length == 0 || length >= sizeof address->name || chip >= sizeof address->chip || (colon && chip == 0))
    return false;
  memcpy(address->chip, text, chip);
  if (!colon || !gpio_number(line, length, &address->offset)) memcpy(address->name, line, length);
  return true;
}

martlet_error martlet_gpio_parse(const char *text, size_t count, martlet_gpio_address *address) {
  memset(address, 0, sizeof *address);
  if (memchr(text, 0, count) != NULL || count >= sizeof address->text) return MARTLET_GPIO_NO_ADDRESS;
  // A name whatever is in it.
  bool is_name = count > 5 && memcmp(text, "name:", 5) == 0;
  memcpy(address->text, is_name ? text + 5 : text, is_name ? count - 5 : count);
  return divide(address, is_name ? NULL : strrchr(address->text, ':')) ? 0 : MARTLET_GPIO_NO_ADDRESS;
}

bool martlet_gpio_divide_otherwise(martlet_gpio_address *address) {
  while (address->colon >= 0) {
    const char *colon = memrchr(address->text, ':', (size_t)address->colon);
    if (divide(address, colon)) return true;
  }
  return false;
}

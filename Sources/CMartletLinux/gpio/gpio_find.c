#define _GNU_SOURCE
#include "gpio_internal.h"

#include <stdio.h>
#include <string.h>

/// Adds a chip's name to the list in `detail`; cut at its end, and then with three dots.
static void list(martlet_gpio_failure *failure, const martlet_gpio_chip_info *info) {
  size_t used = strlen(failure->detail), room = sizeof failure->detail - used;
  int more = snprintf(failure->detail + used, room, "%s%s", used ? ", " : "", info->name);
  if (more >= (int)room) strcpy(failure->detail + sizeof failure->detail - 4, "...");
}

/// The offset of the address's line on this chip; MARTLET_GPIO_AMBIGUOUS: several have the name.
static martlet_error offset_on(const martlet_gpio_chip *chip, const martlet_gpio_address *address, uint32_t *offset) {
  martlet_error error = MARTLET_GPIO_NO_LINE;
  if (address->name[0] == '\0') {
    *offset = address->offset;
    return address->offset < chip->info.line_count ? 0 : error;
  }
  for (uint32_t i = 0; i < chip->info.line_count; i++) {
    martlet_gpio_line_info info;
    if (gpio_backend_line_info(chip->chip, i, &info) || strcmp(info.name, address->name) != 0) continue;
    if (error == 0) return MARTLET_GPIO_AMBIGUOUS;
    error = 0;
    *offset = i;
  }
  return error;
}

/// Goes on with the line on one chip.
static martlet_error settle_on(const martlet_gpio_chip *chip, const martlet_gpio_address *address, uint32_t *offset,
                               martlet_gpio_failure *failure) {
  martlet_error error = offset_on(chip, address, offset);
  failure->lines = chip->info.line_count;
  return error ? gpio_fail(failure, error, 0, chip->info.name) : 0;
}

/// Opens the chip that has the line, with the address as it is divided.
static martlet_error find_as(const martlet_gpio_address *address, martlet_gpio_chip *found, uint32_t *offset,
                             martlet_gpio_failure *failure) {
  memset(failure, 0, sizeof *failure);
  memset(found, 0, sizeof *found);
  if (address->chip[0] == '/') {
    gpio_copy(found->info.path, sizeof found->info.path, address->chip);
    martlet_error error = gpio_open_path(found);
    if (error) {
      error = gpio_opening_failed(failure, error, address->chip);
      // The address says already which.
      if (error == MARTLET_GPIO_NO_CHIP) failure->detail[0] = '\0';
      return error;
    }
    error = settle_on(found, address, offset, failure);
    if (error) martlet_gpio_close(found);
    return error;
  }
  uint32_t numbers[MARTLET_GPIO_MAX_CHIPS];
  int32_t count = martlet_gpio_chips(numbers);
  if (count == 0) return gpio_fail(failure, MARTLET_GPIO_NO_CHIPS, 0, NULL);
  martlet_gpio_failure all = {0}, matching = {0}, denied = {0};
  int32_t matches = 0;
  for (int32_t i = 0; i < count; i++) {
    martlet_gpio_chip chip;
    martlet_gpio_failure problem;
    if (martlet_gpio_open(numbers[i], &chip, &problem)) {
      // The name is known even of a chip that may not be opened.
      if (!denied.error || strcmp(chip.info.path + 5, address->chip) == 0) denied = problem;
      if (strcmp(chip.info.path + 5, address->chip) == 0) break;
      continue;
    }
    list(&all, &chip.info);
    bool is_it = address->chip[0] == '\0'
                     ? offset_on(&chip, address, offset) != MARTLET_GPIO_NO_LINE
                     : !strcmp(chip.info.name, address->chip) || !strcmp(chip.info.label, address->chip);
    if (is_it) {
      list(&matching, &chip.info);
      if (matches++ == 0) {
        *found = chip;
        continue;
      }
    }
    martlet_gpio_close(&chip);
  }
  martlet_error error;
  if (matches == 1) {
    error = settle_on(found, address, offset, failure);
  } else if (matches > 1) {
    error = gpio_fail(failure, MARTLET_GPIO_AMBIGUOUS, 0, matching.detail);
  } else if (denied.error) {
    *failure = denied;
    error = denied.error;
  } else {
    error = gpio_fail(failure, address->chip[0] ? MARTLET_GPIO_NO_CHIP : MARTLET_GPIO_NO_LINE, 0,
                      address->chip[0] ? all.detail : NULL);
  }
  if (error) martlet_gpio_close(found);
  return error;
}

martlet_error gpio_find(const martlet_gpio_address *address, martlet_gpio_chip *found, uint32_t *offset,
                        martlet_gpio_failure *failure) {
  martlet_error error = find_as(address, found, offset, failure);
  martlet_gpio_address other = *address;
  const martlet_gpio_failure first = *failure;
  while ((error == MARTLET_GPIO_NO_CHIP || error == MARTLET_GPIO_NO_LINE) && martlet_gpio_divide_otherwise(&other))
    error = find_as(&other, found, offset, failure);
  if (error != MARTLET_GPIO_NO_CHIP && error != MARTLET_GPIO_NO_LINE) return error;
  *failure = first;
  return first.error;
}

#define _GNU_SOURCE
#include "gpio_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

// MARK: - Addresses

static bool is_number(const char *text, size_t count, uint32_t *number) {
  uint64_t value = 0;
  if (count == 0 || count > 9) return false;
  for (size_t i = 0; i < count; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (uint64_t)(text[i] - '0');
  }
  *number = (uint32_t)value;
  return true;
}

martlet_error martlet_gpio_parse(const char *text, size_t count, martlet_gpio_address *address) {
  memset(address, 0, sizeof *address);
  if (memchr(text, 0, count) != NULL) return MARTLET_GPIO_NO_ADDRESS;
  const char *colon = memrchr(text, ':', count);
  size_t chip = colon ? (size_t)(colon - text) : 0;
  const char *line = colon ? colon + 1 : text;
  size_t length = count - (size_t)(line - text);
  if (length == 0 || length >= sizeof address->name || chip >= sizeof address->chip || (colon && chip == 0))
    return MARTLET_GPIO_NO_ADDRESS;
  memcpy(address->chip, text, chip);
  if (!colon || !is_number(line, length, &address->offset)) memcpy(address->name, line, length);
  return 0;
}

// MARK: - Looking around

int32_t martlet_gpio_chips(uint32_t *numbers) {
  DIR *folder = opendir("/dev");
  int32_t count = 0;
  if (!folder) return 0;
  for (struct dirent *entry; (entry = readdir(folder)) && count < MARTLET_GPIO_MAX_CHIPS;) {
    uint32_t number;
    // Raspberry Pi OS has a link from one chip's name to another chip: the same chip twice.
    if (strncmp(entry->d_name, "gpiochip", 8) != 0 || entry->d_type == DT_LNK) continue;
    if (!is_number(entry->d_name + 8, strlen(entry->d_name + 8), &number)) continue;
    int32_t at = count++;
    for (; at > 0 && numbers[at - 1] > number; at--) numbers[at] = numbers[at - 1];
    numbers[at] = number;
  }
  closedir(folder);
  return count;
}

martlet_error gpio_open_path(martlet_gpio_chip *chip) {
  martlet_error error = gpio_backend_open(chip);
  if (error) chip->chip = NULL;
  return error;
}

martlet_error martlet_gpio_open(uint32_t number, martlet_gpio_chip *chip, martlet_gpio_failure *failure) {
  memset(chip, 0, sizeof *chip);
  memset(failure, 0, sizeof *failure);
  snprintf(chip->info.path, sizeof chip->info.path, "/dev/gpiochip%u", number);
  martlet_error error = gpio_open_path(chip);
  return error ? gpio_opening_failed(failure, error, chip->info.path) : 0;
}

void martlet_gpio_close(martlet_gpio_chip *chip) {
  if (chip->chip) gpio_backend_close(chip->chip);
  chip->chip = NULL;
}

martlet_error martlet_gpio_line_info_of(
  const martlet_gpio_chip *chip, uint32_t offset, martlet_gpio_line_info *info, martlet_gpio_failure *failure) {
  memset(info, 0, sizeof *info);
  martlet_error error = gpio_backend_line_info(chip->chip, offset, info);
  return error ? gpio_fail(failure, error, error, chip->info.name) : 0;
}

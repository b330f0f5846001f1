#define _GNU_SOURCE
#include "gpio_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

int32_t martlet_gpio_chips(uint32_t *numbers) {
  DIR *folder = opendir("/dev");
  int32_t count = 0;
  if (!folder) return 0;
  for (struct dirent *entry; (entry = readdir(folder)) && count < MARTLET_GPIO_MAX_CHIPS;) {
    uint32_t number;
    // Raspberry Pi OS has a link from one chip's name to another chip: the same chip twice.
    if (strncmp(entry->d_name, "gpiochip", 8) != 0 || entry->d_type == DT_LNK) continue;
    if (!gpio_number(entry->d_name + 8, strlen(entry->d_name + 8), &number)) continue;
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

martlet_error martlet_gpio_line_info_of(const martlet_gpio_chip *chip, uint32_t offset, martlet_gpio_line_info *info,
                                        martlet_gpio_failure *failure) {
  memset(info, 0, sizeof *info);
  martlet_error error = gpio_backend_line_info(chip->chip, offset, info);
  return error ? gpio_fail(failure, error, error, chip->info.name) : 0;
}

/// What the files of GPIO share.
#ifndef MARTLET_GPIO_INTERNAL_H
#define MARTLET_GPIO_INTERNAL_H

#include <gpiod.h>

#include "martlet_gpio.h"

// A macro of 1.6 that 2.x does not have; 2.x has no macros at all.
#ifdef GPIOD_LINE_BULK_MAX_LINES
#define MARTLET_GPIOD_1 1
#else
#define MARTLET_GPIOD_2 1
#endif

#define GPIO_CONSUMER "martlet"

// gpio_v1.c (libgpiod 1.6) or gpio_v2.c (libgpiod 2.x): exactly one of them is not empty. They give errno values.

/// Opens chip->info.path and fills in chip->chip and chip->info.
martlet_error gpio_backend_open(martlet_gpio_chip *chip);
void gpio_backend_close(void *chip);
martlet_error gpio_backend_line_info(void *chip, uint32_t offset, martlet_gpio_line_info *info);
/// Fills in request, events, descriptor and debounce; line->chip is the open chip, whose owner the line becomes.
martlet_error gpio_backend_request(martlet_gpio_line *line, uint32_t offset, const martlet_gpio_settings *settings);
void gpio_backend_release(martlet_gpio_line *line);
martlet_error gpio_backend_set(martlet_gpio_line *line, int32_t level);
martlet_error gpio_backend_get(martlet_gpio_line *line, int32_t *level);
/// EAGAIN: none is there.
martlet_error gpio_backend_read(martlet_gpio_line *line, martlet_gpio_event *event);

// gpio_support.c

/// Copies a text that may be NULL, cut to what fits.
void gpio_copy(char *into, size_t capacity, const char *text);
/// Whether the text is a number of at most nine digits.
bool gpio_number(const char *text, size_t count, uint32_t *number);
martlet_error gpio_set_nonblocking(int descriptor);
/// Fills in the failure and returns `error`. `system_error`: the errno value behind it, or 0.
martlet_error gpio_fail(martlet_gpio_failure *failure, martlet_error error, int32_t system_error, const char *detail);
/// The same for a chip's device file that cannot be opened.
martlet_error gpio_opening_failed(martlet_gpio_failure *failure, int32_t system_error, const char *path);

// gpio_chip.c

/// Opens chip->info.path; chip->chip is NULL if that fails.
martlet_error gpio_open_path(martlet_gpio_chip *chip);

// gpio_find.c

/// Opens the chip that has the line; on any failure none is left open.
martlet_error gpio_find(const martlet_gpio_address *address, martlet_gpio_chip *found, uint32_t *offset,
                        martlet_gpio_failure *failure);

#endif

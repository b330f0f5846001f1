#define _GNU_SOURCE
#include "martlet_gpio.h"

#include <stdio.h>
#include <string.h>

void martlet_gpio_sentence(
  const martlet_gpio_failure *failure, const char *address, char *text, size_t capacity) {
  const char *detail = failure->detail, *reason = strerror(failure->system_error);
  int has_address = address && address[0] && failure->status != MARTLET_GPIO_NO_CHIPS;
  size_t used = 0;
  if (has_address) used = (size_t)snprintf(text, capacity, "%s: ", address);
  if (used >= capacity) return;
  text += used;
  capacity -= used;
  switch (failure->status) {
  case MARTLET_GPIO_NO_CHIPS:
    snprintf(text, capacity, "no GPIO chip on this machine (/dev/gpiochip*)");
    break;
  case MARTLET_GPIO_NO_CHIP:
    snprintf(text, capacity, "no such GPIO chip%s%s", detail[0] ? "; there is " : "", detail);
    break;
  case MARTLET_GPIO_NO_LINE:
    if (detail[0]) snprintf(text, capacity, "no such line on %s, which has %u lines", detail, failure->lines);
    else snprintf(text, capacity, "no such line; martlet gpio lists them");
    break;
  case MARTLET_GPIO_AMBIGUOUS:
    snprintf(text, capacity, "there is more than one, on %s: give CHIP:OFFSET", detail);
    break;
  case MARTLET_GPIO_BUSY:
    if (detail[0]) snprintf(text, capacity, "busy, used by \"%s\"", detail);
    else snprintf(text, capacity, "busy, used by a driver or another program");
    break;
  case MARTLET_GPIO_DENIED:
    snprintf(text, capacity, "no permission for %s: be in the group that owns it (gpio) or root", detail);
    break;
  case MARTLET_GPIO_UNSUPPORTED:
    snprintf(text, capacity, "the chip or its driver cannot do that: %s", reason);
    break;
  case MARTLET_GPIO_GONE:
    snprintf(text, capacity, "the GPIO chip is gone");
    break;
  case MARTLET_GPIO_NO_ADDRESS:
    snprintf(text, capacity, "no GPIO line: give CHIP:OFFSET, CHIP:NAME or NAME");
    break;
  default:
    snprintf(text, capacity, "GPIO failed: %s", reason);
  }
}

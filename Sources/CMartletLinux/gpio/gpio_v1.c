#define _GNU_SOURCE
// libgpiod 1.6. Its set, get and read are an ioctl or a read with what is on the stack; a request keeps its chip open.
#include "gpio_internal.h"

#ifdef MARTLET_GPIOD_1

#include <string.h>

martlet_error gpio_backend_open(martlet_gpio_chip *chip) {
  struct gpiod_chip *opened = gpiod_chip_open(chip->info.path);
  if (!opened) return errno;
  chip->chip = opened;
  gpio_copy(chip->info.name, sizeof chip->info.name, gpiod_chip_name(opened));
  gpio_copy(chip->info.label, sizeof chip->info.label, gpiod_chip_label(opened));
  chip->info.line_count = gpiod_chip_num_lines(opened);
  return 0;
}

void gpio_backend_close(void *chip) { gpiod_chip_close(chip); }

martlet_error gpio_backend_line_info(void *chip, uint32_t offset, martlet_gpio_line_info *info) {
  struct gpiod_line *line = gpiod_chip_get_line(chip, offset);
  // The line is kept by the chip, with what it was like when it was first asked for.
  if (!line || gpiod_line_update(line) < 0) return errno;
  info->offset = offset;
  gpio_copy(info->name, sizeof info->name, gpiod_line_name(line));
  gpio_copy(info->consumer, sizeof info->consumer, gpiod_line_consumer(line));
  info->is_used = gpiod_line_is_used(line);
  info->is_output = gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
  info->is_active_low = gpiod_line_active_state(line) == GPIOD_LINE_ACTIVE_STATE_LOW;
  return 0;
}

static int flags_of(const martlet_gpio_settings *settings) {
  static const int drives[] = {0, GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN, GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE};
  static const int biases[] = {0, GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE, GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP,
                               GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN};
  int flags = biases[settings->bias];
  if (settings->is_output) flags |= drives[settings->drive];
  if (settings->is_active_low) flags |= GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW;
  return flags;
}

martlet_error gpio_backend_request(martlet_gpio_line *line, uint32_t offset, const martlet_gpio_settings *settings) {
  static const int edges[] = {GPIOD_LINE_REQUEST_DIRECTION_INPUT, GPIOD_LINE_REQUEST_EVENT_RISING_EDGE,
                              GPIOD_LINE_REQUEST_EVENT_FALLING_EDGE, GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES};
  struct gpiod_line *requested = gpiod_chip_get_line(line->chip, offset);
  if (!requested) return errno;
  int debounces = settings->edges != MARTLET_GPIO_EDGE_NONE && settings->debounce_us > 0;
  struct gpiod_line_request_config config = {.consumer = GPIO_CONSUMER,
                                             .request_type = settings->is_output ? GPIOD_LINE_REQUEST_DIRECTION_OUTPUT
                                                             : settings->keeps_output
                                                                 ? GPIOD_LINE_REQUEST_DIRECTION_AS_IS
                                                             : debounces ? GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES
                                                                         : edges[settings->edges],
                                             .flags = flags_of(settings)};
  if (gpiod_line_request(requested, &config, settings->level) < 0) return errno;
  line->request = requested;
  if (settings->edges == MARTLET_GPIO_EDGE_NONE) return 0;
  line->descriptor = gpiod_line_event_get_fd(requested);
  martlet_error error = line->descriptor < 0 ? errno : gpio_set_nonblocking(line->descriptor);
  int level = error ? 0 : gpiod_line_get_value(requested);
  if (level < 0) error = errno;
  if (error) {
    gpiod_line_release(requested);
    return error;
  }
  if (debounces) martlet_gpio_debounce_start(&line->debounce, settings->debounce_us * 1000ull, level);
  return 0;
}

void gpio_backend_release(martlet_gpio_line *line) {
  if (line->request) gpiod_line_release(line->request);
  gpiod_chip_close(line->chip);
}

martlet_error gpio_backend_set(martlet_gpio_line *line, int32_t level) {
  return gpiod_line_set_value(line->request, level) < 0 ? errno : 0;
}

martlet_error gpio_backend_get(martlet_gpio_line *line, int32_t *level) {
  *level = gpiod_line_get_value(line->request);
  return *level < 0 ? errno : 0;
}

martlet_error gpio_backend_read(martlet_gpio_line *line, martlet_gpio_event *event) {
  struct gpiod_line_event read;
  errno = EIO;
  if (gpiod_line_event_read_fd(line->descriptor, &read) < 0) return errno;
  event->time_ns = (uint64_t)read.ts.tv_sec * 1000000000u + (uint64_t)read.ts.tv_nsec;
  event->level = read.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
  event->sequence = 0;
  return 0;
}

const char *martlet_gpio_library_version(void) { return gpiod_version_string(); }

#endif

#define _GNU_SOURCE
// libgpiod 2.x. Its set and get are an ioctl with what is on the stack; events are read into a buffer made at the
// request; a request needs its chip no more.
#include "gpio_internal.h"

#ifdef MARTLET_GPIOD_2

#include <string.h>

/// Events that the kernel keeps for us while we compute; it drops the oldest then.
enum { KERNEL_EVENTS = 64 };

martlet_error gpio_backend_open(martlet_gpio_chip *chip) {
  struct gpiod_chip *opened = gpiod_chip_open(chip->info.path);
  if (!opened) return errno;
  struct gpiod_chip_info *info = gpiod_chip_get_info(opened);
  if (!info) {
    martlet_error error = errno;
    gpiod_chip_close(opened);
    return error;
  }
  chip->chip = opened;
  gpio_copy(chip->info.name, sizeof chip->info.name, gpiod_chip_info_get_name(info));
  gpio_copy(chip->info.label, sizeof chip->info.label, gpiod_chip_info_get_label(info));
  chip->info.line_count = (uint32_t)gpiod_chip_info_get_num_lines(info);
  gpiod_chip_info_free(info);
  return 0;
}

void gpio_backend_close(void *chip) { gpiod_chip_close(chip); }

martlet_error gpio_backend_line_info(void *chip, uint32_t offset, martlet_gpio_line_info *info) {
  struct gpiod_line_info *line = gpiod_chip_get_line_info(chip, offset);
  if (!line) return errno;
  info->offset = offset;
  gpio_copy(info->name, sizeof info->name, gpiod_line_info_get_name(line));
  gpio_copy(info->consumer, sizeof info->consumer, gpiod_line_info_get_consumer(line));
  info->is_used = gpiod_line_info_is_used(line);
  info->is_output = gpiod_line_info_get_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
  info->is_active_low = gpiod_line_info_is_active_low(line);
  gpiod_line_info_free(line);
  return 0;
}

static martlet_error apply(struct gpiod_line_settings *into, const martlet_gpio_settings *settings) {
  static const enum gpiod_line_drive drives[] = {GPIOD_LINE_DRIVE_PUSH_PULL, GPIOD_LINE_DRIVE_OPEN_DRAIN,
                                                 GPIOD_LINE_DRIVE_OPEN_SOURCE};
  static const enum gpiod_line_bias biases[] = {GPIOD_LINE_BIAS_AS_IS, GPIOD_LINE_BIAS_DISABLED,
                                                GPIOD_LINE_BIAS_PULL_UP, GPIOD_LINE_BIAS_PULL_DOWN};
  static const enum gpiod_line_edge edges[] = {GPIOD_LINE_EDGE_NONE, GPIOD_LINE_EDGE_RISING, GPIOD_LINE_EDGE_FALLING,
                                               GPIOD_LINE_EDGE_BOTH};
  gpiod_line_settings_set_active_low(into, settings->is_active_low != 0);
  if (gpiod_line_settings_set_bias(into, biases[settings->bias]) < 0) return errno;
  if (settings->is_output) {
    if (gpiod_line_settings_set_direction(into, GPIOD_LINE_DIRECTION_OUTPUT) < 0 ||
        gpiod_line_settings_set_drive(into, drives[settings->drive]) < 0 ||
        gpiod_line_settings_set_output_value(into,
                                             settings->level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE) < 0)
      return errno;
    return 0;
  }
  enum gpiod_line_direction direction = settings->keeps_output ? GPIOD_LINE_DIRECTION_AS_IS
                                                               : GPIOD_LINE_DIRECTION_INPUT;
  if (gpiod_line_settings_set_direction(into, direction) < 0 ||
      gpiod_line_settings_set_edge_detection(into, edges[settings->edges]) < 0)
    return errno;
  if (settings->edges != MARTLET_GPIO_EDGE_NONE)
    gpiod_line_settings_set_debounce_period_us(into, settings->debounce_us);
  return 0;
}

martlet_error gpio_backend_request(martlet_gpio_line *line, uint32_t offset, const martlet_gpio_settings *settings) {
  int has_events = settings->edges != MARTLET_GPIO_EDGE_NONE;
  struct gpiod_line_settings *line_settings = gpiod_line_settings_new();
  struct gpiod_line_config *lines = gpiod_line_config_new();
  struct gpiod_request_config *config = gpiod_request_config_new();
  if (has_events) line->events = gpiod_edge_event_buffer_new(1);
  martlet_error error = line_settings && lines && config && (!has_events || line->events) ? 0 : ENOMEM;
  if (!error) error = apply(line_settings, settings);
  if (!error && gpiod_line_config_add_line_settings(lines, &offset, 1, line_settings) < 0) error = errno;
  if (!error) {
    gpiod_request_config_set_consumer(config, GPIO_CONSUMER);
    if (has_events) gpiod_request_config_set_event_buffer_size(config, KERNEL_EVENTS);
    line->request = gpiod_chip_request_lines(line->chip, config, lines);
    if (!line->request) error = errno;
  }
  if (!error && has_events) {
    line->descriptor = gpiod_line_request_get_fd(line->request);
    error = gpio_set_nonblocking(line->descriptor);
  }
  gpiod_line_settings_free(line_settings);
  gpiod_line_config_free(lines);
  gpiod_request_config_free(config);
  if (error) {
    if (line->request) gpiod_line_request_release(line->request);
    if (line->events) gpiod_edge_event_buffer_free(line->events);
    line->request = line->events = NULL;
    return error;
  }
  gpiod_chip_close(line->chip);
  line->chip = NULL;
  return 0;
}

void gpio_backend_release(martlet_gpio_line *line) {
  if (line->request) gpiod_line_request_release(line->request);
  if (line->events) gpiod_edge_event_buffer_free(line->events);
  if (line->chip) gpiod_chip_close(line->chip);
}

martlet_error gpio_backend_set(martlet_gpio_line *line, int32_t level) {
  enum gpiod_line_value value = level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
  return gpiod_line_request_set_value(line->request, line->offset, value) < 0 ? errno : 0;
}

martlet_error gpio_backend_get(martlet_gpio_line *line, int32_t *level) {
  enum gpiod_line_value value = gpiod_line_request_get_value(line->request, line->offset);
  *level = value == GPIOD_LINE_VALUE_ACTIVE;
  return value == GPIOD_LINE_VALUE_ERROR ? errno : 0;
}

martlet_error gpio_backend_read(martlet_gpio_line *line, martlet_gpio_event *event) {
  errno = EIO;
  if (gpiod_line_request_read_edge_events(line->request, line->events, 1) < 1) return errno;
  struct gpiod_edge_event *read = gpiod_edge_event_buffer_get_event(line->events, 0);
  event->time_ns = gpiod_edge_event_get_timestamp_ns(read);
  event->level = gpiod_edge_event_get_event_type(read) == GPIOD_EDGE_EVENT_RISING_EDGE;
  event->sequence = (uint32_t)gpiod_edge_event_get_line_seqno(read);
  return 0;
}

const char *martlet_gpio_library_version(void) { return gpiod_api_version(); }

#endif

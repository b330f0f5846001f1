#define _GNU_SOURCE
#include "gpio_internal.h"

#include <string.h>
#include <time.h>

static martlet_error request_failed(martlet_gpio_failure *failure, int32_t system_error,
                                    const martlet_gpio_settings *settings, void *chip, uint32_t offset) {
  martlet_gpio_line_info info = {0};
  martlet_error error = system_error;
  switch (system_error) {
    case EBUSY:
      error = MARTLET_GPIO_BUSY;
      gpio_backend_line_info(chip, offset, &info);
      break;
    case ENODEV:
      // What the first interface says of a chip without interrupts, too.
      if (settings->edges) error = MARTLET_GPIO_UNSUPPORTED;
      break;
    case ENXIO:
    case EPERM:
    case EINVAL:
    case EOPNOTSUPP: error = MARTLET_GPIO_UNSUPPORTED;
  }
  return gpio_fail(failure, error, system_error, info.consumer);
}

martlet_error martlet_gpio_request(const martlet_gpio_address *address, const martlet_gpio_settings *settings,
                                   martlet_gpio_line *line, martlet_gpio_failure *failure) {
  memset(line, 0, sizeof *line);
  line->descriptor = -1;
  martlet_gpio_chip chip;
  martlet_error error = gpio_find(address, &chip, &line->offset, failure);
  if (error) return error;
  martlet_gpio_line_info info = {0};
  gpio_backend_line_info(chip.chip, line->offset, &info);
  memcpy(line->name, info.name, sizeof line->name);
  memcpy(line->chip_name, chip.info.name, sizeof line->chip_name);
  martlet_gpio_settings wanted = *settings;
  wanted.keeps_output = settings->keeps_output && info.is_output && settings->bias == MARTLET_GPIO_BIAS_AS_IS &&
                        settings->edges == MARTLET_GPIO_EDGE_NONE;
  if (settings->is_output) wanted.edges = MARTLET_GPIO_EDGE_NONE;
  line->edges = wanted.edges;
  line->chip = chip.chip;
  error = gpio_backend_request(line, line->offset, &wanted);
  if (!error) return 0;
  error = request_failed(failure, error, &wanted, line->chip, line->offset);
  martlet_gpio_close(&chip);
  memset(line, 0, sizeof *line);
  return error;
}

void martlet_gpio_release(martlet_gpio_line *line) {
  gpio_backend_release(line);
  memset(line, 0, sizeof *line);
  line->descriptor = -1;
}

martlet_error martlet_gpio_set(martlet_gpio_line *line, int32_t level) { return gpio_backend_set(line, level != 0); }

martlet_error martlet_gpio_get(martlet_gpio_line *line, int32_t *level) { return gpio_backend_get(line, level); }

static bool is_wanted(const martlet_gpio_line *line, int32_t level) {
  return line->edges == MARTLET_GPIO_BOTH || line->edges == (level ? MARTLET_GPIO_RISING : MARTLET_GPIO_FALLING);
}

/// What the kernel keeps for a line with the first interface, which is where the debounce is done here.
enum { KERNEL_EDGES = 16 };

static uint64_t clock_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/// The same where the debounce is done here.
static martlet_error read_debounced(martlet_gpio_line *line, uint64_t now_ns, martlet_gpio_event *event) {
  martlet_gpio_debounce *debounce = &line->debounce;
  for (;;) {
    martlet_gpio_event edge;
    uint64_t stable_ns = 0;
    int32_t level = -1;
    bool tells;
    martlet_error error = gpio_backend_read(line, &edge);
    if (error == EAGAIN) {
      if (line->drained >= KERNEL_EDGES) {
        // The queue was full: edges may have been dropped until now.
        debounce->edge_ns = clock_ns();
        debounce->is_pending = 1;
      }
      line->drained = 0;
      uint64_t deadline_ns = martlet_gpio_debounce_deadline_ns(debounce);
      if (deadline_ns == 0 || now_ns < deadline_ns) return EAGAIN;
      // The level first and then the queue again: if that is still empty, no edge came before this level.
      error = gpio_backend_get(line, &level);
      if (error) return error;
      error = gpio_backend_read(line, &edge);
    }
    if (error == EAGAIN) {
      tells = martlet_gpio_debounce_quiet(debounce, now_ns, level, &stable_ns);
    } else if (error) {
      return error;
    } else {
      line->drained++;
      tells = martlet_gpio_debounce_edge(debounce, edge.time_ns, edge.level, &stable_ns);
    }
    if (!tells || !is_wanted(line, debounce->stable)) continue;
    *event = (martlet_gpio_event){.time_ns = stable_ns, .level = debounce->stable};
    return 0;
  }
}

void martlet_gpio_note_event(martlet_gpio_line *line, const martlet_gpio_event *event) {
  if (event == NULL) {
    line->lost += line->drained >= KERNEL_EDGES;
    line->drained = 0;
  } else if (event->sequence == 0) {
    line->drained++;
  } else {
    line->lost += event->sequence - line->sequence - 1;
    line->sequence = event->sequence;
  }
}

martlet_error martlet_gpio_read_event(martlet_gpio_line *line, uint64_t now_ns, martlet_gpio_event *event) {
  // What bounces is lost without harm there.
  if (line->debounce.period_ns != 0) return read_debounced(line, now_ns, event);
  martlet_error error = gpio_backend_read(line, event);
  if (error == 0 || error == EAGAIN) martlet_gpio_note_event(line, error == 0 ? event : NULL);
  return error;
}

uint32_t martlet_gpio_take_lost(martlet_gpio_line *line) {
  uint32_t lost = line->lost;
  line->lost = 0;
  return lost;
}

uint64_t martlet_gpio_deadline_ns(const martlet_gpio_line *line) {
  return martlet_gpio_debounce_deadline_ns(&line->debounce);
}

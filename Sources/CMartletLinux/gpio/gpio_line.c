#define _GNU_SOURCE
#include "gpio_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int32_t request_failed(
  martlet_gpio_failure *failure, int error, const martlet_gpio_settings *settings, void *chip, uint32_t offset) {
  martlet_gpio_line_info info = {0};
  switch (error) {
  case EBUSY:
    gpio_backend_line_info(chip, offset, &info);
    return gpio_fail(failure, MARTLET_GPIO_BUSY, error, info.consumer);
  case ENODEV:
    // What the first interface says of a chip without interrupts, too.
    return gpio_fail(failure, settings->edges ? MARTLET_GPIO_UNSUPPORTED : MARTLET_GPIO_GONE, error, NULL);
  case ENXIO:
  case EPERM:
  case EINVAL:
  case EOPNOTSUPP:
    return gpio_fail(failure, MARTLET_GPIO_UNSUPPORTED, error, NULL);
  default:
    return gpio_fail(failure, MARTLET_GPIO_FAILED, error, NULL);
  }
}

int32_t martlet_gpio_request(const martlet_gpio_address *address, const martlet_gpio_settings *settings,
                             martlet_gpio_line *line, martlet_gpio_failure *failure) {
  memset(line, 0, sizeof *line);
  line->descriptor = -1;
  martlet_gpio_chip chip;
  int32_t status = gpio_find(address, &chip, &line->offset, failure);
  if (status) return status;
  martlet_gpio_line_info info = {0};
  gpio_backend_line_info(chip.chip, line->offset, &info);
  memcpy(line->name, info.name, sizeof line->name);
  memcpy(line->chip_name, chip.info.name, sizeof line->chip_name);
  martlet_gpio_settings wanted = *settings;
  wanted.keeps_output = settings->keeps_output && info.is_output && settings->bias == MARTLET_GPIO_BIAS_AS_IS
                        && settings->edges == MARTLET_GPIO_EDGE_NONE;
  if (settings->is_output) wanted.edges = MARTLET_GPIO_EDGE_NONE;
  line->edges = wanted.edges;
  line->chip = chip.chip;
  int error = gpio_backend_request(line, line->offset, &wanted);
  if (!error) return MARTLET_GPIO_OK;
  status = request_failed(failure, error, &wanted, line->chip, line->offset);
  martlet_gpio_close(&chip);
  memset(line, 0, sizeof *line);
  return status;
}

void martlet_gpio_release(martlet_gpio_line *line) {
  gpio_backend_release(line);
  memset(line, 0, sizeof *line);
  line->descriptor = -1;
}

static int32_t status_of(martlet_gpio_line *line, int error) {
  if (error == 0) return MARTLET_GPIO_OK;
  if (error == EAGAIN) return MARTLET_GPIO_NOTHING;
  line->system_error = error;
  return error == ENODEV ? MARTLET_GPIO_GONE : MARTLET_GPIO_FAILED;
}

int32_t martlet_gpio_set(martlet_gpio_line *line, int32_t level) {
  return status_of(line, gpio_backend_set(line, level != 0));
}

int32_t martlet_gpio_set_errno(void *line, int32_t level) { return gpio_backend_set(line, level != 0); }

int32_t martlet_gpio_get(martlet_gpio_line *line) {
  int level = gpio_backend_get(line);
  if (level < 0) line->system_error = -level;
  return level < 0 ? -1 : level;
}

static int is_wanted(const martlet_gpio_line *line, int32_t level) {
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
static int32_t read_debounced(martlet_gpio_line *line, uint64_t now_ns, martlet_gpio_event *event) {
  martlet_gpio_debounce *debounce = &line->debounce;
  for (;;) {
    martlet_gpio_event edge;
    uint64_t stable_ns = 0;
    int32_t level = -1, tells;
    int error = gpio_backend_read(line, &edge);
    if (error == EAGAIN) {
      if (line->drained >= KERNEL_EDGES) {
        // The queue was full: edges may have been dropped until now.
        debounce->edge_ns = clock_ns();
        debounce->is_pending = 1;
      }
      line->drained = 0;
      uint64_t deadline_ns = martlet_gpio_debounce_deadline_ns(debounce);
      if (deadline_ns == 0 || now_ns < deadline_ns) return MARTLET_GPIO_NOTHING;
      // The level first and then the queue again: if that is still empty, no edge came before this level.
      level = gpio_backend_get(line);
      if (level < 0) return status_of(line, -level);
      error = gpio_backend_read(line, &edge);
    }
    if (error == EAGAIN) {
      tells = martlet_gpio_debounce_quiet(debounce, now_ns, level, &stable_ns);
    } else if (error) {
      return status_of(line, error);
    } else {
      line->drained++;
      tells = martlet_gpio_debounce_edge(debounce, edge.time_ns, edge.level, &stable_ns);
    }
    if (!tells || !is_wanted(line, debounce->stable)) continue;
    *event = (martlet_gpio_event){.time_ns = stable_ns, .level = debounce->stable};
    return MARTLET_GPIO_OK;
  }
}

int32_t martlet_gpio_read_event(martlet_gpio_line *line, uint64_t now_ns, martlet_gpio_event *event) {
  if (line->debounce.period_ns != 0) return read_debounced(line, now_ns, event);
  return status_of(line, gpio_backend_read(line, event));
}

uint64_t martlet_gpio_deadline_ns(const martlet_gpio_line *line) {
  return martlet_gpio_debounce_deadline_ns(&line->debounce);
}

int32_t martlet_gpio_gone_error(void) { return ENODEV; }

#define _GNU_SOURCE
// The C interface to GPIO lines against the kernel's simulator, with either libgpiod. Ends with 'N passed, N failed'.
//
//   gpio-lines LABEL TWIN
//
// LABEL and TWIN are the labels of simulated chips that the script Tests/System/gpio makes. LABEL has the lines gate,
// lamp, barrier and twice; TWIN has twice.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "martlet_actuator.h"
#include "martlet_allocations.h"
#include "martlet_gpio.h"

static int passed, failed;
#define CHECK(condition) \
  ((condition) ? (void)passed++ : (void)(failed++, printf("FAILED line %d: %s\n", __LINE__, #condition)))

static const char *label, *twin;
static int libgpiod_2;

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void sleep_ns(uint64_t ns) {
  struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  nanosleep(&time, NULL);
}

// MARK: - The simulator's side

/// Opens `pull` or `value` of a simulated line.
static int sim_open(const char *name, const char *file, int flags) {
  char command[256], path[256] = "";
  snprintf(command, sizeof command, "gpio-sim-line '%s' '%s'", label, name);
  FILE *pipe = popen(command, "r");
  if (!pipe || !fgets(path, sizeof path - 8, pipe)) exit(70);
  pclose(pipe);
  path[strcspn(path, "\n")] = '\0';
  strcat(strcat(path, "/"), file);
  int descriptor = open(path, flags);
  if (descriptor < 0) exit(70);
  return descriptor;
}

static int sim_value(int descriptor) {
  char byte = '?';
  return pread(descriptor, &byte, 1, 0) == 1 ? byte - '0' : -1;
}

static void sim_pull(int descriptor, int up) {
  const char *text = up ? "pull-up" : "pull-down";
  if (pwrite(descriptor, text, strlen(text), 0) < 0) exit(70);
}

// MARK: - Helpers

static martlet_error request(const char *text, martlet_gpio_settings settings, martlet_gpio_line *line,
                             martlet_gpio_failure *failure) {
  martlet_gpio_address address;
  martlet_error error = martlet_gpio_parse(text, strlen(text), &address);
  return error ? error : martlet_gpio_request(&address, &settings, line, failure);
}

/// 0 or 1; -1 if it cannot be had.
static int32_t level_of(martlet_gpio_line *line) {
  int32_t level;
  return martlet_gpio_get(line, &level) == 0 ? level : -1;
}

static const char *on(const char *chip, const char *line) {
  static char text[2][100];
  static int turn;
  turn = !turn;
  snprintf(text[turn], sizeof text[turn], "%s:%s", chip, line);
  return text[turn];
}

/// Waits for an event as a caller should; 1: there is one.
static int await(martlet_gpio_line *line, uint64_t timeout_ns, martlet_gpio_event *event) {
  uint64_t until = now_ns() + timeout_ns;
  for (;;) {
    uint64_t now = now_ns();
    martlet_error error = martlet_gpio_read_event(line, now, event);
    if (error == 0) return 1;
    if (error != EAGAIN || now >= until) return 0;
    const martlet_gpio_line *lines[] = {line};
    martlet_gpio_wait(-1, 0, lines, 1, until);
  }
}

// MARK: - Cases

static void finding(void) {
  martlet_gpio_line line, second;
  martlet_gpio_failure failure;
  martlet_gpio_settings input = {0};
  char path[80];
  CHECK(request(on(label, "gate"), input, &line, &failure) == 0);
  CHECK(line.offset == 0 && strcmp(line.name, "gate") == 0);
  snprintf(path, sizeof path, "%s:0", line.chip_name);
  CHECK(request(path, input, &second, &failure) == MARTLET_GPIO_BUSY);
  CHECK(strcmp(failure.detail, "martlet") == 0 && failure.system_error == EBUSY);
  martlet_gpio_release(&line);
  CHECK(request(path, input, &line, &failure) == 0);
  martlet_gpio_release(&line);
  snprintf(path, sizeof path, "/dev/%s:gate", line.chip_name);
  CHECK(request("gate", input, &line, &failure) == 0);
  snprintf(path, sizeof path, "/dev/%s:gate", line.chip_name);
  martlet_gpio_release(&line);
  CHECK(request(path, input, &line, &failure) == 0);
  martlet_gpio_release(&line);
  CHECK(request(on(label, "99"), input, &line, &failure) == MARTLET_GPIO_NO_LINE && failure.lines == 4);
  CHECK(request(on(label, "nothing"), input, &line, &failure) == MARTLET_GPIO_NO_LINE);
  CHECK(request("nothing", input, &line, &failure) == MARTLET_GPIO_NO_LINE && failure.detail[0] == '\0');
  CHECK(request("nochip:1", input, &line, &failure) == MARTLET_GPIO_NO_CHIP && strstr(failure.detail, "gpiochip"));
  CHECK(request("/dev/gpiochip99:1", input, &line, &failure) == MARTLET_GPIO_NO_CHIP);
  CHECK(request("/dev/null:1", input, &line, &failure) == MARTLET_GPIO_NO_CHIP);
  CHECK(request("twice", input, &line, &failure) == MARTLET_GPIO_AMBIGUOUS && strchr(failure.detail, ','));
  CHECK(request(on(twin, "twice"), input, &line, &failure) == 0);
  martlet_gpio_release(&line);
}

static void outputs(void) {
  martlet_gpio_line line;
  martlet_gpio_failure failure;
  int value = sim_open("gate", "value", O_RDONLY);
  martlet_gpio_settings settings = {.is_output = 1, .level = 1};
  CHECK(request(on(label, "gate"), settings, &line, &failure) == 0);
  CHECK(sim_value(value) == 1 && level_of(&line) == 1);
  CHECK(martlet_gpio_set(&line, 0) == 0);
  CHECK(sim_value(value) == 0 && level_of(&line) == 0);
  martlet_gpio_release(&line);
  settings.is_active_low = 1;
  CHECK(request(on(label, "gate"), settings, &line, &failure) == 0);
  CHECK(sim_value(value) == 0 && level_of(&line) == 1);
  CHECK(martlet_gpio_set(&line, 0) == 0 && sim_value(value) == 1);
  martlet_gpio_release(&line);
  // Open drain: what is pulled up is driven to 0. (That the line is let go for 1 the simulator does not show.)
  int pull = sim_open("gate", "pull", O_WRONLY);
  settings = (martlet_gpio_settings){.is_output = 1, .level = 0, .drive = MARTLET_GPIO_OPEN_DRAIN};
  sim_pull(pull, 1);
  CHECK(request(on(label, "gate"), settings, &line, &failure) == 0 && sim_value(value) == 0);
  CHECK(martlet_gpio_set(&line, 1) == 0);
  martlet_gpio_release(&line);
  CHECK(sim_value(value) == 1);
  sim_pull(pull, 0);
  // A line that is an output and is only read stays one.
  settings = (martlet_gpio_settings){.is_output = 1, .level = 1};
  CHECK(request(on(label, "gate"), settings, &line, &failure) == 0);
  martlet_gpio_release(&line);
  settings = (martlet_gpio_settings){.keeps_output = 1};
  CHECK(request(on(label, "gate"), settings, &line, &failure) == 0 && level_of(&line) >= 0);
  martlet_gpio_release(&line);
  close(pull);
  close(value);
}

static void edges(void) {
  martlet_gpio_line line;
  martlet_gpio_failure failure;
  martlet_gpio_event event;
  int pull = sim_open("barrier", "pull", O_WRONLY);
  sim_pull(pull, 0);
  martlet_gpio_settings settings = {.edges = MARTLET_GPIO_BOTH};
  CHECK(request(on(label, "barrier"), settings, &line, &failure) == 0 && line.descriptor >= 0);
  CHECK(martlet_gpio_read_event(&line, now_ns(), &event) == EAGAIN);
  for (int i = 0; i < 6; i++) {
    uint64_t before = now_ns();
    sim_pull(pull, i % 2 == 0);
    CHECK(await(&line, 1000000000, &event));
    CHECK(event.level == (i % 2 == 0) && event.time_ns >= before && event.time_ns <= now_ns());
    CHECK(event.sequence == (libgpiod_2 ? (uint32_t)i + 1 : 0));
  }
  CHECK(martlet_gpio_deadline_ns(&line) == 0 && martlet_gpio_take_lost(&line) == 0);
  // More than the kernel keeps.
  for (int i = 0; i < 200; i++) sim_pull(pull, i % 2 == 0);
  usleep(200000);
  int kept = 0;
  while (martlet_gpio_read_event(&line, now_ns(), &event) == 0) kept++;
  uint32_t lost = martlet_gpio_take_lost(&line);
  CHECK(kept >= 16 && kept < 200 && lost == (libgpiod_2 ? 200u - (uint32_t)kept : 1));
  martlet_gpio_release(&line);
  for (int falling = 0; falling < 2; falling++) {
    settings.edges = falling ? MARTLET_GPIO_FALLING : MARTLET_GPIO_RISING;
    CHECK(request(on(label, "barrier"), settings, &line, &failure) == 0);
    for (int i = 0; i < 4; i++) sim_pull(pull, i % 2 == 0);
    for (int i = 0; i < 2; i++) CHECK(await(&line, 1000000000, &event) && event.level == !falling);
    CHECK(!await(&line, 20000000, &event));
    martlet_gpio_release(&line);
  }
  // Active low turns the edges round.
  settings = (martlet_gpio_settings){.edges = MARTLET_GPIO_RISING, .is_active_low = 1};
  sim_pull(pull, 1);
  CHECK(request(on(label, "barrier"), settings, &line, &failure) == 0 && level_of(&line) == 0);
  sim_pull(pull, 0);
  CHECK(await(&line, 1000000000, &event) && event.level == 1);
  martlet_gpio_release(&line);
  close(pull);
}

static void debounce(void) {
  martlet_gpio_line line;
  martlet_gpio_failure failure;
  martlet_gpio_event event;
  enum { PERIOD_MS = 50 };
  int pull = sim_open("barrier", "pull", O_WRONLY);
  sim_pull(pull, 0);
  martlet_gpio_settings settings = {.edges = MARTLET_GPIO_BOTH, .debounce_us = PERIOD_MS * 1000};
  CHECK(request(on(label, "barrier"), settings, &line, &failure) == 0);
  for (int round = 0; round < 4; round++) {
    int up = round % 2 == 0;
    // 60 edges: more than the kernel keeps. They end at the new level.
    for (int i = 0; i < 59; i++) sim_pull(pull, i % 2 == up);
    uint64_t before = now_ns();
    sim_pull(pull, up);
    uint64_t after = now_ns();
    CHECK(await(&line, 1000000000, &event) && event.level == up);
    // The kernel's debounce may be early by a timer tick. Both are late when the machine is busy: ours because 60 edges
    // are more than the kernel keeps.
    CHECK(event.time_ns + (libgpiod_2 ? 10000000 : 0) >= before + PERIOD_MS * 1000000ull);
    CHECK(event.time_ns <= after + (PERIOD_MS + 500) * 1000000ull);
    CHECK(!await(&line, 2 * PERIOD_MS * 1000000ull, &event));
  }
  // Bounces that end where they began are none.
  for (int i = 0; i < 10; i++) sim_pull(pull, i % 2 == 0);
  CHECK(!await(&line, 3 * PERIOD_MS * 1000000ull, &event));
  martlet_gpio_release(&line);
  settings.edges = MARTLET_GPIO_RISING;
  CHECK(request(on(label, "barrier"), settings, &line, &failure) == 0);
  for (int i = 0; i < 2; i++) {
    sim_pull(pull, 1);
    CHECK(await(&line, 1000000000, &event) && event.level == 1);
    sim_pull(pull, 0);
    CHECK(!await(&line, 2 * PERIOD_MS * 1000000ull, &event));
  }
  martlet_gpio_release(&line);
  close(pull);
}

static int compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

static void tell(const char *what, uint64_t *ns, int count) {
  qsort(ns, (size_t)count, sizeof *ns, compare);
  printf("%-44s p50 %8.1f  p99 %8.1f  max %8.1f us\n", what, ns[count / 2] / 1e3, ns[count * 99 / 100] / 1e3,
         ns[count - 1] / 1e3);
}

/// A thousand levels and events without an allocation, and how long they take.
static void steady(void) {
  enum { COUNT = 1000 };
  static uint64_t setting[COUNT], reading[COUNT], waking[COUNT];
  martlet_gpio_line gate, barrier, debounced;
  martlet_gpio_failure failure;
  martlet_gpio_event event;
  int pull = sim_open("barrier", "pull", O_WRONLY), lamp = sim_open("lamp", "pull", O_WRONLY);
  sim_pull(pull, 0);
  sim_pull(lamp, 0);
  CHECK(!request(on(label, "gate"), (martlet_gpio_settings){.is_output = 1}, &gate, &failure));
  CHECK(!request(on(label, "barrier"), (martlet_gpio_settings){.edges = MARTLET_GPIO_BOTH}, &barrier, &failure));
  martlet_gpio_settings slow = {.edges = MARTLET_GPIO_BOTH, .debounce_us = 1000};
  CHECK(!request(on(label, "lamp"), slow, &debounced, &failure));
  martlet_counting_begin();
  int missing = 0;
  for (int i = 0; i < COUNT; i++) {
    uint64_t start = now_ns();
    missing += martlet_gpio_set(&gate, i % 2) != 0;
    uint64_t set = now_ns();
    missing += level_of(&gate) != i % 2;
    uint64_t got = now_ns();
    sim_pull(pull, i % 2 == 0);
    missing += !await(&barrier, 1000000000, &event);
    waking[i] = now_ns() - event.time_ns;
    setting[i] = set - start;
    reading[i] = got - set;
    if (i % 50 == 0) {
      sim_pull(lamp, i % 100 == 0);
      missing += !await(&debounced, 1000000000, &event);
    }
  }
  int64_t allocations = martlet_counting_end();
  CHECK(missing == 0);
  CHECK(allocations == 0);
  martlet_counting_begin();
  martlet_canary_in_libc();
  CHECK(martlet_counting_end() > 0);
  tell("set a level", setting, COUNT);
  tell("get a level", reading, COUNT);
  tell("edge (kernel's time) to event in our hands", waking, COUNT);
  martlet_gpio_release(&gate);
  martlet_gpio_release(&barrier);
  martlet_gpio_release(&debounced);
  close(pull);
  close(lamp);
}

/// What the machine's own timer does, to compare with.
static void timer(void) {
  enum { COUNT = 100 };
  static uint64_t late[COUNT];
  for (int i = 0; i < COUNT; i++) {
    uint64_t due = now_ns() + 5000000;
    struct timespec until = {.tv_sec = (time_t)(due / 1000000000u), .tv_nsec = (long)(due % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    late[i] = now_ns() - due;
  }
  tell("clock_nanosleep of 5 ms, later than due", late, COUNT);
}

static martlet_error set_line(void *line, int32_t level) { return martlet_gpio_set(line, level); }

static void pulses(void) {
  enum { COUNT = 100, LENGTH_NS = 5000000 };
  static uint64_t late[COUNT], acting[COUNT];
  martlet_gpio_line gate;
  martlet_gpio_failure failure;
  martlet_actuator *actuator;
  martlet_actuator_statistics statistics;
  int32_t index;
  int value = sim_open("gate", "value", O_RDONLY);
  void *memory = aligned_alloc(64, martlet_actuator_bytes(2));
  CHECK(!request(on(label, "gate"), (martlet_gpio_settings){.is_output = 1}, &gate, &failure));
  CHECK(martlet_actuator_start(memory, 2, &actuator) == 0);
  CHECK(martlet_actuator_add(actuator, set_line, &gate, 0, &index) == 0 && index == 0);
  martlet_counting_begin();
  int wrong = 0;
  for (int i = 0; i < COUNT; i++) {
    uint64_t start = now_ns(), acted;
    wrong += martlet_actuator_pulse(actuator, index, LENGTH_NS, &acted) != 0;
    acting[i] = acted - start;
    int active = sim_value(value);
    // A busy machine may have taken longer than the pulse to come here.
    wrong += active != 1 && now_ns() < acted + LENGTH_NS;
    // The main thread computes; the pulse ends all the same.
    while (now_ns() < acted + LENGTH_NS + 2000000) {}
    for (int tries = 0; martlet_actuator_is_pulsing(actuator, index) && tries < 1000; tries++) sleep_ns(100000);
    wrong += sim_value(value) != 0;
    martlet_actuator_statistics_of(actuator, index, &statistics);
    late[i] = statistics.last_late_ns;
  }
  CHECK(martlet_counting_end() == 0);
  CHECK(wrong == 0);
  CHECK(statistics.pulses == COUNT && statistics.failures == 0);
  int is_real_time = martlet_actuator_is_real_time(actuator);
  printf("pulses of 5 ms, main thread busy, %s\n", is_real_time ? "SCHED_FIFO" : "no priority");
  tell("call to active", acting, COUNT);
  tell("end of a pulse, later than due", late, COUNT);
  CHECK(martlet_actuator_set(actuator, index, 1) == 0 && sim_value(value) == 1);
  CHECK(martlet_actuator_safe_all(actuator) == 0 && sim_value(value) == 0);
  CHECK(martlet_actuator_pulse(actuator, index, 1000000000, NULL) == 0 && sim_value(value) == 1);
  martlet_actuator_abandon(actuator);
  CHECK(sim_value(value) == 0 && martlet_actuator_pulse(actuator, index, 1000, NULL) == ECANCELED);
  martlet_actuator_stop(actuator);
  martlet_gpio_release(&gate);
  free(memory);
  close(value);
}

/// The chip goes away under us.
static void removal(void) {
  martlet_gpio_line gate, barrier;
  martlet_gpio_failure failure;
  martlet_gpio_event event;
  char path[128];
  CHECK(!request(on(label, "gate"), (martlet_gpio_settings){.is_output = 1}, &gate, &failure));
  CHECK(!request(on(label, "barrier"), (martlet_gpio_settings){.edges = MARTLET_GPIO_BOTH}, &barrier, &failure));
  snprintf(path, sizeof path, "/sys/kernel/config/gpio-sim/%s/live", label);
  int live = open(path, O_WRONLY);
  CHECK(live >= 0 && write(live, "0", 1) == 1);
  close(live);
  int32_t level;
  CHECK(martlet_gpio_set(&gate, 1) == ENODEV);
  CHECK(martlet_gpio_get(&gate, &level) == ENODEV);
  martlet_gpio_read_event(&barrier, now_ns(), &event);
  martlet_gpio_release(&gate);
  martlet_gpio_release(&barrier);
  CHECK(request(on(label, "gate"), (martlet_gpio_settings){.is_output = 1}, &gate, &failure) == MARTLET_GPIO_NO_CHIP);
}

int main(int argc, char **argv) {
  if (argc != 3) return fputs("usage: gpio-lines LABEL TWIN\n", stderr), 64;
  setvbuf(stdout, NULL, _IOLBF, 0);
  label = argv[1];
  twin = argv[2];
  printf("libgpiod %s\n", martlet_gpio_library_version());
  libgpiod_2 = martlet_gpio_library_version()[0] == '2';
  finding();
  outputs();
  edges();
  debounce();
  steady();
  timer();
  pulses();
  removal();
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}

#define _GNU_SOURCE
#include "martlet_gpio.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

martlet_error martlet_gpio_catch_stop(int *descriptor) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) return errno;
  *descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  return *descriptor < 0 ? errno : 0;
}

/// Whether standard input is at its end; what is there is thrown away.
static bool has_ended(void) {
  char bytes[256];
  ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
  return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int32_t martlet_gpio_wait(int32_t stop, int32_t reads_input, const martlet_gpio_line *const *lines, int32_t count,
                          uint64_t until_ns) {
  struct pollfd polled[2 + 64];
  if (count > 64) count = 64;
  for (;;) {
    uint64_t wake_ns = until_ns;
    polled[0] = (struct pollfd){.fd = stop, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = reads_input ? STDIN_FILENO : -1, .events = POLLIN};
    for (int32_t i = 0; i < count; i++) {
      polled[2 + i] = (struct pollfd){.fd = lines[i]->descriptor, .events = POLLIN};
      uint64_t deadline_ns = martlet_gpio_deadline_ns(lines[i]);
      if (deadline_ns && (!wake_ns || deadline_ns < wake_ns)) wake_ns = deadline_ns;
    }
    uint64_t now = now_ns(), left = wake_ns > now ? wake_ns - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
    int ready = ppoll(polled, (nfds_t)(2 + count), wake_ns ? &timeout : NULL, NULL);
    if (ready < 0 && errno != EINTR) return MARTLET_GPIO_STOPPED;
    int32_t result = 0;
    if (ready > 0 && polled[0].revents) result |= MARTLET_GPIO_STOPPED;
    if (ready > 0 && polled[1].revents && has_ended()) result |= MARTLET_GPIO_INPUT_ENDED;
    now = now_ns();
    for (int32_t i = 0; i < count; i++) {
      uint64_t deadline_ns = martlet_gpio_deadline_ns(lines[i]);
      if ((ready > 0 && polled[2 + i].revents) || (deadline_ns && deadline_ns <= now)) result |= MARTLET_GPIO_READY;
    }
    if (until_ns && until_ns <= now) result |= MARTLET_GPIO_TIME;
    if (result) return result;
  }
}

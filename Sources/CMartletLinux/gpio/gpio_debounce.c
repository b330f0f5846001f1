#define _GNU_SOURCE
#include "martlet_gpio.h"

void martlet_gpio_debounce_start(martlet_gpio_debounce *state, uint64_t period_ns, int32_t level) {
  *state = (martlet_gpio_debounce){.period_ns = period_ns, .stable = level, .level = level};
}

/// The level after the last edge has been there for long enough.
static bool settle(martlet_gpio_debounce *state, uint64_t *stable_ns) {
  state->is_pending = 0;
  if (state->level == state->stable) return false;
  state->stable = state->level;
  *stable_ns = state->edge_ns + state->period_ns;
  return true;
}

bool martlet_gpio_debounce_edge(martlet_gpio_debounce *state, uint64_t time_ns, int32_t level, uint64_t *stable_ns) {
  bool tells = false;
  if (state->is_pending && time_ns >= state->edge_ns + state->period_ns) tells = settle(state, stable_ns);
  state->edge_ns = time_ns;
  state->level = level;
  state->is_pending = 1;
  return tells;
}

bool martlet_gpio_debounce_quiet(martlet_gpio_debounce *state, uint64_t now_ns, int32_t level, uint64_t *stable_ns) {
  if (!state->is_pending || now_ns < state->edge_ns + state->period_ns) return false;
  state->level = level;
  return settle(state, stable_ns);
}

uint64_t martlet_gpio_debounce_deadline_ns(const martlet_gpio_debounce *state) {
  return state->is_pending ? state->edge_ns + state->period_ns : 0;
}

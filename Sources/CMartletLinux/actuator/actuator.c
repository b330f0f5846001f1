#define _GNU_SOURCE
#include "martlet_actuator.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  /// Above what is not urgent, below the kernel's interrupt threads (50).
  PRIORITY = 30,
  STACK_BYTES = 64 * 1024
};
#define NEVER UINT64_MAX
#define LONGEST_PULSE_NS (24ull * 3600 * 1000000000)
#define FIRST_RETRY_NS 10000000ull
#define LAST_RETRY_NS 1000000000ull

typedef struct output {
  /// Held while the line's function is called, so that what one caller does is not undone by another's older intent.
  pthread_mutex_t lock;
  martlet_actuator_set_function set;
  void *context;
  int32_t safe_level;
  /// Held active by martlet_actuator_set.
  int32_t is_held;
  /// When the thread has something to do, and the level that the line gets then; NEVER: nothing.
  uint64_t due_ns;
  int32_t due_level;
  /// When the pulse that runs ends; 0: none runs.
  uint64_t end_ns;
  uint64_t retry_ns;
  /// Pulses that lie ahead, by their start.
  int32_t ahead_count;
  struct {
    uint64_t start_ns, duration_ns;
  } ahead[MARTLET_ACTUATOR_MAX_AHEAD];
  martlet_actuator_statistics statistics;
} output;

struct martlet_actuator {
  /// Counts what happens; the thread sleeps on it.
  uint32_t word;
  int32_t capacity;
  int32_t count;
  int32_t is_stopping;
  int32_t is_abandoned;
  bool is_real_time;
  uint64_t changes;
  /// When the thread will wake by itself.
  uint64_t wakes_ns;
  pthread_t thread;
  output outputs[];
} __attribute__((aligned(64)));

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// MARK: - One output; its lock is held

static martlet_error set_line(martlet_actuator *actuator, output *output, int32_t level) {
  martlet_error error = output->set(output->context, level);
  if (error) {
    output->statistics.failures++;
    output->statistics.last_error = error;
  } else {
    output->statistics.level = level;
  }
  if (output->statistics.is_failing != (error != 0)) {
    output->statistics.is_failing = error != 0;
    __atomic_add_fetch(&actuator->changes, 1, __ATOMIC_SEQ_CST);
  }
  // Whoever abandons the actuator takes no lock: what we did may have come after it.
  if (__atomic_load_n(&actuator->is_abandoned, __ATOMIC_SEQ_CST)) {
    output->set(output->context, output->safe_level);
    return ECANCELED;
  }
  return error;
}

static void nothing_due(output *output) {
  output->due_ns = NEVER;
  output->end_ns = 0;
}

/// When the thread has to look at the output.
static uint64_t next_due_ns(const output *output) {
  uint64_t start = output->ahead_count > 0 ? output->ahead[0].start_ns : NEVER;
  return start < output->due_ns ? start : output->due_ns;
}

/// The thread shall try to bring the line to `level`.
static void owe(output *output, int32_t level) {
  output->is_held = 0;
  output->retry_ns = FIRST_RETRY_NS;
  output->due_ns = now_ns() + FIRST_RETRY_NS;
  output->due_level = level;
}

/// Active now; its end is due later.
static martlet_error begin_pulse(martlet_actuator *actuator, output *output, uint64_t duration_ns, uint64_t *began_ns) {
  martlet_error error = set_line(actuator, output, 1);
  uint64_t now = now_ns(), end = now + duration_ns;
  *began_ns = now;
  if (error) {
    // What runs or is owed ends as it would have.
    if (!output->is_held && output->due_ns == NEVER) owe(output, 0);
    return error;
  }
  output->statistics.pulses++;
  if (output->end_ns) output->statistics.extensions++;
  if (!output->is_held) {
    if (end > output->end_ns) output->end_ns = end;
    output->due_ns = output->end_ns;
    output->due_level = 0;
    output->retry_ns = FIRST_RETRY_NS;
  }
  return 0;
}

static void begin_what_lies_ahead(martlet_actuator *actuator, output *output, uint64_t now) {
  while (output->ahead_count > 0 && output->ahead[0].start_ns <= now) {
    uint64_t duration = output->ahead[0].duration_ns, late = now - output->ahead[0].start_ns, began;
    output->ahead_count--;
    memmove(output->ahead, output->ahead + 1, (size_t)output->ahead_count * sizeof output->ahead[0]);
    if (late > output->statistics.max_start_late_ns) output->statistics.max_start_late_ns = late;
    begin_pulse(actuator, output, duration, &began);
  }
}

static void do_what_is_due(martlet_actuator *actuator, output *output, uint64_t now) {
  begin_what_lies_ahead(actuator, output, now);
  if (output->due_ns > now) return;
  if (set_line(actuator, output, output->due_level) != 0) {
    output->due_ns = now_ns() + output->retry_ns;
    output->retry_ns = output->retry_ns * 2 < LAST_RETRY_NS ? output->retry_ns * 2 : LAST_RETRY_NS;
    return;
  }
  output->is_held = output->due_level;
  if (output->end_ns) {
    martlet_actuator_statistics *statistics = &output->statistics;
    statistics->last_late_ns = now_ns() - output->end_ns;
    if (statistics->last_late_ns > statistics->max_late_ns) statistics->max_late_ns = statistics->last_late_ns;
  }
  nothing_due(output);
}

// MARK: - The thread

static void *run(void *argument) {
  martlet_actuator *actuator = argument;
  // Without real-time priority the kernel may be 50 microseconds late, to save wake-ups.
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  for (;;) {
    // Read before the outputs: what changes in them from here on changes the word, and then there is no sleep.
    uint32_t seen = __atomic_load_n(&actuator->word, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&actuator->is_stopping, __ATOMIC_SEQ_CST)) return NULL;
    int32_t count = __atomic_load_n(&actuator->count, __ATOMIC_ACQUIRE);
    uint64_t next = NEVER;
    for (int32_t i = 0; i < count; i++) {
      output *output = &actuator->outputs[i];
      pthread_mutex_lock(&output->lock);
      do_what_is_due(actuator, output, now_ns());
      if (next_due_ns(output) < next) next = next_due_ns(output);
      pthread_mutex_unlock(&output->lock);
    }
    __atomic_store_n(&actuator->wakes_ns, next, __ATOMIC_SEQ_CST);
    struct timespec until = {.tv_sec = (time_t)(next / 1000000000u), .tv_nsec = (long)(next % 1000000000u)};
    syscall(SYS_futex, &actuator->word, FUTEX_WAIT_BITSET_PRIVATE, seen, next == NEVER ? NULL : &until, NULL,
            FUTEX_BITSET_MATCH_ANY);
  }
}

/// Tells the thread that something is due at `due_ns`.
static void tell(martlet_actuator *actuator, uint64_t due_ns) {
  __atomic_add_fetch(&actuator->word, 1, __ATOMIC_SEQ_CST);
  if (due_ns < __atomic_load_n(&actuator->wakes_ns, __ATOMIC_SEQ_CST))
    syscall(SYS_futex, &actuator->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

size_t martlet_actuator_bytes(int32_t capacity) {
  size_t bytes = sizeof(martlet_actuator) + (size_t)capacity * sizeof(output);
  return (bytes + 63) & ~(size_t)63;
}

martlet_error martlet_actuator_start(void *memory, int32_t capacity, martlet_actuator **made) {
  if (capacity < 1 || capacity > MARTLET_ACTUATOR_MAX_OUTPUTS) return EINVAL;
  martlet_actuator *actuator = memory;
  memset(actuator, 0, martlet_actuator_bytes(capacity));
  actuator->capacity = capacity;
  actuator->wakes_ns = NEVER;
  pthread_attr_t attributes;
  martlet_error error = pthread_attr_init(&attributes);
  if (error) return error;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  // The process's signals are for its other threads; those of a fault stay with whoever has it.
  sigset_t signals, before;
  sigfillset(&signals);
  sigdelset(&signals, SIGSEGV);
  sigdelset(&signals, SIGBUS);
  sigdelset(&signals, SIGFPE);
  sigdelset(&signals, SIGILL);
  sigdelset(&signals, SIGABRT);
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  error = pthread_create(&actuator->thread, &attributes, run, actuator);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error) return error;
  struct sched_param parameters = {.sched_priority = PRIORITY};
  actuator->is_real_time = pthread_setschedparam(actuator->thread, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0;
  *made = actuator;
  return 0;
}

bool martlet_actuator_is_real_time(const martlet_actuator *actuator) { return actuator->is_real_time; }

// MARK: - Callers

martlet_error martlet_actuator_add(martlet_actuator *actuator, martlet_actuator_set_function set, void *context,
                                   int32_t safe_level, int32_t *index) {
  if (actuator->count == actuator->capacity) return ENOSPC;
  output *output = &actuator->outputs[actuator->count];
  memset(output, 0, sizeof *output);
  output->set = set;
  output->context = context;
  output->safe_level = output->is_held = safe_level != 0;
  nothing_due(output);
  martlet_error error = set_line(actuator, output, output->safe_level);
  if (error) return error;
  // A caller that holds the lock gets the thread's priority while the thread waits for it.
  pthread_mutexattr_t attributes;
  error = pthread_mutexattr_init(&attributes);
  if (error) return error;
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  error = pthread_mutex_init(&output->lock, &attributes);
  pthread_mutexattr_destroy(&attributes);
  if (error) return error;
  *index = actuator->count;
  __atomic_store_n(&actuator->count, actuator->count + 1, __ATOMIC_RELEASE);
  return 0;
}

martlet_error martlet_actuator_pulse(martlet_actuator *actuator, int32_t index, uint64_t duration_ns,
                                     uint64_t *acted_ns) {
  if (index < 0 || index >= actuator->count || duration_ns == 0 || duration_ns > LONGEST_PULSE_NS) return EINVAL;
  if (__atomic_load_n(&actuator->is_abandoned, __ATOMIC_SEQ_CST)) return ECANCELED;
  output *output = &actuator->outputs[index];
  uint64_t began;
  pthread_mutex_lock(&output->lock);
  martlet_error error = begin_pulse(actuator, output, duration_ns, &began);
  uint64_t due = output->due_ns;
  pthread_mutex_unlock(&output->lock);
  if (due != NEVER) tell(actuator, due);
  if (acted_ns) *acted_ns = began;
  return error;
}

martlet_error martlet_actuator_pulse_at(martlet_actuator *actuator, int32_t index, uint64_t start_ns,
                                        uint64_t duration_ns) {
  if (index < 0 || index >= actuator->count || duration_ns == 0 || duration_ns > LONGEST_PULSE_NS) return EINVAL;
  if (__atomic_load_n(&actuator->is_abandoned, __ATOMIC_SEQ_CST)) return ECANCELED;
  output *output = &actuator->outputs[index];
  pthread_mutex_lock(&output->lock);
  martlet_error error = output->ahead_count == MARTLET_ACTUATOR_MAX_AHEAD ? ENOSPC : 0;
  if (!error) {
    int32_t place = output->ahead_count++;
    for (; place > 0 && output->ahead[place - 1].start_ns > start_ns; place--)
      output->ahead[place] = output->ahead[place - 1];
    output->ahead[place].start_ns = start_ns;
    output->ahead[place].duration_ns = duration_ns;
  }
  pthread_mutex_unlock(&output->lock);
  if (!error) tell(actuator, start_ns);
  return error;
}

/// Holds `level`; if that fails, the thread brings the line there.
static martlet_error hold(martlet_actuator *actuator, output *output, int32_t level) {
  pthread_mutex_lock(&output->lock);
  martlet_error error = set_line(actuator, output, level);
  nothing_due(output);
  output->is_held = level && !error;
  if (error) owe(output, level);
  uint64_t due = output->due_ns;
  pthread_mutex_unlock(&output->lock);
  if (due != NEVER) tell(actuator, due);
  return error;
}

martlet_error martlet_actuator_set(martlet_actuator *actuator, int32_t index, int32_t level) {
  if (index < 0 || index >= actuator->count) return EINVAL;
  if (__atomic_load_n(&actuator->is_abandoned, __ATOMIC_SEQ_CST)) return ECANCELED;
  return hold(actuator, &actuator->outputs[index], level != 0);
}

martlet_error martlet_actuator_safe_all(martlet_actuator *actuator) {
  martlet_error first = 0;
  for (int32_t i = 0; i < actuator->count; i++) {
    output *output = &actuator->outputs[i];
    pthread_mutex_lock(&output->lock);
    output->ahead_count = 0;
    pthread_mutex_unlock(&output->lock);
    martlet_error error = hold(actuator, output, output->safe_level);
    if (first == 0) first = error;
  }
  return first;
}

void martlet_actuator_abandon(martlet_actuator *actuator) {
  __atomic_store_n(&actuator->is_abandoned, 1, __ATOMIC_SEQ_CST);
  int32_t count = __atomic_load_n(&actuator->count, __ATOMIC_ACQUIRE);
  for (int32_t i = 0; i < count; i++) {
    output *output = &actuator->outputs[i];
    output->set(output->context, output->safe_level);
  }
}

bool martlet_actuator_is_pulsing(martlet_actuator *actuator, int32_t index) {
  if (index < 0 || index >= actuator->count) return false;
  output *output = &actuator->outputs[index];
  pthread_mutex_lock(&output->lock);
  bool is_pulsing = output->end_ns != 0;
  pthread_mutex_unlock(&output->lock);
  return is_pulsing;
}

void martlet_actuator_statistics_of(martlet_actuator *actuator, int32_t index,
                                    martlet_actuator_statistics *statistics) {
  memset(statistics, 0, sizeof *statistics);
  if (index < 0 || index >= actuator->count) return;
  output *output = &actuator->outputs[index];
  pthread_mutex_lock(&output->lock);
  *statistics = output->statistics;
  pthread_mutex_unlock(&output->lock);
}

uint64_t martlet_actuator_changes(const martlet_actuator *actuator) {
  return __atomic_load_n(&actuator->changes, __ATOMIC_SEQ_CST);
}

void martlet_actuator_stop(martlet_actuator *actuator) {
  martlet_actuator_safe_all(actuator);
  __atomic_store_n(&actuator->is_stopping, 1, __ATOMIC_SEQ_CST);
  tell(actuator, 0);
  pthread_join(actuator->thread, NULL);
  for (int32_t i = 0; i < actuator->count; i++) pthread_mutex_destroy(&actuator->outputs[i].lock);
}

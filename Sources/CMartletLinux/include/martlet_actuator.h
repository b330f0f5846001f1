/// Outputs that are pulsed: set in the caller's thread, ended on time by one thread of their own for all outputs, while
/// the caller computes. Nothing allocates. An idle actuator sleeps on a futex without a time-out.
///
/// Levels are logical: 1 is active. What becomes of a line when the process dies: see martlet_gpio.h.
#ifndef MARTLET_ACTUATOR_H
#define MARTLET_ACTUATOR_H

#include "martlet_error.h"

#include <stddef.h>

enum { MARTLET_ACTUATOR_MAX_OUTPUTS = 64, MARTLET_ACTUATOR_MAX_AHEAD = 32 };

/// Sets a line. Is never called twice at a time for the same output, except by martlet_actuator_abandon.
typedef martlet_error (*martlet_actuator_set_function)(void *context, int32_t level);

typedef struct martlet_actuator martlet_actuator;

typedef struct martlet_actuator_statistics {
  uint64_t pulses;
  /// Pulses that came while one ran and made it longer.
  uint64_t extensions;
  /// From the moment at which a pulse should have ended until the line was inactive: the worst, and of the last pulse.
  uint64_t max_late_ns;
  uint64_t last_late_ns;
  /// From the moment at which a pulse of martlet_actuator_pulse_at should have begun until it did: the worst.
  uint64_t max_start_late_ns;
  /// Calls of the line's function that failed, and the errno value of the last one.
  uint64_t failures;
  int32_t last_error;
  /// The last call failed.
  bool is_failing;
  /// What the line is at, as far as is known.
  int32_t level;
} martlet_actuator_statistics;

/// The bytes that an actuator for `capacity` outputs (1...MARTLET_ACTUATOR_MAX_OUTPUTS) lives in, aligned to 64.
size_t martlet_actuator_bytes(int32_t capacity);
/// Makes an actuator in `memory` and starts its thread, with real-time priority (SCHED_FIFO) if the system permits it.
/// The memory must stay where it is until martlet_actuator_stop.
martlet_error martlet_actuator_start(void *memory, int32_t capacity, martlet_actuator **actuator);
/// Whether the thread has real-time priority.
bool martlet_actuator_is_real_time(const martlet_actuator *actuator);

/// Adds an output and sets it to its safe level. *index gets its number. ENOSPC, or what setting failed with: then it
/// was not added. Adding is for one thread, before others use the actuator. A safe level of 1 is held: pulses have
/// an effect only after martlet_actuator_set(..., 0).
martlet_error martlet_actuator_add(martlet_actuator *actuator, martlet_actuator_set_function set, void *context,
                                   int32_t safe_level, int32_t *index);

/// Active now, inactive again `duration_ns` after it became active: not before, and as soon as the thread is woken
/// then. While a pulse runs, another one makes it last until its own end, and never ends it sooner; an output that is
/// held active by martlet_actuator_set stays so. *acted_ns (may be NULL) gets when the line was active. After an error
/// the line is brought back to inactive as soon as that works, tried again and again, or when a pulse that runs ends.
martlet_error martlet_actuator_pulse(martlet_actuator *actuator, int32_t index, uint64_t duration_ns,
                                     uint64_t *acted_ns);
/// The same from `start_ns` (CLOCK_MONOTONIC) on, by the thread; at once if that is past. Up to
/// MARTLET_ACTUATOR_MAX_AHEAD of an output may lie ahead (parts between the camera and the gate): ENOSPC for one more.
martlet_error martlet_actuator_pulse_at(martlet_actuator *actuator, int32_t index, uint64_t start_ns,
                                        uint64_t duration_ns);
/// Holds a level until told otherwise; a pulse that runs is over. After an error the line is brought to that level as
/// soon as that works.
martlet_error martlet_actuator_set(martlet_actuator *actuator, int32_t index, int32_t level);
/// Every output to its safe level, pulses over, those that lie ahead forgotten; outputs can be used again. Returns the
/// first error, having tried all. Takes locks: not for signal handlers.
martlet_error martlet_actuator_safe_all(martlet_actuator *actuator);
/// Every output to its safe level, for good: later calls fail with ECANCELED. Takes no lock and may be called by a
/// signal handler (SIGSEGV, SIGBUS, SIGABRT) before the process dies, as long as the lines' functions may.
void martlet_actuator_abandon(martlet_actuator *actuator);

/// From now on a fault of the process (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS) abandons the actuator
/// first, and is handled as before then. One actuator of a process at a time. SIGKILL cannot be seen.
void martlet_actuator_guard(martlet_actuator *actuator);
/// Abandons the actuator that is guarded, if one is, as a fault would. May be called by a signal handler.
void martlet_actuator_abandon_guarded(void);
/// Before it is stopped.
void martlet_actuator_unguard(martlet_actuator *actuator);

/// Whether a pulse of the output runs.
bool martlet_actuator_is_pulsing(martlet_actuator *actuator, int32_t index);
void martlet_actuator_statistics_of(martlet_actuator *actuator, int32_t index, martlet_actuator_statistics *statistics);

/// Counts how often an output's calls began to fail, or to work again, of all outputs.
uint64_t martlet_actuator_changes(const martlet_actuator *actuator);

/// Sets every output to its safe level and ends the thread; the lines can be released then.
void martlet_actuator_stop(martlet_actuator *actuator);

#endif

/// The last thing that a process does which ends by a fault: its outputs go to their safe level.
#define _GNU_SOURCE
#include "martlet_actuator.h"

#include <signal.h>
#include <string.h>

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static martlet_actuator *guarded;
static struct sigaction before[FAULTS];

void martlet_actuator_abandon_guarded(void) {
  if (guarded != NULL) martlet_actuator_abandon(guarded);
}

/// Only what is safe in a signal handler. Then the signal comes again, and is handled as before.
static void on_fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  martlet_actuator_abandon_guarded();
  for (int i = 0; i < FAULTS; i++) {
    if (faults[i] == signal) sigaction(signal, &before[i], NULL);
  }
  // A fault happens again by itself when we return, at its address; a signal that somebody sent would not.
  if (signal != SIGBUS || info->si_code <= 0) raise(signal);
}

void martlet_actuator_guard(martlet_actuator *actuator) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  int is_first = guarded == NULL;
  guarded = actuator;
  for (int i = 0; i < FAULTS; i++) sigaction(faults[i], &action, is_first ? &before[i] : NULL);
}

void martlet_actuator_unguard(martlet_actuator *actuator) {
  if (guarded == actuator) guarded = NULL;
}

/// The last thing that a process does which ends by a fault: its outputs go to their safe level.
#define _GNU_SOURCE
#include "martlet_actuator.h"

#include <signal.h>
#include <string.h>

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static martlet_actuator *guarded;
static struct sigaction before[FAULTS];

/// Only what is safe in a signal handler. Then the signal comes again, and is handled as before.
static void on_fault(int signal) {
  if (guarded != NULL) martlet_actuator_abandon(guarded);
  for (int i = 0; i < FAULTS; i++) {
    if (faults[i] == signal) sigaction(signal, &before[i], NULL);
  }
  // A fault happens again by itself when we return; a signal that somebody sent would not.
  raise(signal);
}

void martlet_actuator_guard(martlet_actuator *actuator) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_fault;
  sigemptyset(&action.sa_mask);
  int is_first = guarded == NULL;
  guarded = actuator;
  for (int i = 0; i < FAULTS; i++) sigaction(faults[i], &action, is_first ? &before[i] : NULL);
}

void martlet_actuator_unguard(martlet_actuator *actuator) {
  if (guarded == actuator) guarded = NULL;
}

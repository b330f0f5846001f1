/// What a program that runs for years needs of the system: waiting, signals, the service manager, a socket that
/// answers, the machine's state. Nothing here takes memory from the heap.
#ifndef MARTLET_SERVICE_H
#define MARTLET_SERVICE_H

#include "martlet_error.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

// MARK: - Waiting

/// Waits until one of the descriptors is ready or CLOCK_MONOTONIC reaches `deadline_ns` (UINT64_MAX: for ever). Entries
/// with a negative descriptor are passed over. Returns how many are ready.
int martlet_wait(struct pollfd *entries, uint32_t count, uint64_t deadline_ns);

// MARK: - Local time

/// How far the system's time zone is ahead of UTC at a moment (since 1970), in seconds. The first call, and one after
/// the zone was changed, reads files and takes memory.
int32_t martlet_local_offset_s(uint64_t seconds);

// MARK: - Signals

/// From now on SIGTERM, SIGINT and SIGHUP are read from *descriptor, and SIGPIPE is ignored. A process that has not
/// closed it within a second of SIGTERM or SIGINT is ended: the outputs of its guarded actuator go to their safe level
/// first.
martlet_error martlet_signals_open(int *descriptor);
/// The number of a signal that came, or 0.
int martlet_signals_take(int descriptor);
/// They stay blocked, and nothing comes of them.
void martlet_signals_close(int descriptor);

// MARK: - Waking a thread that waits

/// A descriptor that polls readable while it is raised.
martlet_error martlet_event_open(int *descriptor);
/// From any thread; it stays raised until it is taken.
void martlet_event_raise(int descriptor);
/// Takes it down; whether it was raised. Never waits.
bool martlet_event_take(int descriptor);
void martlet_event_close(int descriptor);

// MARK: - The service manager (sd_notify(3)'s protocol)

typedef struct martlet_notifier {
  int descriptor;
  struct sockaddr_un address;
  socklen_t address_count;
  /// A sign of life is due within this time; 0: nobody waits for one.
  uint64_t watchdog_ns;
} martlet_notifier;

/// By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment; without them every notification goes nowhere.
void martlet_notifier_open(martlet_notifier *notifier);
/// Sends lines like READY=1 or WATCHDOG=1. Never waits.
void martlet_notify(const martlet_notifier *notifier, const char *text, size_t count);

// MARK: - The status socket

/// A Unix socket at `path`, for its user and group (mode 0660). A socket that an earlier process left is replaced; one
/// that still answers is EADDRINUSE.
martlet_error martlet_status_listen(const char *path, int *descriptor);
void martlet_status_unlisten(const char *path, int descriptor);
/// The next caller, who is never waited for.
martlet_error martlet_status_accept(int descriptor, int *caller);
/// Reads what a caller has sent so far, at most `capacity` bytes; none at its end.
martlet_error martlet_status_receive(int descriptor, char *text, size_t capacity, size_t *count);
/// Sends what fits at once; what does not (EMSGSIZE), a caller that reads slowly loses.
martlet_error martlet_status_send(int descriptor, const void *bytes, size_t count);
void martlet_status_hang_up(int descriptor);

/// The other side: connects, sends `request`, and reads the whole answer, for at most `seconds`. EMSGSIZE: it is longer
/// than `capacity`.
martlet_error martlet_status_ask(const char *path, const char *request, int seconds, char *answer, size_t capacity,
                                 size_t *count);

// MARK: - The machine

/// Thousandths of a degree Celsius: the highest of all thermal zones; INT32_MIN if there is none.
int32_t martlet_temperature(void);
/// Bytes of memory of the machine, and those that programs can still have; 0 where the system does not say.
void martlet_memory_of_machine(uint64_t *total, uint64_t *available);

#endif

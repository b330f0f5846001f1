/// GPIO lines through libgpiod: one interface over its two, 1.6 (Debian 12) and 2.x (Debian 13), chosen by the header
/// that the build finds. Requesting and looking around allocate; setting, getting and reading events do not.
///
/// What happens to an output when the process ends, in whatever way: the kernel closes the request and the line is
/// free. It drives nothing on its own then: most drivers leave the pin as it is, an output at its last level, until
/// somebody else requests it; some make it an input. (The kernel's simulator, gpio-sim, goes back to the line's pull.)
/// A process that is killed can do nothing about that, so a line that must not stay active needs a pull resistor and a
/// driver stage whose rest is the safe state, or a monostable stage; a service that is started again sets its safe
/// state by requesting the line with it.
#ifndef MARTLET_GPIO_H
#define MARTLET_GPIO_H

#include "martlet_error.h"

#include <stddef.h>

/// Why something did not work: a plain value.
typedef struct martlet_gpio_failure {
  martlet_error error;
  /// The errno value behind it, or 0.
  int32_t system_error;
  uint32_t lines;
  char detail[100];
} martlet_gpio_failure;

// MARK: - Addresses

/// Which line: "CHIP:OFFSET", "CHIP:NAME" or "NAME". CHIP is a name ("gpiochip0"), a path ("/dev/gpiochip0") or a
/// label; the last colon divides, since labels may hold some. Digits behind a colon are an offset. Names of lines may
/// hold colons too: where nothing is found so, an earlier colon divides, and at last none does. "name:NAME" is a line's
/// name whatever is in it.
typedef struct martlet_gpio_address {
  /// All of it.
  char text[96];
  /// Empty: any chip.
  char chip[64];
  /// Empty: `offset` counts.
  char name[32];
  uint32_t offset;
  /// Where the colon is that divides; -1: none does.
  int32_t colon;
} martlet_gpio_address;

/// MARTLET_GPIO_NO_ADDRESS: it is none.
martlet_error martlet_gpio_parse(const char *text, size_t count, martlet_gpio_address *address);
/// The next way to understand its text, with an earlier colon or with none; false: that were all. Requesting a line
/// tries them one after the other.
bool martlet_gpio_divide_otherwise(martlet_gpio_address *address);

// MARK: - Looking around

enum { MARTLET_GPIO_MAX_CHIPS = 64 };

typedef struct martlet_gpio_chip_info {
  /// "/dev/gpiochip0"
  char path[64];
  /// "gpiochip0"
  char name[32];
  char label[32];
  uint32_t line_count;
} martlet_gpio_chip_info;

typedef struct martlet_gpio_line_info {
  uint32_t offset;
  /// May be empty.
  char name[32];
  /// Who uses the line; may be empty although somebody does.
  char consumer[32];
  uint8_t is_used;
  uint8_t is_output;
  uint8_t is_active_low;
} martlet_gpio_line_info;

/// The numbers N of /dev/gpiochipN, in order; at most MARTLET_GPIO_MAX_CHIPS. Returns how many.
int32_t martlet_gpio_chips(uint32_t *numbers);

/// An open chip.
typedef struct martlet_gpio_chip {
  void *chip;
  martlet_gpio_chip_info info;
} martlet_gpio_chip;

/// Opens /dev/gpiochipN.
martlet_error martlet_gpio_open(uint32_t number, martlet_gpio_chip *chip, martlet_gpio_failure *failure);
martlet_error martlet_gpio_line_info_of(const martlet_gpio_chip *chip, uint32_t offset, martlet_gpio_line_info *info,
                                        martlet_gpio_failure *failure);
void martlet_gpio_close(martlet_gpio_chip *chip);

// MARK: - Debounce

/// A debounce by time stamps, for where the kernel does none: a level counts when it has been there for `period_ns`
/// without an edge, and is told if it differs from the level that counted before. What is told does not depend on when
/// the edges are read, only on their time stamps.
typedef struct martlet_gpio_debounce {
  uint64_t period_ns;
  /// Of the last edge.
  uint64_t edge_ns;
  /// The level that counts.
  int32_t stable;
  /// The level after the last edge.
  int32_t level;
  /// An edge has come and its level does not count yet.
  int32_t is_pending;
} martlet_gpio_debounce;

void martlet_gpio_debounce_start(martlet_gpio_debounce *state, uint64_t period_ns, int32_t level);
/// An edge to `level` at `time_ns`. Whether the level before it had come to count: *stable_ns is when it did (the
/// edge before, plus the period), and the level that counts is state->stable then.
bool martlet_gpio_debounce_edge(martlet_gpio_debounce *state, uint64_t time_ns, int32_t level, uint64_t *stable_ns);
/// No further edge has come up to `now_ns`, and the line is at `level` (asked for after the deadline, since the kernel
/// may have dropped edges). The same result.
bool martlet_gpio_debounce_quiet(martlet_gpio_debounce *state, uint64_t now_ns, int32_t level, uint64_t *stable_ns);
/// When the pending level will count; 0: nothing is pending.
uint64_t martlet_gpio_debounce_deadline_ns(const martlet_gpio_debounce *state);

// MARK: - Lines in use

enum { MARTLET_GPIO_PUSH_PULL, MARTLET_GPIO_OPEN_DRAIN, MARTLET_GPIO_OPEN_SOURCE };
enum { MARTLET_GPIO_BIAS_AS_IS, MARTLET_GPIO_BIAS_NONE, MARTLET_GPIO_PULL_UP, MARTLET_GPIO_PULL_DOWN };
enum { MARTLET_GPIO_EDGE_NONE, MARTLET_GPIO_RISING, MARTLET_GPIO_FALLING, MARTLET_GPIO_BOTH };

/// Levels are logical everywhere: 1 is active, whatever voltage that is.
typedef struct martlet_gpio_settings {
  int32_t is_active_low;
  /// 1: an output, which has `level` from the first moment.
  int32_t is_output;
  int32_t level;
  /// Of an input without edges and bias: a line that is an output stays one, and its level is read.
  int32_t keeps_output;
  /// Of an output: MARTLET_GPIO_PUSH_PULL ...
  int32_t drive;
  /// MARTLET_GPIO_BIAS_AS_IS ... The kernel ignores what the chip cannot do.
  int32_t bias;
  /// Of an input: MARTLET_GPIO_EDGE_NONE ...
  int32_t edges;
  /// Of an input with edges; 0: none. With libgpiod 2 the kernel (or the chip) does it, in steps of its timer tick
  /// (1 to 10 ms), and an event's time is when the level was found stable. With 1.6 it is done here: see
  /// martlet_gpio_deadline_ns; an event's time is that of the edge plus the period, to the nanosecond. The
  /// kernel keeps 16 edges then; if they were not read before there were more, the period starts at the reading.
  uint32_t debounce_us;
} martlet_gpio_settings;

/// A requested line in caller-owned memory, which must stay where it is.
typedef struct martlet_gpio_line {
  void *chip;
  void *request;
  void *events;
  /// To poll for events (POLLIN; POLLERR or POLLHUP when the chip is gone); -1 without edges.
  int32_t descriptor;
  uint32_t offset;
  int32_t edges;
  /// "gpiochip0"
  char chip_name[32];
  /// May be empty.
  char name[32];
  /// period_ns is 0 unless the debounce is done here.
  martlet_gpio_debounce debounce;
  /// Edges read since the kernel's queue was empty.
  uint32_t drained;
  /// Of the last event; 0: there was none, or they are not numbered.
  uint32_t sequence;
  /// Events that the kernel dropped, since martlet_gpio_take_lost.
  uint32_t lost;
} martlet_gpio_line;

/// Finds the line and requests it as "martlet". On any error nothing is left open.
martlet_error martlet_gpio_request(const martlet_gpio_address *address, const martlet_gpio_settings *settings,
                                   martlet_gpio_line *line, martlet_gpio_failure *failure);
void martlet_gpio_release(martlet_gpio_line *line);

/// ENODEV, here and below: the chip was removed.
martlet_error martlet_gpio_set(martlet_gpio_line *line, int32_t level);
/// With a debounce that the kernel does, the level that counts.
martlet_error martlet_gpio_get(martlet_gpio_line *line, int32_t *level);

typedef struct martlet_gpio_event {
  /// CLOCK_MONOTONIC, from the kernel's interrupt handler.
  uint64_t time_ns;
  /// 1: rising (has become active), 0: falling.
  int32_t level;
  /// Counts this line's events, from 1 (libgpiod 2; events that the kernel dropped leave a gap); 0: not known.
  uint32_t sequence;
} martlet_gpio_event;

/// The next event that is there, without waiting. Call it until EAGAIN when the descriptor is readable and when the
/// deadline has come; `now_ns` is CLOCK_MONOTONIC.
martlet_error martlet_gpio_read_event(martlet_gpio_line *line, uint64_t now_ns, martlet_gpio_event *event);
/// When martlet_gpio_read_event has to be called though nothing became readable; 0: no need.
uint64_t martlet_gpio_deadline_ns(const martlet_gpio_line *line);

/// Counts an event that was read, or, with NULL, that there is none more at the moment.
void martlet_gpio_note_event(martlet_gpio_line *line, const martlet_gpio_event *event);
/// Events that the kernel dropped since this was asked last, because nobody read them in time. With libgpiod 1.6, which
/// does not number them, it is 1 for each time that the kernel's queue was found full.
uint32_t martlet_gpio_take_lost(martlet_gpio_line *line);

/// "1.6.3", "2.2.1"
const char *martlet_gpio_library_version(void);

// MARK: - Waiting, for commands

/// Blocks SIGINT, SIGTERM and SIGHUP (also for threads that start later) and gives a descriptor that becomes readable
/// when one comes. For the whole life of the process.
martlet_error martlet_gpio_catch_stop(int *descriptor);

enum { MARTLET_GPIO_STOPPED = 1, MARTLET_GPIO_INPUT_ENDED = 2, MARTLET_GPIO_TIME = 4, MARTLET_GPIO_READY = 8 };
/// Waits for the stop descriptor, for the end of standard input if `reads_input` (what comes is thrown away), for
/// events or deadlines of `count` lines, at most until `until_ns` (0: without end). Returns what came, in bits.
int32_t martlet_gpio_wait(int32_t stop, int32_t reads_input, const martlet_gpio_line *const *lines, int32_t count,
                          uint64_t until_ns);

#endif

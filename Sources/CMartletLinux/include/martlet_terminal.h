/// Reading lines from a person: editing, history and pasted text in a terminal, plain lines from anything else.
/// No memory is allocated; line and history lie in the caller's buffers. One terminal for a process.
#ifndef MARTLET_TERMINAL_H
#define MARTLET_TERMINAL_H

#include "martlet_error.h"

#include <stddef.h>
#include <stdint.h>

/// Fields are the implementation's own, but for those that are named here.
typedef struct martlet_terminal {
  /// The line that was read, UTF-8 (if the person typed that), not terminated, without its line end. A pasted text
  /// keeps the line ends inside it.
  char *line;
  size_t length;
  size_t capacity;
  /// Byte offset in the line, at a character's beginning.
  size_t cursor;
  /// Entries that end with a zero each, oldest first.
  char *history;
  size_t history_length;
  size_t history_capacity;
  /// How many entries back from the newest the line came from.
  size_t history_back;
  /// Whether the newest entry is the line that was left for the history.
  int holds_draft;
  /// 1: editing; 0: plain lines (no terminal, or TERM is "dumb" or missing).
  int is_interactive;
  /// The window's size in characters, and where the cursor is: rows below the prompt's first that is shown.
  int columns, rows, cursor_row;
  const char *prompt;
  /// Bytes that were read and not used yet; they may be those of the next line.
  unsigned char input[256];
  int input_count, input_at;
} martlet_terminal;

/// Makes ready to read from standard input. `line` holds one line, `history` as many as go in; it may have no bytes.
void martlet_terminal_open(martlet_terminal *terminal, char *line, size_t line_capacity, char *history,
                           size_t history_capacity);

/// Shows the prompt (of printable ASCII) and reads a line. The terminal is in raw mode only inside this call; it goes
/// back to what it was at the end, at exit, and before a signal ends the process. 0: a line, possibly empty;
/// MARTLET_LINE_END, MARTLET_LINE_TOO_LONG.
martlet_error martlet_terminal_read(martlet_terminal *terminal, const char *prompt);

/// Puts the terminal back if a line is being read. Safe in a signal handler, for those that end the process.
void martlet_terminal_restore(void);

/// From now on Ctrl-C (SIGINT) only sets a flag, which starts unset.
void martlet_interrupts_catch(void);
/// Whether Ctrl-C was pressed since.
bool martlet_interrupted(void);
/// Ctrl-C does again what it did before.
void martlet_interrupts_release(void);

// MARK: - Text of unknown origin, made fit for a terminal and for one line of a message

enum {
  /// What a byte can become at most: \x1b.
  MARTLET_VISIBLE_GROWTH = 4
};

/// Copies UTF-8 with what would control a terminal, or turn the direction of writing, spelled out: \x1b, \u{202e}; so
/// are bytes that are not UTF-8. `keeps_lines`: newlines and tabs stay. Returns the number of bytes.
///
/// - into: room for MARTLET_VISIBLE_GROWTH * count bytes.
size_t martlet_visible(const void *bytes, size_t count, bool keeps_lines, char *into);

#endif

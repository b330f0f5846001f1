/// Reading lines from a person: editing, history and pasted text in a terminal, plain lines from anything else.
/// No memory is allocated; line and history lie in the caller's buffers. One terminal for a process.
#ifndef MARTLET_TERMINAL_H
#define MARTLET_TERMINAL_H

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

enum {
  /// A line, possibly empty.
  MARTLET_LINE = 0,
  /// No more: end of file, or Ctrl-D on an empty line.
  MARTLET_LINE_END = 1,
  /// Only of plain input: the line was longer than the buffer, and was skipped.
  MARTLET_LINE_TOO_LONG = 2,
  /// Reading failed; errno says why.
  MARTLET_LINE_FAILED = 3,
};

/// Makes ready to read from standard input. `line` holds one line, `history` as many as go in; it may have no bytes.
void martlet_terminal_open(martlet_terminal *terminal, char *line, size_t line_capacity, char *history,
                           size_t history_capacity);

/// Shows the prompt (of printable ASCII) and reads a line. The terminal is in raw mode only inside this call; it goes
/// back to what it was at the end, at exit, and before a signal ends the process.
int martlet_terminal_read(martlet_terminal *terminal, const char *prompt);

/// Puts the terminal back if a line is being read. Safe in a signal handler, for those that end the process.
void martlet_terminal_restore(void);

/// From now on Ctrl-C (SIGINT) only sets a flag, which starts unset.
void martlet_interrupts_catch(void);
/// Whether Ctrl-C was pressed since.
int martlet_interrupted(void);
/// Ctrl-C does again what it did before.
void martlet_interrupts_release(void);

#endif

#define _GNU_SOURCE
#include "terminal_internal.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROL(letter) ((letter) & 0x1F)
/// Milliseconds in which the rest of an escape sequence must come; a lone Escape is followed by nothing.
#define ESCAPE_MS 60

// MARK: - Bytes

/// The next byte; MARTLET_LINE_END at the end of input, ETIMEDOUT if none comes within the time (-1: no limit).
static martlet_error next_byte(martlet_terminal *terminal, int milliseconds, int *byte) {
  while (terminal->input_at >= terminal->input_count) {
    if (martlet_terminal_was_resized() && terminal->is_interactive) {
      martlet_terminal_measure(terminal);
      martlet_draw(terminal);
    }
    struct pollfd waiting = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready = poll(&waiting, 1, milliseconds);
    if (ready == 0) return ETIMEDOUT;
    ssize_t count = ready < 0 ? -1 : read(STDIN_FILENO, terminal->input, sizeof terminal->input);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return errno;
    if (count == 0) return MARTLET_LINE_END;
    terminal->input_count = (int)count;
    terminal->input_at = 0;
  }
  *byte = terminal->input[terminal->input_at++];
  return 0;
}

/// The next byte of a sequence that is sent at once; 0, which is part of none, if it does not come.
static int rest_byte(martlet_terminal *terminal) {
  int byte = 0;
  return next_byte(terminal, ESCAPE_MS, &byte) == 0 ? byte : 0;
}

static bool has_more(martlet_terminal *terminal) {
  if (terminal->input_at < terminal->input_count) return true;
  struct pollfd waiting = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&waiting, 1, 0) > 0;
}

// MARK: - Keys

static void insert(martlet_terminal *terminal, const char *bytes, size_t count) {
  if (!martlet_text_insert(terminal, bytes, count)) martlet_draw_text("\a");
}

/// A character of UTF-8 whole, so that the cursor never stands inside one.
static void insert_character(martlet_terminal *terminal, int first) {
  char bytes[4] = {(char)first};
  size_t need = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1;
  size_t count = 1;
  while (count < need) {
    int byte;
    if (next_byte(terminal, ESCAPE_MS, &byte) != 0) break;
    if ((byte & 0xC0) != 0x80) {
      terminal->input_at--;
      break;
    }
    bytes[count++] = (char)byte;
  }
  insert(terminal, bytes, count);
}

/// Pasted text up to its end mark. Line ends are kept; other control characters are not.
static void paste(martlet_terminal *terminal) {
  static const char mark[] = "\x1b[201~";
  size_t matched = 0;
  int last = 0;
  while (1) {
    int byte;
    if (next_byte(terminal, -1, &byte) != 0 || byte == CONTROL('C')) return;
    if (byte == mark[matched]) {
      if (++matched == sizeof mark - 1) return;
      continue;
    }
    // The rest of an escape sequence that was not the mark is text.
    for (size_t i = 1; i < matched; i++) insert(terminal, mark + i, 1);
    matched = byte == mark[0];
    if (matched) continue;
    if (byte == '\r' || (byte == '\n' && last != '\r')) {
      insert(terminal, "\n", 1);
    } else if (byte == '\t' || (byte >= 0x20 && byte != 0x7F)) {
      insert_character(terminal, byte);
    }
    last = byte;
  }
}

static void history(martlet_terminal *terminal, int step) {
  if (!martlet_history_move(terminal, step)) martlet_draw_text("\a");
}

/// Keys that send `ESC [ numbers letter` or `ESC O letter`.
static void special_key(martlet_terminal *terminal, int letter, int number, int modifier) {
  switch (letter) {
    case 'A': history(terminal, 1); break;
    case 'B': history(terminal, -1); break;
    case 'C':
      terminal->cursor = modifier == 5 ? martlet_text_word_right(terminal, terminal->cursor)
                                       : martlet_text_right(terminal, terminal->cursor);
      break;
    case 'D':
      terminal->cursor = modifier == 5 ? martlet_text_word_left(terminal, terminal->cursor)
                                       : martlet_text_left(terminal, terminal->cursor);
      break;
    case 'H': terminal->cursor = 0; break;
    case 'F': terminal->cursor = terminal->length; break;
    case '~':
      if (number == 1 || number == 7) terminal->cursor = 0;
      if (number == 4 || number == 8) terminal->cursor = terminal->length;
      if (number == 3) martlet_text_erase(terminal, terminal->cursor, martlet_text_right(terminal, terminal->cursor));
      if (number == 200) paste(terminal);
      break;
    default: break;
  }
}

static void escape(martlet_terminal *terminal) {
  int byte = rest_byte(terminal);
  // Some terminals send Alt with an arrow as Escape and the arrow's own sequence.
  while (byte == 0x1B) byte = rest_byte(terminal);
  if (byte == '[' || byte == 'O') {
    int numbers[2] = {0, 0};
    int index = 0;
    while (1) {
      byte = rest_byte(terminal);
      if (byte >= '0' && byte <= '9') {
        if (numbers[index] < 1000) numbers[index] = numbers[index] * 10 + byte - '0';
      } else if (byte == ';') {
        index = 1;
      } else if (byte < 0x20 || byte >= 0x40) {
        break;
      }
    }
    if (byte >= 0x40) special_key(terminal, byte, numbers[0], numbers[1]);
  } else if (byte == 'b') {
    terminal->cursor = martlet_text_word_left(terminal, terminal->cursor);
  } else if (byte == 'f') {
    terminal->cursor = martlet_text_word_right(terminal, terminal->cursor);
  } else if (byte == '\r') {
    insert(terminal, "\n", 1);
  }
}

static void suspend(martlet_terminal *terminal) {
  martlet_draw_end(terminal);
  martlet_terminal_leave_raw();
  raise(SIGTSTP);
  // Here again after `fg`.
  martlet_terminal_enter_raw();
  martlet_terminal_measure(terminal);
}

/// Does what a key says; MARTLET_LINE_END at the end of all lines. *is_done: the line is.
static martlet_error key(martlet_terminal *terminal, int byte, bool *is_done) {
  size_t cursor = terminal->cursor;
  switch (byte) {
    case '\r':
    case '\n': *is_done = true; break;
    case CONTROL('D'):
      if (terminal->length == 0) return MARTLET_LINE_END;
      martlet_text_erase(terminal, cursor, martlet_text_right(terminal, cursor));
      break;
    case CONTROL('C'):
      martlet_text_erase(terminal, 0, terminal->length);
      martlet_history_finish(terminal, 0);
      break;
    case CONTROL('H'):
    case 0x7F: martlet_text_erase(terminal, martlet_text_left(terminal, cursor), cursor); break;
    case CONTROL('A'): terminal->cursor = 0; break;
    case CONTROL('E'): terminal->cursor = terminal->length; break;
    case CONTROL('B'): terminal->cursor = martlet_text_left(terminal, cursor); break;
    case CONTROL('F'): terminal->cursor = martlet_text_right(terminal, cursor); break;
    case CONTROL('U'): martlet_text_erase(terminal, 0, cursor); break;
    case CONTROL('K'): martlet_text_erase(terminal, cursor, terminal->length); break;
    case CONTROL('W'): martlet_text_erase(terminal, martlet_text_word_left(terminal, cursor), cursor); break;
    case CONTROL('P'): history(terminal, 1); break;
    case CONTROL('N'): history(terminal, -1); break;
    case CONTROL('L'): martlet_draw_clear(terminal); break;
    case CONTROL('Z'): suspend(terminal); break;
    case 0x1B: escape(terminal); break;
    default:
      if (byte >= 0x20) insert_character(terminal, byte);
  }
  return 0;
}

// MARK: - Lines

static martlet_error read_plain(martlet_terminal *terminal) {
  bool is_long = false;
  while (1) {
    int byte;
    martlet_error error = next_byte(terminal, -1, &byte);
    if (error == MARTLET_LINE_END && (terminal->length > 0 || is_long)) break;
    if (error != 0) return error;
    if (byte == '\n') break;
    char letter = (char)byte;
    if (!martlet_text_insert(terminal, &letter, 1)) is_long = true;
  }
  if (terminal->length > 0 && terminal->line[terminal->length - 1] == '\r') terminal->length--;
  return is_long ? MARTLET_LINE_TOO_LONG : 0;
}

static martlet_error read_edited(martlet_terminal *terminal) {
  martlet_error error = martlet_terminal_enter_raw();
  if (error != 0) return error;
  martlet_terminal_measure(terminal);
  terminal->cursor_row = 0;
  martlet_draw(terminal);
  bool is_done = false;
  while (error == 0 && !is_done) {
    int byte;
    error = next_byte(terminal, -1, &byte);
    if (error == 0) error = key(terminal, byte, &is_done);
    // A burst of bytes is shown when it is over.
    if (error == 0 && !is_done && !has_more(terminal)) martlet_draw(terminal);
  }
  martlet_history_finish(terminal, is_done);
  martlet_draw_end(terminal);
  martlet_terminal_leave_raw();
  return error;
}

void martlet_terminal_open(martlet_terminal *terminal, char *line, size_t line_capacity, char *history,
                           size_t history_capacity) {
  memset(terminal, 0, sizeof *terminal);
  terminal->line = line;
  terminal->capacity = line_capacity;
  terminal->history = history;
  terminal->history_capacity = history_capacity;
  terminal->prompt = "";
  const char *kind = getenv("TERM");
  terminal->is_interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && kind != NULL && kind[0] != '\0' &&
                             strcmp(kind, "dumb") != 0;
  static bool is_registered;
  if (!is_registered) atexit(martlet_terminal_restore);
  is_registered = true;
}

martlet_error martlet_terminal_read(martlet_terminal *terminal, const char *prompt) {
  terminal->prompt = prompt;
  terminal->length = 0;
  terminal->cursor = 0;
  if (terminal->is_interactive) return read_edited(terminal);
  // A prompt is for persons.
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) martlet_draw_text(prompt);
  return read_plain(terminal);
}

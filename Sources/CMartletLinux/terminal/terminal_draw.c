#include "terminal_internal.h"
#include "martlet_files.h"

#include <string.h>
#include <unistd.h>

/// Output is gathered, so that a redrawn line reaches the screen at once.
typedef struct screen {
  char bytes[1024];
  size_t count;
} screen;

static void flush(screen *to) {
  martlet_file_write_all(STDOUT_FILENO, to->bytes, to->count);
  to->count = 0;
}

static void put(screen *to, const char *bytes, size_t count) {
  if (count > sizeof to->bytes - to->count) flush(to);
  if (count > sizeof to->bytes) count = sizeof to->bytes;
  memcpy(to->bytes + to->count, bytes, count);
  to->count += count;
}

static void put_text(screen *to, const char *text) { put(to, text, strlen(text)); }

/// `ESC [ number letter`, if the number is not 0.
static void put_move(screen *to, int number, char letter) {
  if (number <= 0) return;
  char text[16];
  size_t at = sizeof text;
  text[--at] = letter;
  for (; number > 0 && at > 2; number /= 10) text[--at] = (char)('0' + number % 10);
  text[--at] = '[';
  text[--at] = '\x1b';
  put(to, text + at, sizeof text - at);
}

/// A walk over prompt and line that knows rows and columns, and shows the rows of a window if it has a screen.
typedef struct layout {
  int row, column, columns;
  screen *to;
  int first_row, last_row;
} layout;

static void line_break(layout *at) {
  at->row++;
  at->column = 0;
  if (at->to != NULL && at->row > at->first_row && at->row <= at->last_row) put_text(at->to, "\r\n");
}

static void place(layout *at, const char *bytes, size_t count, int width) {
  if (at->column + width > at->columns) line_break(at);
  at->column += width;
  if (at->to != NULL && at->row >= at->first_row && at->row <= at->last_row) put(at->to, bytes, count);
}

static void place_character(layout *at, const char *bytes, size_t length, uint32_t character) {
  int width = martlet_character_width(character);
  if (character == '\n') {
    line_break(at);
  } else if (character == '\t') {
    for (int i = 0; i < 4; i++) place(at, " ", 1, 1);
  } else if (character == 0xFFFD) {
    place(at, "\xEF\xBF\xBD", 3, 1);
  } else if (width < 0) {
    place(at, "?", 1, 1);
  } else {
    place(at, bytes, length, width);
  }
}

/// Walks to the end; gives the cursor's place.
static void walk(const martlet_terminal *terminal, layout *at, int *cursor_row, int *cursor_column) {
  for (const char *c = terminal->prompt; *c != '\0'; c++) place(at, c, 1, 1);
  size_t from = 0;
  while (1) {
    if (from == terminal->cursor) {
      // The cursor cannot stand right of the last column; a character there would go to the next row.
      if (at->column >= at->columns) line_break(at);
      *cursor_row = at->row;
      *cursor_column = at->column;
    }
    if (from >= terminal->length) break;
    size_t length;
    uint32_t character = martlet_character(terminal->line + from, terminal->length - from, &length);
    place_character(at, terminal->line + from, length, character);
    from += length;
  }
}

void martlet_draw(martlet_terminal *terminal) {
  int columns = terminal->columns < 8 ? 8 : terminal->columns;
  int height = terminal->rows < 2 ? 2 : terminal->rows;
  int cursor_row = 0, cursor_column = 0;
  layout measure = {.columns = columns};
  walk(terminal, &measure, &cursor_row, &cursor_column);
  // Of what is higher than the window, the part with the cursor is shown.
  int first = 0;
  if (measure.row >= height) {
    first = cursor_row - height / 2;
    if (first > measure.row - height + 1) first = measure.row - height + 1;
    if (first < 0) first = 0;
  }
  int last = measure.row < first + height - 1 ? measure.row : first + height - 1;

  screen to = {.count = 0};
  put_move(&to, terminal->cursor_row, 'A');
  put_text(&to, "\r\x1b[J");
  layout show = {.columns = columns, .to = &to, .first_row = first, .last_row = last};
  walk(terminal, &show, &cursor_row, &cursor_column);
  put_move(&to, last - cursor_row, 'A');
  put_text(&to, "\r");
  put_move(&to, cursor_column, 'C');
  flush(&to);
  terminal->cursor_row = cursor_row - first;
}

void martlet_draw_end(martlet_terminal *terminal) {
  terminal->cursor = terminal->length;
  martlet_draw(terminal);
  martlet_draw_text("\r\n");
  terminal->cursor_row = 0;
}

void martlet_draw_clear(martlet_terminal *terminal) {
  martlet_draw_text("\x1b[H\x1b[2J");
  terminal->cursor_row = 0;
  martlet_draw(terminal);
}

void martlet_draw_text(const char *text) { martlet_file_write_all(STDOUT_FILENO, text, strlen(text)); }

#include "terminal_internal.h"

#include <string.h>

/// Where the entry `back` places before the end begins (1 is the newest); whether there are so many.
static bool find(const martlet_terminal *terminal, size_t back, size_t *start) {
  size_t at = terminal->history_length;
  while (back > 0) {
    if (at == 0) return false;
    at--;
    while (at > 0 && terminal->history[at - 1] != '\0') at--;
    back--;
  }
  *start = at;
  return true;
}

/// Adds the line behind all others; the oldest make room. Not one that is too long or empty: false.
static bool append(martlet_terminal *terminal) {
  size_t need = terminal->length + 1;
  if (need > terminal->history_capacity) return false;
  size_t room = terminal->history_capacity - terminal->history_length;
  size_t cut = 0;
  while (room + cut < need) cut += strlen(terminal->history + cut) + 1;
  memmove(terminal->history, terminal->history + cut, terminal->history_length - cut);
  terminal->history_length -= cut;
  memcpy(terminal->history + terminal->history_length, terminal->line, terminal->length);
  terminal->history_length += need;
  terminal->history[terminal->history_length - 1] = '\0';
  return true;
}

static void drop_newest(martlet_terminal *terminal) {
  size_t start;
  if (find(terminal, 1, &start)) terminal->history_length = start;
}

bool martlet_history_move(martlet_terminal *terminal, int step) {
  if (step > 0 && !terminal->holds_draft) {
    // What was being written becomes the newest entry, until the line is done.
    if (terminal->history_length == 0 || !append(terminal)) return false;
    terminal->holds_draft = 1;
    terminal->history_back = 1;
  }
  if (!terminal->holds_draft || (step < 0 && terminal->history_back <= 1)) return false;
  size_t back = terminal->history_back + (step > 0 ? 1 : -1);
  size_t start;
  if (!find(terminal, back, &start)) return false;
  size_t length = strlen(terminal->history + start);
  if (length > terminal->capacity) return false;
  memcpy(terminal->line, terminal->history + start, length);
  terminal->length = length;
  terminal->cursor = length;
  terminal->history_back = back;
  return true;
}

void martlet_history_finish(martlet_terminal *terminal, bool remember) {
  if (terminal->holds_draft) drop_newest(terminal);
  terminal->holds_draft = 0;
  terminal->history_back = 0;
  if (!remember || terminal->length == 0 || memchr(terminal->line, '\0', terminal->length) != NULL) return;
  size_t start;
  if (find(terminal, 1, &start) && strlen(terminal->history + start) == terminal->length &&
      memcmp(terminal->history + start, terminal->line, terminal->length) == 0) {
    return;
  }
  append(terminal);
}

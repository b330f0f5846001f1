/// What the files of the terminal share.
#ifndef MARTLET_TERMINAL_INTERNAL_H
#define MARTLET_TERMINAL_INTERNAL_H

#include "martlet_terminal.h"

// terminal_mode.c

martlet_error martlet_terminal_enter_raw(void);
void martlet_terminal_leave_raw(void);
/// Whether the window changed its size since it was last asked.
bool martlet_terminal_was_resized(void);
/// Asks for the window's size.
void martlet_terminal_measure(martlet_terminal *terminal);

// terminal_text.c: the line, by characters.

/// The character at `bytes` as a code point, and how many bytes it has (1 to 4). What is not UTF-8 is one byte each, as
/// U+FFFD.
uint32_t martlet_character(const char *bytes, size_t count, size_t *length);
/// Columns that a character takes: 0 if it joins the one before, 2 if it is wide, -1 if it is a control character.
int martlet_character_width(uint32_t character);

size_t martlet_text_left(const martlet_terminal *terminal, size_t from);
size_t martlet_text_right(const martlet_terminal *terminal, size_t from);
size_t martlet_text_word_left(const martlet_terminal *terminal, size_t from);
size_t martlet_text_word_right(const martlet_terminal *terminal, size_t from);
/// Whether there was room.
bool martlet_text_insert(martlet_terminal *terminal, const char *bytes, size_t count);
void martlet_text_erase(martlet_terminal *terminal, size_t from, size_t to);

// terminal_history.c

/// Brings the next older (+1) or newer (-1) line; whether there is one.
bool martlet_history_move(martlet_terminal *terminal, int step);
/// The line is done: forgets what editing left in the history, and remembers the line if asked.
void martlet_history_finish(martlet_terminal *terminal, bool remember);

// terminal_draw.c

/// Shows prompt and line, wrapped to the window, with the cursor in its place.
void martlet_draw(martlet_terminal *terminal);
/// Leaves the line as it is, the cursor on a fresh row below it.
void martlet_draw_end(martlet_terminal *terminal);
void martlet_draw_clear(martlet_terminal *terminal);
void martlet_draw_text(const char *text);

#endif

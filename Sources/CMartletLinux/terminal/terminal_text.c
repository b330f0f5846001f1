#include "terminal_internal.h"

#include <string.h>

uint32_t martlet_character(const char *bytes, size_t count, size_t *length) {
  const unsigned char *at = (const unsigned char *)bytes;
  *length = 1;
  if (count == 0) return 0;
  if (at[0] < 0x80) return at[0];
  size_t need = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
  if (at[0] < 0xC2 || at[0] > 0xF4 || need > count) return 0xFFFD;
  uint32_t character = at[0] & (0x7Fu >> need);
  for (size_t i = 1; i < need; i++) {
    if ((at[i] & 0xC0) != 0x80) return 0xFFFD;
    character = character << 6 | (at[i] & 0x3F);
  }
  // Too long a form, surrogates, past the end.
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (character < least[need] || character > 0x10FFFF || (character >= 0xD800 && character < 0xE000)) return 0xFFFD;
  *length = need;
  return character;
}

typedef struct range {
  uint32_t first, last;
} range;

/// Marks that join the character before: combining ones, joiners, variation selectors.
static const range joining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD},  {0x064B, 0x065F}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E}, {0x093C, 0x093C},   {0x0941, 0x0948},  {0x094D, 0x094D}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200F}, {0x20D0, 0x20FF},   {0x302A, 0x302F},  {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF}, {0x1F3FB, 0x1F3FF}, {0xE0100, 0xE01EF}};

/// East Asian wide characters and pictures, in coarse blocks.
static const range wide[] = {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2705, 0x2705},
                             {0x274C, 0x274C},   {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},
                             {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
                             {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                             {0x16FE0, 0x18CFF}, {0x1B000, 0x1B2FF}, {0x1F18E, 0x1F19A}, {0x1F200, 0x1F320},
                             {0x1F32D, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1F9FF},
                             {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};

static int is_in(uint32_t character, const range *ranges, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (character >= ranges[i].first && character <= ranges[i].last) return 1;
  }
  return 0;
}

int martlet_character_width(uint32_t character) {
  if (character < 0x20 || (character >= 0x7F && character < 0xA0)) return -1;
  if (character < 0x300) return 1;
  if (is_in(character, joining, sizeof joining / sizeof joining[0])) return 0;
  return is_in(character, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
}

static size_t character_end(const martlet_terminal *terminal, size_t from) {
  size_t length;
  martlet_character(terminal->line + from, terminal->length - from, &length);
  return from + length;
}

static int joins(const martlet_terminal *terminal, size_t at) {
  size_t length;
  return martlet_character_width(martlet_character(terminal->line + at, terminal->length - at, &length)) == 0;
}

size_t martlet_text_left(const martlet_terminal *terminal, size_t from) {
  while (from > 0) {
    size_t at = from - 1;
    // Up to three bytes further back if they are one character with this one.
    for (size_t back = 2; back <= 4 && back <= from; back++) {
      if (character_end(terminal, from - back) == from) at = from - back;
    }
    from = at;
    if (!joins(terminal, from)) break;
  }
  return from;
}

size_t martlet_text_right(const martlet_terminal *terminal, size_t from) {
  if (from >= terminal->length) return terminal->length;
  from = character_end(terminal, from);
  while (from < terminal->length && joins(terminal, from)) from = character_end(terminal, from);
  return from;
}

static int is_blank(char byte) { return byte == ' ' || byte == '\n' || byte == '\t'; }

size_t martlet_text_word_left(const martlet_terminal *terminal, size_t from) {
  while (from > 0 && is_blank(terminal->line[from - 1])) from--;
  while (from > 0 && !is_blank(terminal->line[from - 1])) from--;
  return from;
}

size_t martlet_text_word_right(const martlet_terminal *terminal, size_t from) {
  while (from < terminal->length && is_blank(terminal->line[from])) from++;
  while (from < terminal->length && !is_blank(terminal->line[from])) from++;
  return from;
}

bool martlet_text_insert(martlet_terminal *terminal, const char *bytes, size_t count) {
  if (count > terminal->capacity - terminal->length) return false;
  char *place = terminal->line + terminal->cursor;
  memmove(place + count, place, terminal->length - terminal->cursor);
  memcpy(place, bytes, count);
  terminal->length += count;
  terminal->cursor += count;
  return true;
}

void martlet_text_erase(martlet_terminal *terminal, size_t from, size_t to) {
  memmove(terminal->line + from, terminal->line + to, terminal->length - to);
  terminal->length -= to - from;
  terminal->cursor = from;
}

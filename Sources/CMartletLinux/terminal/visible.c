#include "terminal_internal.h"

#include <string.h>

/// C0, DEL, C1, separators of lines, marks and brackets of the direction of writing.
static int is_control(uint32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x061C ||
         (character >= 0x200E && character <= 0x200F) || (character >= 0x2028 && character <= 0x202E) ||
         (character >= 0x2066 && character <= 0x2069);
}

static char *hexadecimal(char *to, uint32_t value, int digits) {
  while (digits > 0) *to++ = "0123456789abcdef"[value >> 4 * --digits & 15];
  return to;
}

size_t martlet_visible(const void *bytes, size_t count, bool keeps_lines, char *into) {
  const char *from = bytes, *end = from + count;
  char *to = into;
  while (from < end) {
    size_t length;
    uint32_t character = martlet_character(from, (size_t)(end - from), &length);
    // One byte that is not ASCII: what is not UTF-8 gives U+FFFD.
    int is_damaged = length == 1 && character > 0x7F;
    int is_kept = keeps_lines && (character == '\n' || character == '\t');
    if (is_damaged || (is_control(character) && !is_kept)) {
      *to++ = '\\';
      if (length == 1) {
        *to++ = 'x';
        to = hexadecimal(to, (unsigned char)*from, 2);
      } else {
        *to++ = 'u';
        *to++ = '{';
        to = hexadecimal(to, character, length == 2 ? (character < 0x100 ? 2 : 3) : 4);
        *to++ = '}';
      }
    } else {
      memcpy(to, from, length);
      to += length;
    }
    from += length;
  }
  return (size_t)(to - into);
}

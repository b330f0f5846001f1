/// Text of unknown origin, made fit for a terminal and for one line of a message.
#ifndef MARTLET_VISIBLE_H
#define MARTLET_VISIBLE_H

#include <stddef.h>

enum {
  /// What a byte can become at most: \x1b.
  MARTLET_VISIBLE_GROWTH = 4
};

/// Copies UTF-8 with what would control a terminal, or turn the direction of writing, spelled out: \x1b, \u{202e}; so
/// are bytes that are not UTF-8. `keeps_lines`: newlines and tabs stay. Returns the number of bytes.
///
/// - into: room for MARTLET_VISIBLE_GROWTH * count bytes.
size_t martlet_visible(const void *bytes, size_t count, int keeps_lines, char *into);

#endif

/// What the tokenizers need of Unicode: classes of characters, and canonical decomposition and composition.
#ifndef MARTLET_UNICODE_H
#define MARTLET_UNICODE_H

#include <stdint.h>

/// General categories, as far as tokenizers tell them apart. White space is the property White_Space and has its own
/// class, whatever its category.
enum martlet_unicode_class {
  MARTLET_UNICODE_OTHER = 0,
  MARTLET_UNICODE_UPPER = 1,
  MARTLET_UNICODE_LOWER = 2,
  MARTLET_UNICODE_TITLE = 3,
  MARTLET_UNICODE_MODIFIER_LETTER = 4,
  MARTLET_UNICODE_OTHER_LETTER = 5,
  MARTLET_UNICODE_MARK = 6,
  MARTLET_UNICODE_NUMBER = 7,
  MARTLET_UNICODE_PUNCTUATION = 8,
  MARTLET_UNICODE_SYMBOL = 9,
  MARTLET_UNICODE_WHITE_SPACE = 10
};

/// The class of any code, 0...0x10FFFF or beyond.
uint32_t martlet_unicode_class_of(uint32_t code);

/// The canonical combining class, 0...254.
uint32_t martlet_unicode_combining_class(uint32_t code);

/// The full canonical decomposition into 1 to 4 codes, not yet ordered; returns how many.
int32_t martlet_unicode_decompose(uint32_t code, uint32_t into[4]);

/// The primary composite of two codes, or 0.
uint32_t martlet_unicode_compose(uint32_t first, uint32_t second);

#endif

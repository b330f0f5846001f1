/// YAML read by libyaml into a flat table of nodes, in memory with limits. One document of mappings, sequences and
/// scalars: anchors, aliases and tags of one's own are refused.
#ifndef MARTLET_YAML_H
#define MARTLET_YAML_H

#include "martlet_error.h"

#include <stddef.h>

enum {
  MARTLET_YAML_MAX_BYTES = 256 << 10,
  MARTLET_YAML_MAX_NODES = 4096,
  MARTLET_YAML_MAX_DEPTH = 16,
  /// Escapes can make a text longer than it is in the file.
  MARTLET_YAML_MAX_TEXT = 2 * MARTLET_YAML_MAX_BYTES,
  MARTLET_YAML_NONE = -1
};

/// Why something is no YAML, as far as that can be told.
enum {
  /// As libyaml says it, in `problem`.
  MARTLET_YAML_OTHER,
  MARTLET_YAML_NOT_UTF8,
  /// A tab where there may be blanks only.
  MARTLET_YAML_TAB,
  /// A bracket, a brace or a quote, which is meant; noticed in line `end_line`.
  MARTLET_YAML_LEFT_OPEN,
  /// A colon with a blank behind it inside of a text.
  MARTLET_YAML_COLON,
  /// A list begins where none can.
  MARTLET_YAML_DASH,
  /// A line that is neither a key nor an item.
  MARTLET_YAML_NO_COLON,
  /// A line that is indented like no line above it.
  MARTLET_YAML_INDENT,
  /// A character that a text without quotes cannot begin with.
  MARTLET_YAML_CHARACTER
};

enum { MARTLET_YAML_SCALAR = 0, MARTLET_YAML_SEQUENCE = 1, MARTLET_YAML_MAPPING = 2 };

typedef struct martlet_yaml_node {
  uint8_t kind;
  /// The scalar stood in quotes or was a block: never null.
  uint8_t is_text;
  /// A key that its mapping has already.
  uint8_t is_duplicate;
  /// From 1.
  uint32_t line, column;
  /// A scalar's text, from the table's `text`, a zero behind it.
  uint32_t text, text_count;
  /// Of a sequence its items, of a mapping key, value, key, value: the first, and each one's next.
  int32_t first, next;
} martlet_yaml_node;

typedef struct martlet_yaml {
  martlet_yaml_node *nodes;
  char *text;
  /// 0: the document is empty. Else node 0 is its root.
  uint32_t node_count, text_count;
  /// Where an error is meant, from 1.
  uint32_t line, column;
  /// Of MARTLET_YAML_SYNTAX: one of the reasons above.
  uint32_t reason, end_line;
  char problem[120];
} martlet_yaml;

/// Reads a document; takes memory from the heap, also when it fails: give it back.
martlet_error martlet_yaml_read(const void *bytes, size_t count, martlet_yaml *yaml);
void martlet_yaml_free(martlet_yaml *yaml);

#endif

/// What the two files of this folder share.
#ifndef MARTLET_YAML_INTERNAL_H
#define MARTLET_YAML_INTERNAL_H

#include "martlet_yaml.h"

#include <yaml.h>

/// The document as it is read.
typedef struct yaml_reading {
  martlet_yaml *yaml;
  const char *bytes;
  size_t count;
  /// The open collections, and the last child of each.
  int32_t open[MARTLET_YAML_MAX_DEPTH], last[MARTLET_YAML_MAX_DEPTH];
  /// Children so far: in a mapping an even one is a key.
  uint32_t children[MARTLET_YAML_MAX_DEPTH];
  /// Whether it is in brackets or braces.
  uint8_t is_flow[MARTLET_YAML_MAX_DEPTH];
  int32_t depth;
  /// Of the table, for a file of this size.
  uint32_t node_capacity, text_capacity;
  /// Of a dash by itself as a value, which libyaml does not take: the byte; else -1.
  int64_t lone_dash;
} yaml_reading;

static inline martlet_error yaml_fail(martlet_yaml *yaml, martlet_error error, yaml_mark_t mark) {
  yaml->line = (uint32_t)mark.line + 1;
  yaml->column = (uint32_t)mark.column + 1;
  return error;
}

/// Of a parser that stopped: where a person has to look, and for what.
martlet_error yaml_syntax(const yaml_parser_t *parser, yaml_reading *at);

#endif

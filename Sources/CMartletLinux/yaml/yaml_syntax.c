#include "yaml_internal.h"

#include <stdio.h>
#include <string.h>

// libyaml says where it noticed and what it was doing then. What the person who wrote the file has to look for is told
// from the byte at that place, and from what is open there.

/// The byte of a mark, whose index counts characters; `count` at the end. (A byte order mark is not counted.)
static size_t byte_of(const yaml_reading *at, const yaml_parser_t *parser, yaml_mark_t mark) {
  if (parser->encoding != YAML_UTF8_ENCODING) return at->count;
  size_t byte = at->count >= 3 && memcmp(at->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  for (size_t left = mark.index; left > 0 && byte < at->count; left--) {
    byte++;
    while (byte < at->count && ((uint8_t)at->bytes[byte] & 0xC0) == 0x80) byte++;
  }
  return byte;
}

/// Of bytes that are no text only the offset is known.
static martlet_error no_text(const yaml_parser_t *parser, const yaml_reading *at) {
  martlet_yaml *yaml = at->yaml;
  size_t offset = parser->problem_offset < at->count ? parser->problem_offset : at->count;
  // Meant is the character, not the byte in it that does not fit.
  for (int i = 0; i < 3 && strstr(parser->problem, "trailing") != NULL && offset > 0; i++) {
    if ((uint8_t)at->bytes[offset] >= 0xC0) break;
    offset--;
  }
  yaml->line = yaml->column = 1;
  for (size_t i = 0; i < offset; i++) {
    if (at->bytes[i] == '\n') {
      yaml->line++;
      yaml->column = 1;
    } else if (((uint8_t)at->bytes[i] & 0xC0) != 0x80) {
      yaml->column++;
    }
  }
  yaml->reason = strstr(parser->problem, "UTF-8") != NULL ? MARTLET_YAML_NOT_UTF8 : MARTLET_YAML_OTHER;
  snprintf(yaml->problem, sizeof yaml->problem, "%s", parser->problem);
  return MARTLET_YAML_SYNTAX;
}

/// A dash with nothing behind it in its line but blanks or a comment, and a key in front of it.
static bool is_alone(const yaml_reading *at, size_t dash) {
  size_t next = dash + 1;
  while (next < at->count && at->bytes[next] == ' ') next++;
  if (next < at->count && strchr("\r\n", at->bytes[next]) == NULL && (at->bytes[next] != '#' || next == dash + 1))
    return false;
  while (dash > 0 && at->bytes[dash - 1] == ' ') dash--;
  return dash > 0 && at->bytes[dash - 1] == ':';
}

/// Of a key whose colon was not expected: the place of the line above it, if it is that one which is no key. (Such a
/// line and the key are taken as one text.)
static bool is_line_above(const yaml_reading *at, size_t colon, yaml_mark_t *mark) {
  size_t start = colon;
  while (start > 0 && at->bytes[start - 1] != '\n') {
    start--;
    if (at->bytes[start] == ':' && at->bytes[start + 1] == ' ') return false;
  }
  if (start == 0) return false;
  size_t above = start - 1;
  while (above > 0 && at->bytes[above - 1] != '\n') above--;
  size_t first = above;
  while (at->bytes[first] == ' ') first++;
  if (at->bytes[first] == '\n' || at->bytes[first] == '#') return false;
  mark->line--;
  mark->column = first - above;
  return true;
}

/// Something was opened and not closed: meant is where that was.
static martlet_error left_open(martlet_yaml *yaml, uint32_t line, uint32_t column, yaml_mark_t end) {
  yaml->reason = MARTLET_YAML_LEFT_OPEN;
  yaml->line = line;
  yaml->column = column;
  yaml->end_line = (uint32_t)end.line + 1;
  return MARTLET_YAML_SYNTAX;
}

martlet_error yaml_syntax(const yaml_parser_t *parser, yaml_reading *at) {
  martlet_yaml *yaml = at->yaml;
  if (parser->error == YAML_MEMORY_ERROR) return ENOMEM;
  if (parser->error == YAML_READER_ERROR) return no_text(parser, at);
  const char *context = parser->context != NULL ? parser->context : "", *problem = parser->problem;
  snprintf(yaml->problem, sizeof yaml->problem, "%s%s%s", context, *context ? ", " : "", problem);
  yaml_mark_t mark = parser->problem_mark, began = parser->context_mark;
  size_t byte = byte_of(at, parser, mark);
  char found = byte < at->count ? at->bytes[byte] : '\0';
  int32_t top = at->depth - 1;
  if (strstr(context, "quoted scalar") != NULL && strstr(problem, "unexpected end") != NULL)
    return left_open(yaml, (uint32_t)began.line + 1, (uint32_t)began.column + 1, mark);
  if (found == '\t') {
    yaml->reason = MARTLET_YAML_TAB;
  } else if (top >= 0 && at->is_flow[top]) {
    const martlet_yaml_node *opened = &yaml->nodes[at->open[top]];
    if (opened->line != mark.line + 1 || byte == at->count) return left_open(yaml, opened->line, opened->column, mark);
    if (found == ':') yaml->reason = MARTLET_YAML_COLON;
  } else if (found == ':' && strstr(problem, "mapping values") != NULL) {
    yaml->reason = is_line_above(at, byte, &mark) ? MARTLET_YAML_NO_COLON : MARTLET_YAML_COLON;
  } else if (found == '-' && strstr(problem, "block sequence") != NULL) {
    yaml->reason = MARTLET_YAML_DASH;
    if (is_alone(at, byte)) at->lone_dash = (int64_t)byte;
  } else if (strstr(problem, "could not find expected ':'") != NULL) {
    // It is noticed in the line behind.
    yaml->reason = MARTLET_YAML_NO_COLON;
    mark = began;
  } else if (strstr(problem, "did not find expected key") != NULL) {
    yaml->reason = MARTLET_YAML_INDENT;
  } else if (strstr(problem, "cannot start any token") != NULL) {
    yaml->reason = MARTLET_YAML_CHARACTER;
  }
  return yaml_fail(yaml, MARTLET_YAML_SYNTAX, mark);
}

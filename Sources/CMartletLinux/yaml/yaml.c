#include "yaml_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_core_tag(const yaml_char_t *tag) {
  static const char *const names[] = {"str", "int", "float", "bool", "null", "seq", "map"};
  const char prefix[] = "tag:yaml.org,2002:", *text = (const char *)tag;
  if (strcmp(text, "!") == 0) return true;
  if (strncmp(text, prefix, sizeof prefix - 1) != 0) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(text + sizeof prefix - 1, names[i]) == 0) return true;
  return false;
}

/// The keys of a mapping are compared one by one: with the limit on nodes that is two million comparisons at most.
static bool has_key(const martlet_yaml *yaml, int32_t mapping, const martlet_yaml_node *key) {
  for (int32_t at = yaml->nodes[mapping].first; at >= 0;) {
    const martlet_yaml_node *other = &yaml->nodes[at];
    if (other != key && other->text_count == key->text_count &&
        memcmp(yaml->text + other->text, yaml->text + key->text, key->text_count) == 0)
      return true;
    at = other->next < 0 ? -1 : yaml->nodes[other->next].next;
  }
  return false;
}

static martlet_error add_scalar(yaml_reading *at, martlet_yaml_node *node, const yaml_event_t *event) {
  martlet_yaml *yaml = at->yaml;
  size_t count = event->data.scalar.length;
  if (count >= at->text_capacity - yaml->text_count) return yaml_fail(yaml, MARTLET_YAML_TOO_LARGE, event->start_mark);
  // Paths and names go to the system, which takes a zero as the end.
  if (memchr(event->data.scalar.value, 0, count) != NULL)
    return yaml_fail(yaml, MARTLET_YAML_ZERO_BYTE, event->start_mark);
  node->is_text = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->data.scalar.tag != NULL;
  node->text = yaml->text_count;
  node->text_count = (uint32_t)count;
  memcpy(yaml->text + yaml->text_count, event->data.scalar.value, count);
  yaml->text[yaml->text_count + count] = '\0';
  yaml->text_count += (uint32_t)count + 1;
  return 0;
}

static martlet_error add(yaml_reading *at, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag,
                         bool is_flow) {
  martlet_yaml *yaml = at->yaml;
  if (anchor != NULL) return yaml_fail(yaml, MARTLET_YAML_ANCHOR, event->start_mark);
  if (tag != NULL && !is_core_tag(tag)) return yaml_fail(yaml, MARTLET_YAML_TAG, event->start_mark);
  if (yaml->node_count == at->node_capacity) return yaml_fail(yaml, MARTLET_YAML_TOO_MANY_NODES, event->start_mark);
  int32_t index = (int32_t)yaml->node_count++;
  martlet_yaml_node *node = &yaml->nodes[index];
  *node = (martlet_yaml_node){.line = (uint32_t)event->start_mark.line + 1,
                              .column = (uint32_t)event->start_mark.column + 1,
                              .first = -1,
                              .next = -1};
  int is_scalar = event->type == YAML_SCALAR_EVENT;
  node->kind = is_scalar                                  ? MARTLET_YAML_SCALAR
               : event->type == YAML_SEQUENCE_START_EVENT ? MARTLET_YAML_SEQUENCE
                                                          : MARTLET_YAML_MAPPING;
  if (is_scalar) {
    martlet_error error = add_scalar(at, node, event);
    if (error != 0) return error;
  }
  if (at->depth > 0) {
    int32_t top = at->depth - 1, parent = at->open[top];
    int is_key = yaml->nodes[parent].kind == MARTLET_YAML_MAPPING && at->children[top] % 2 == 0;
    if (is_key && !is_scalar) return yaml_fail(yaml, MARTLET_YAML_KEY_NOT_TEXT, event->start_mark);
    if (is_key) node->is_duplicate = (uint8_t)has_key(yaml, parent, node);
    if (at->last[top] < 0) yaml->nodes[parent].first = index;
    else yaml->nodes[at->last[top]].next = index;
    at->last[top] = index;
    at->children[top]++;
  }
  if (is_scalar) return 0;
  if (at->depth == MARTLET_YAML_MAX_DEPTH) return yaml_fail(yaml, MARTLET_YAML_TOO_DEEP, event->start_mark);
  at->open[at->depth] = index;
  at->last[at->depth] = -1;
  at->is_flow[at->depth] = is_flow;
  at->children[at->depth++] = 0;
  return 0;
}

static martlet_error take(yaml_reading *at, const yaml_event_t *event) {
  switch (event->type) {
    case YAML_SCALAR_EVENT: return add(at, event, event->data.scalar.anchor, event->data.scalar.tag, false);
    case YAML_SEQUENCE_START_EVENT:
      return add(at, event, event->data.sequence_start.anchor, event->data.sequence_start.tag,
                 event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
    case YAML_MAPPING_START_EVENT:
      return add(at, event, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                 event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: at->depth--; return 0;
    case YAML_ALIAS_EVENT: return yaml_fail(at->yaml, MARTLET_YAML_ANCHOR, event->start_mark);
    case YAML_DOCUMENT_START_EVENT:
      if (at->yaml->node_count > 0) return yaml_fail(at->yaml, MARTLET_YAML_SECOND_DOCUMENT, event->start_mark);
      return 0;
    default: return 0;
  }
}

/// Reads the whole document into a table of its own. *lone_dash: see yaml_reading.
static martlet_error read_once(const char *bytes, size_t count, martlet_yaml *yaml, int64_t *lone_dash) {
  memset(yaml, 0, sizeof *yaml);
  yaml->line = yaml->column = 1;
  // A node takes a byte of the file at least (an empty value comes with its colon or comma), its text with the zero
  // behind it less than three times what it takes there.
  yaml_reading at = {.yaml = yaml,
                     .bytes = bytes,
                     .count = count,
                     .node_capacity = MARTLET_YAML_MAX_NODES,
                     .text_capacity = MARTLET_YAML_MAX_TEXT,
                     .lone_dash = -1};
  if (count * 2 + 16 < at.node_capacity) at.node_capacity = (uint32_t)count * 2 + 16;
  if (count * 4 + 64 < at.text_capacity) at.text_capacity = (uint32_t)count * 4 + 64;
  yaml->nodes = malloc(at.node_capacity * sizeof *yaml->nodes);
  yaml->text = malloc(at.text_capacity);
  yaml_parser_t parser;
  if (yaml->nodes == NULL || yaml->text == NULL || !yaml_parser_initialize(&parser)) return ENOMEM;
  yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, count);
  martlet_error error = 0;
  for (int is_over = 0; !is_over && error == 0;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&parser, &event)) {
      error = yaml_syntax(&parser, &at);
      break;
    }
    is_over = event.type == YAML_STREAM_END_EVENT;
    error = take(&at, &event);
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  *lone_dash = at.lone_dash;
  return error;
}

/// The bytes with the dash in quotes, in memory of their own.
static char *quote_dash(const char *bytes, size_t count, size_t dash) {
  char *copy = malloc(count + 2);
  if (copy == NULL) return NULL;
  memcpy(copy, bytes, dash);
  memcpy(copy + dash, "\"-\"", 3);
  memcpy(copy + dash + 3, bytes + dash + 1, count - dash - 1);
  return copy;
}

martlet_error martlet_yaml_read(const void *bytes, size_t count, martlet_yaml *yaml) {
  memset(yaml, 0, sizeof *yaml);
  yaml->line = yaml->column = 1;
  if (count > MARTLET_YAML_MAX_BYTES) return MARTLET_YAML_TOO_LARGE;
  // `file: -` is meant as a text, as it is in braces: read anew with quotes. (One key can have such a value.)
  char *quoted = NULL;
  martlet_error error;
  for (int tries = 0;; tries++) {
    int64_t dash;
    error = read_once(quoted != NULL ? quoted : bytes, count, yaml, &dash);
    if (error == 0 || dash < 0 || tries == 2) break;
    char *next = quote_dash(quoted != NULL ? quoted : bytes, count, (size_t)dash);
    free(quoted);
    quoted = next;
    martlet_yaml_free(yaml);
    if (next == NULL) return ENOMEM;
    count += 2;
  }
  free(quoted);
  return error;
}

void martlet_yaml_free(martlet_yaml *yaml) {
  free(yaml->nodes);
  free(yaml->text);
  yaml->nodes = NULL;
  yaml->text = NULL;
}

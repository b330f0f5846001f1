/// Options of a command, by getopt_long.
#ifndef MARTLET_OPTIONS_H
#define MARTLET_OPTIONS_H

#include <stdint.h>

/// A long option.
typedef struct martlet_option {
  const char *name;
  int32_t takes_value;
  /// What martlet_next_option returns for it, > 0.
  int32_t code;
} martlet_option;

enum {
  MARTLET_OPTIONS_END = -1,
  /// Not one of the options; `text` is what stood there.
  MARTLET_OPTION_UNKNOWN = -2,
  /// The option `text` takes a value and has none.
  MARTLET_OPTION_WITHOUT_VALUE = -3,
  /// The option `text` takes no value and has one.
  MARTLET_OPTION_WITH_VALUE = -4,
  /// An argument that is no option: `text`.
  MARTLET_ARGUMENT = -5
};

/// The next option or argument. Options may stand after arguments; after "--" all
/// are arguments. "--name value" and "--name=value" are the same; a unique beginning of a name will do.
int32_t martlet_next_option(
  int32_t argc, char *const *argv, const martlet_option *options, int32_t count, const char **text);
/// Starts anew at argv[first].
void martlet_options_start(int32_t first);

#endif

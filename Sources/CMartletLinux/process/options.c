#define _GNU_SOURCE
#include "martlet_process.h"

#include <getopt.h>
#include <string.h>

#define MAX_OPTIONS 31

void martlet_options_start(int32_t first) {
  optind = first;
  opterr = 0;
}

martlet_error martlet_next_option(int32_t argc, char *const *argv, const martlet_option *options, int32_t count,
                                  int32_t *code, const char **text) {
  struct option table[MAX_OPTIONS + 1];
  memset(table, 0, sizeof table);
  if (count > MAX_OPTIONS) count = MAX_OPTIONS;
  for (int32_t i = 0; i < count; i++) {
    table[i].name = options[i].name;
    table[i].has_arg = options[i].takes_value ? required_argument : no_argument;
    table[i].val = options[i].code;
  }
  int at = optind;
  // "-" : arguments come in their order, as option 1; ":" : a missing value is told from an unknown option.
  *code = getopt_long(argc, argv, "-:", table, NULL);
  *text = optarg;
  switch (*code) {
    case -1:
      // After "--" getopt stops; what is left are arguments.
      *code = optind < argc ? MARTLET_ARGUMENT : MARTLET_OPTIONS_END;
      if (optind < argc) *text = argv[optind++];
      return 0;
    case 1: *code = MARTLET_ARGUMENT; return 0;
    case ':': *text = argv[at < argc ? at : argc - 1]; return MARTLET_OPTION_WITHOUT_VALUE;
    case '?':
      *text = argv[at < argc ? at : argc - 1];
      // For a known option that may not have a value getopt leaves its code in optopt.
      return optopt != 0 && strncmp(*text, "--", 2) == 0 ? MARTLET_OPTION_WITH_VALUE : MARTLET_OPTION_UNKNOWN;
    default: return 0;
  }
}

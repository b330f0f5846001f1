// Reads lines as `martlet chat` does and says what it got, for Tests/System/terminal.
//
//   terminal_echo [CAPACITY]
//
// "wait" stands for an answer that takes long: it goes on until Ctrl-C.
#include "martlet_terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void answer(void) {
  martlet_interrupts_catch();
  printf("working\n");
  fflush(stdout);
  for (int tenths = 0; tenths < 100 && !martlet_interrupted(); tenths++) usleep(100000);
  printf(martlet_interrupted() ? "\nstopped\n" : "finished\n");
  martlet_interrupts_release();
}

int main(int argc, char **argv) {
  static char line[4096], history[64];
  size_t capacity = argc > 1 ? (size_t)atoi(argv[1]) : sizeof line;
  martlet_terminal terminal;
  martlet_terminal_open(&terminal, line, capacity, history, sizeof history);
  while (1) {
    martlet_error error = martlet_terminal_read(&terminal, "> ");
    if (error == MARTLET_LINE_END) break;
    if (error == MARTLET_LINE_TOO_LONG) {
      printf("too long\n");
      continue;
    }
    if (error != 0) return 74;
    if (terminal.length == 4 && memcmp(line, "wait", 4) == 0) {
      answer();
    } else if (terminal.length > 60) {
      printf("got %zu bytes\n", terminal.length);
    } else {
      printf("got [");
      for (size_t i = 0; i < terminal.length; i++) line[i] == '\n' ? printf("|") : putchar(line[i]);
      printf("]\n");
    }
    fflush(stdout);
  }
  printf("end\n");
  return 0;
}

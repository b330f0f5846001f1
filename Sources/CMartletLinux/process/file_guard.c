/// The last words of a process under which a mapped file shrinks.
#define _GNU_SOURCE
#include "martlet_files.h"
#include "martlet_process.h"
#include "martlet_terminal.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char *guarded_command = "martlet";

static void write_text(const char *text) { martlet_file_write_all(STDERR_FILENO, text, strlen(text)); }

/// Only what is safe in a signal handler.
static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)context;
  const char *path = info->si_code > 0 ? martlet_file_at(info->si_addr) : NULL;
  martlet_file_abandon();
  // A line may be read meanwhile: the next one at the shell must show what is typed.
  martlet_terminal_restore();
  if (path == NULL) {
    // No file: it ends the process as it always does.
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  write_text(guarded_command);
  write_text(": ");
  // Not on the stack of a thread that may have little.
  static char shown[MARTLET_VISIBLE_GROWTH * 1024];
  martlet_file_write_all(STDERR_FILENO, shown, martlet_visible(path, strnlen(path, 1024), false, shown));
  write_text(": the file shrank while it was in use; replace it by renaming a new file over it\n");
  _exit(EX_IOERR);
}

void martlet_file_guard(const char *command) {
  guarded_command = command;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, NULL);
}

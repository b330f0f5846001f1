#define _GNU_SOURCE
#include "terminal_internal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

// MARK: - Raw mode

static struct termios cooked, raw;
static volatile sig_atomic_t is_raw;
static volatile sig_atomic_t was_resized;
static volatile sig_atomic_t interrupted;
static const int ending_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
static struct sigaction before[sizeof ending_signals / sizeof ending_signals[0]], before_resize, before_continue,
    before_interrupt;

void martlet_terminal_restore(void) {
  if (!is_raw) return;
  is_raw = 0;
  static const char end_paste[] = "\x1b[?2004l";
  ssize_t ignored = write(STDOUT_FILENO, end_paste, sizeof end_paste - 1);
  (void)ignored;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
}

/// Ends the process as the signal would have, with the terminal in order.
static void on_end(int signal) {
  if (is_raw) martlet_draw_text("\r\n");
  martlet_terminal_restore();
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(signal, &action, NULL);
  raise(signal);
}

static void on_resize(int signal) {
  (void)signal;
  was_resized = 1;
}

/// Stopped from outside (kill -STOP) and continued: the shell has set the terminal as it likes it.
static void on_continue(int signal) {
  (void)signal;
  int error = errno;
  if (is_raw) tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  was_resized = 1;
  errno = error;
}

bool martlet_terminal_was_resized(void) {
  bool result = was_resized;
  was_resized = 0;
  return result;
}

void martlet_terminal_measure(martlet_terminal *terminal) {
  struct winsize size;
  int is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
  terminal->columns = is_known ? size.ws_col : 80;
  terminal->rows = is_known ? size.ws_row : 24;
}

martlet_error martlet_terminal_enter_raw(void) {
  if (tcgetattr(STDIN_FILENO, &cooked) < 0) return errno;
  raw = cooked;
  raw.c_iflag &= (tcflag_t) ~(BRKINT | ICRNL | INLCR | INPCK | ISTRIP | IXON);
  raw.c_lflag &= (tcflag_t) ~(ECHO | ICANON | IEXTEN | ISIG);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  struct sigaction action = {.sa_handler = on_end};
  for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++) {
    sigaction(ending_signals[i], &action, &before[i]);
    // What was ignored (nohup) stays so.
    if (before[i].sa_handler == SIG_IGN) sigaction(ending_signals[i], &before[i], NULL);
  }
  // Without SA_RESTART, so that reading wakes up.
  action.sa_handler = on_resize;
  sigaction(SIGWINCH, &action, &before_resize);
  action.sa_handler = on_continue;
  sigaction(SIGCONT, &action, &before_continue);
  is_raw = 1;
  if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0) {
    martlet_error error = errno;
    martlet_terminal_leave_raw();
    return error;
  }
  martlet_draw_text("\x1b[?2004h");
  return 0;
}

void martlet_terminal_leave_raw(void) {
  martlet_terminal_restore();
  for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++) {
    sigaction(ending_signals[i], &before[i], NULL);
  }
  sigaction(SIGWINCH, &before_resize, NULL);
  sigaction(SIGCONT, &before_continue, NULL);
}

// MARK: - Interrupts

static void on_interrupt(int signal) {
  (void)signal;
  interrupted = 1;
}

void martlet_interrupts_catch(void) {
  interrupted = 0;
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &action, &before_interrupt);
}

bool martlet_interrupted(void) { return interrupted; }

void martlet_interrupts_release(void) { sigaction(SIGINT, &before_interrupt, NULL); }

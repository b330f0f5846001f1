// A writer that a signal ends, and mapped files that shrink: what needs a process to die. Run by Tests/System/results.
#define _GNU_SOURCE
#include "martlet_files.h"
#include "martlet_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed;
static const char *folder;

static const char *in_folder(const char *name) {
  static char path[4][4096];
  static int turn;
  char *to = path[turn++ % 4];
  snprintf(to, sizeof path[0], "%s/%s", folder, name);
  return to;
}

static void miss(const char *what, int number) {
  printf("FAILED %s (%d)\n", what, number);
  failed = 1;
}

static void make(const char *name, size_t count) {
  int descriptor = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (descriptor < 0 || ftruncate(descriptor, (off_t)count) < 0) exit(99);
  close(descriptor);
}

/// The signal comes while the temporary file is there.
static void ended_by(int number) {
  make("ended", 7);
  pid_t child = fork();
  if (child == 0) {
    // Half a gigabyte, of the same page again and again.
    static char page[1 << 20];
    static martlet_file_part parts[512];
    for (int i = 0; i < 512; i++) parts[i] = (martlet_file_part){page, sizeof page};
    while (1) martlet_file_replace_parts(in_folder("ended"), parts, 512);
  }
  char part[64];
  snprintf(part, sizeof part, "ended.%d.part", (int)child);
  while (access(in_folder(part), F_OK) < 0) usleep(100);
  kill(child, number);
  int status;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != number) miss("a writer is not ended by its signal", number);
  if (access(in_folder(part), F_OK) == 0) miss("a writer that is ended leaves its temporary file", number);
  struct stat found;
  if (stat(in_folder("ended"), &found) < 0 || (found.st_size != 7 && found.st_size != 512 << 20))
    miss("a writer that is ended leaves half a file", number);
}

/// Who handles a signal himself, as `generate --session` does, goes on doing so.
static volatile sig_atomic_t came;
static void on_interrupt(int number) { came = number; }

static void handler_stays(void) {
  signal(SIGINT, on_interrupt);
  if (martlet_file_replace(in_folder("kept"), "x", 1) != 0) miss("a file cannot be written", 0);
  raise(SIGINT);
  if (came != SIGINT) miss("the handler of SIGINT is gone", 0);
}

/// Two mapped files; the first one shrinks, and is the one that is named.
static void shrinks(void) {
  static const char name[] = "a\033[31m";
  make(name, 1 << 20);
  make("b", 1 << 20);
  int ends[2];
  if (pipe(ends) < 0) exit(99);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    martlet_mapped_file first, second;
    martlet_file_guard("test");
    if (martlet_file_map_lazily(in_folder(name), &first) != 0) exit(98);
    if (martlet_file_map(in_folder("b"), &second) != 0) exit(98);
    make(name, 100);
    exit(((const volatile char *)first.bytes)[1 << 19]);
  }
  close(ends[1]);
  char text[8192] = "";
  size_t count = 0;
  for (ssize_t n; (n = read(ends[0], text + count, sizeof text - 1 - count)) > 0;) count += (size_t)n;
  int status;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 74) miss("a file that shrinks does not end in 74", status);
  if (strstr(text, "/a\\x1b[31m: the file shrank") == NULL) miss(text, 0);
}

int main(int argc, char **argv) {
  folder = argc > 1 ? argv[1] : ".";
  ended_by(SIGTERM);
  ended_by(SIGINT);
  ended_by(SIGHUP);
  handler_stays();
  shrinks();
  return failed;
}

/// Memory that is slow to read, as a processor's that does not cache it: each page that is entered takes a fault and
/// twenty microseconds, and only the last two are open.
#define _GNU_SOURCE
#include "driver_internal.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_AREAS = 32, OPEN_PAGES = 2, SLOW_NS = 20000 };

static struct {
  struct {
    uint8_t *bytes, *mapped;
    size_t count;
  } areas[MAX_AREAS];
  int area_count;
  uint8_t *open[OPEN_PAGES];
  int next;
  size_t page;
  volatile int64_t entered;
  struct sigaction before;
} slow;

static void enter(int signal, siginfo_t *info, void *context) {
  (void)context;
  uint8_t *address = info->si_addr;
  for (int i = 0; i < slow.area_count; i++) {
    if (address < slow.areas[i].mapped || address >= slow.areas[i].mapped + slow.areas[i].count) continue;
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
      clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < SLOW_NS);
    if (slow.open[slow.next] != NULL) mprotect(slow.open[slow.next], slow.page, PROT_NONE);
    slow.open[slow.next] = (uint8_t *)((uintptr_t)address & ~(slow.page - 1));
    mprotect(slow.open[slow.next], slow.page, PROT_READ | PROT_WRITE);
    slow.next = (slow.next + 1) % OPEN_PAGES;
    slow.entered++;
    return;
  }
  // A fault of somebody else's.
  sigaction(signal, &slow.before, NULL);
}

void driver_make_slow(size_t count, uint8_t **bytes, uint8_t **mapped) {
  if (slow.area_count == 0) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = enter;
    action.sa_flags = SA_SIGINFO;
    slow.page = (size_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGSEGV, &action, &slow.before);
  }
  count = (count + slow.page - 1) / slow.page * slow.page;
  int memory = memfd_create("slow", MFD_CLOEXEC);
  if (slow.area_count == MAX_AREAS || memory < 0 || ftruncate(memory, (off_t)count) != 0) return;
  *bytes = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  *mapped = mmap(NULL, count, PROT_NONE, MAP_SHARED, memory, 0);
  close(memory);
  slow.areas[slow.area_count].bytes = *bytes;
  slow.areas[slow.area_count].mapped = *mapped;
  slow.areas[slow.area_count++].count = count;
}

void driver_end_slow(void) {
  if (slow.area_count > 0) sigaction(SIGSEGV, &slow.before, NULL);
  for (int i = 0; i < slow.area_count; i++) {
    munmap(slow.areas[i].bytes, slow.areas[i].count);
    munmap(slow.areas[i].mapped, slow.areas[i].count);
  }
  memset(&slow, 0, sizeof slow);
}

int64_t driver_pages_entered(void) { return slow.entered; }

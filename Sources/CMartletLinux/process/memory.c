#define _GNU_SOURCE
#include "martlet_process.h"

#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *martlet_reserve_memory(size_t bytes) {
  void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address == MAP_FAILED ? NULL : address;
}

void martlet_release_memory(void *address, size_t bytes) { munmap(address, bytes); }

/// The number behind a key in /proc/self/status; 0 if it does not say.
static uint64_t status_number(const char *key) {
  char text[4096];
  int descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  ssize_t count = read(descriptor, text, sizeof text - 1);
  close(descriptor);
  if (count <= 0) return 0;
  text[count] = '\0';
  const char *line = strstr(text, key);
  return line == NULL ? 0 : strtoull(line + strlen(key), NULL, 10);
}

uint64_t martlet_resident_bytes(void) { return status_number("VmRSS:") * 1024; }

/// getrusage's maximum survives exec, so that it may be that of the program that started us; VmHWM is our own.
uint64_t martlet_peak_resident_bytes(void) { return status_number("VmHWM:") * 1024; }

static int forget_segments(struct dl_phdr_info *object, size_t size, void *context) {
  (void)size, (void)context;
  // The list lies in the first of the segments: reading on in it would bring that back.
  ElfW(Phdr) segments[16];
  size_t count = object->dlpi_phnum < 16 ? object->dlpi_phnum : 16;
  memcpy(segments, object->dlpi_phdr, count * sizeof *segments);
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < count; i++) {
    if (segments[i].p_type != PT_LOAD || (segments[i].p_flags & PF_W) != 0) continue;
    uintptr_t start = object->dlpi_addr + segments[i].p_vaddr, first = start & ~(page - 1);
    madvise((void *)first, (start - first + segments[i].p_memsz + page - 1) & ~(page - 1), MADV_DONTNEED);
  }
  return 0;
}

void martlet_forget_start(void) {
  // A debugger's breakpoints are pages that differ from the file.
  if (status_number("TracerPid:") == 0) dl_iterate_phdr(forget_segments, NULL);
}

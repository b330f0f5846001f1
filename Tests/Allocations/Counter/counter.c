#define _GNU_SOURCE
#include "martlet_allocations.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { MALLOC, CALLOC, REALLOC, ALIGNED_ALLOC, POSIX_MEMALIGN, MEMALIGN, FREE, MMAP, BRK, SBRK };
static const char *const names[MARTLET_COUNTERS] = {"malloc",   "calloc", "realloc", "aligned_alloc", "posix_memalign",
                                                    "memalign", "free",   "mmap",    "brk",           "sbrk"};
static _Atomic int64_t counts[MARTLET_COUNTERS];
static atomic_int counting;

static void note(enum kind kind) {
  if (atomic_load_explicit(&counting, memory_order_relaxed)) atomic_fetch_add(&counts[kind], 1);
}

// glibc's own names for what is replaced here.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);
extern void *__sbrk(intptr_t);

void *malloc(size_t bytes) { return note(MALLOC), __libc_malloc(bytes); }
void *calloc(size_t count, size_t bytes) { return note(CALLOC), __libc_calloc(count, bytes); }
void *realloc(void *memory, size_t bytes) { return note(REALLOC), __libc_realloc(memory, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) { return note(ALIGNED_ALLOC), __libc_memalign(alignment, bytes); }
void *memalign(size_t alignment, size_t bytes) { return note(MEMALIGN), __libc_memalign(alignment, bytes); }
void free(void *memory) {
  // free(NULL) does nothing.
  if (memory != NULL) note(FREE);
  __libc_free(memory);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  note(POSIX_MEMALIGN);
  *memory = __libc_memalign(alignment, bytes);
  return *memory == NULL ? ENOMEM : 0;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int descriptor, off_t offset) {
  note(MMAP);
  return (void *)syscall(SYS_mmap, address, bytes, protection, flags, descriptor, offset);
}

void *mmap64(void *address, size_t bytes, int protection, int flags, int descriptor, off_t offset) {
  return mmap(address, bytes, protection, flags, descriptor, offset);
}

void *sbrk(intptr_t increment) { return note(SBRK), __sbrk(increment); }

int brk(void *address) {
  note(BRK);
  return (void *)syscall(SYS_brk, address) < address ? -1 : 0;
}

void martlet_counting_begin(void) {
  for (int i = 0; i < MARTLET_COUNTERS; i++) atomic_store(&counts[i], 0);
  atomic_store(&counting, 1);
}

int64_t martlet_counting_end(void) {
  atomic_store(&counting, 0);
  int64_t sum = 0;
  for (int i = 0; i < MARTLET_COUNTERS; i++) sum += atomic_load(&counts[i]);
  return sum;
}

const char *martlet_counter_name(int32_t index) { return names[index]; }
int64_t martlet_counter(int32_t index) { return atomic_load(&counts[index]); }

void martlet_canary_in_libc(void) {
  char *copy = strdup("canary");
  // The compiler must not see that nobody needs the copy.
  __asm__ volatile("" : : "r"(copy) : "memory");
  free(copy);
}

void martlet_canary_map(void) {
  void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  __asm__ volatile("" : : "r"(page) : "memory");
  munmap(page, 4096);
}

// MARK: - Scratch files

const char *martlet_scratch_folder(void) {
  static char folder[] = "/tmp/martlet-allocations-XXXXXX";
  return mkdtemp(folder);
}

void martlet_scratch_remove(const char *folder) {
  DIR *open = opendir(folder);
  for (struct dirent *entry = open != NULL ? readdir(open) : NULL; entry != NULL; entry = readdir(open)) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    unlink(path);
  }
  if (open != NULL) closedir(open);
  rmdir(folder);
}

const char *martlet_scratch_absolute(const char *path) {
  static char found[2][PATH_MAX];
  static int next;
  return realpath(path, found[next++ % 2]);
}

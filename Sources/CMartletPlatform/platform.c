#define _GNU_SOURCE
#include "martlet_platform.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void martlet_futex_wait(const uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void martlet_futex_wake(const uint32_t *word, int32_t count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void *thread_main(void *argument) {
  martlet_thread *thread = argument;
  thread->body(thread->context);
  return NULL;
}

int martlet_thread_start(martlet_thread *thread, martlet_thread_body body, void *context, int32_t core) {
  thread->body = body;
  thread->context = context;
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error) return error;
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t handle;
  error = pthread_create(&handle, &attributes, thread_main, thread);
  pthread_attr_destroy(&attributes);
  if (error) return error;
  thread->handle = (uint64_t)handle;
  if (core >= 0 && core < CPU_SETSIZE) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(handle, sizeof set, &set);
  }
  return 0;
}

void martlet_thread_join(martlet_thread *thread) { pthread_join((pthread_t)thread->handle, NULL); }

void martlet_thread_detach(martlet_thread *thread) { pthread_detach((pthread_t)thread->handle); }

void martlet_thread_set_name(const char *name) { prctl(PR_SET_NAME, name); }

int32_t martlet_thread_id(void) { return (int32_t)syscall(SYS_gettid); }

static uint64_t clock_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t martlet_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t martlet_cpu_time_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

/// Where an arena begins decides which of its lines share a place in a cache, with one another and with the weights:
/// always the same ones, whatever else is mapped. Weights begin at a multiple, an arena a page behind one.
enum { ALIGNMENT = 65536 };

static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

void *martlet_map_memory(size_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  size_t page = getauxval(AT_PAGESZ), reserved = aligned(bytes + page);
  char *address = mmap(NULL, reserved + ALIGNMENT, PROT_NONE, flags, -1, 0);
  if (address == MAP_FAILED) return NULL;
  char *start = (char *)aligned((size_t)address), *end = start + reserved;
  // What lies around it goes back. Behind its last page it stays reserved, and has no memory.
  if (start > address) munmap(address, (size_t)(start - address));
  if (address + ALIGNMENT > start) munmap(end, (size_t)(address + ALIGNMENT - start));
  void *mapped = mmap(start + page, bytes, PROT_READ | PROT_WRITE, flags | MAP_POPULATE | MAP_FIXED, -1, 0);
  if (mapped != MAP_FAILED) return mapped;
  munmap(start, reserved);
  return NULL;
}

void martlet_unmap_memory(void *address, size_t bytes) {
  size_t page = getauxval(AT_PAGESZ);
  munmap((char *)address - page, aligned(bytes + page));
}

const char *martlet_environment(const char *name) { return getenv(name); }

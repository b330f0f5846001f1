/// What core and device need of libc: threads, futex, clock, memory maps, atomics. Nothing here allocates from the
/// heap.
#ifndef MARTLET_PLATFORM_H
#define MARTLET_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

// MARK: - Atomics on words in caller-owned memory (Embedded Swift cannot hand out an Atomic's address)

static inline uint32_t martlet_load_acquire(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void martlet_store_release(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
/// Adds and returns the value before.
static inline uint32_t martlet_fetch_add(uint32_t *word, uint32_t value) {
  return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}
/// Subtracts and returns the value before.
static inline uint32_t martlet_fetch_sub(uint32_t *word, uint32_t value) {
  return __atomic_fetch_sub(word, value, __ATOMIC_SEQ_CST);
}
/// Replaces `expected` by `desired`; whether it did.
static inline _Bool martlet_compare_exchange(uint32_t *word, uint32_t expected, uint32_t desired) {
  return __atomic_compare_exchange_n(word, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
static inline uint32_t martlet_exchange(uint32_t *word, uint32_t value) {
  return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}
static inline uint32_t martlet_load_sequential(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline uint64_t martlet_load_acquire_64(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void martlet_store_release_64(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
static inline _Bool martlet_compare_exchange_64(uint64_t *word, uint64_t expected, uint64_t desired) {
  return __atomic_compare_exchange_n(word, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}
/// Some tens of cycles inside a spin. On arm64 `yield` takes next to none, so a spin counted in pauses would be over at
/// once; `isb` waits until the pipeline is empty.
static inline void martlet_spin_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

// MARK: - Futex

/// Sleeps while *word == expected. May wake without a reason.
void martlet_futex_wait(const uint32_t *word, uint32_t expected);
/// Wakes at most `count` sleepers.
void martlet_futex_wake(const uint32_t *word, int32_t count);

// MARK: - Threads

typedef void (*martlet_thread_body)(void *context);
/// A thread in caller-owned memory.
typedef struct martlet_thread {
  uint64_t handle;
  martlet_thread_body body;
  void *context;
} martlet_thread;
/// Starts a thread; 0 or an errno value. `core` >= 0 pins it to that processor.
int martlet_thread_start(martlet_thread *thread, martlet_thread_body body, void *context, int32_t core);
void martlet_thread_join(martlet_thread *thread);
/// Nobody will join it: what it uses must stay.
void martlet_thread_detach(martlet_thread *thread);
/// Names the calling thread for whoever looks at the process; at most 15 bytes count.
void martlet_thread_set_name(const char *name);
/// The calling thread's number, as /proc/self/task has it.
int32_t martlet_thread_id(void);

// MARK: - Clocks

/// Nanoseconds of CLOCK_MONOTONIC.
uint64_t martlet_now_ns(void);
/// Nanoseconds of processor time of the whole process.
uint64_t martlet_cpu_time_ns(void);

// MARK: - Memory

/// `bytes` of zeroed, page-aligned, already-faulted-in memory from the system, or NULL.
void *martlet_map_memory(size_t bytes);
void martlet_unmap_memory(void *address, size_t bytes);

// MARK: - Environment

/// The value of an environment variable, or NULL.
const char *martlet_environment(const char *name);

#endif

// Streaming read bandwidth: THREADS threads add up 256 MB in turns of 8 passes, which no cache holds; prints the median
// in GB/s (10^9 bytes). What a decoder that reads every weight once a token can reach at most.
//
//   cc -O3 -march=native -pthread read_bandwidth.c -o read_bandwidth && ./read_bandwidth THREADS
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { words = 256 << 17, passes = 8, most = 64 };

static uint64_t *memory;
static int threads;
static volatile uint64_t sums[most];
static pthread_barrier_t barrier;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void read_share(long number) {
  const uint64_t *first = memory + (size_t)words / (size_t)threads * (size_t)number;
  const size_t count = (size_t)words / (size_t)threads;
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += first[i];
  sums[number] = sum;
}

static void *reader(void *argument) {
  for (int pass = 0; pass < passes; pass++) {
    pthread_barrier_wait(&barrier);
    read_share((long)argument);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  threads = argc > 1 ? atoi(argv[1]) : 1;
  if (threads < 1 || threads > most) return 64;
  memory = aligned_alloc(1 << 21, (size_t)words * 8);
  if (!memory) return 71;
  memset(memory, 1, (size_t)words * 8);
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  pthread_t team[most];
  for (long i = 1; i < threads; i++) pthread_create(&team[i], NULL, reader, (void *)i);
  double rates[passes];
  for (int pass = 0; pass < passes; pass++) {
    // Whoever looks at the clock is one of the readers: beside as many as there are processors, it would look too late.
    const double begin = now();
    pthread_barrier_wait(&barrier);
    read_share(0);
    pthread_barrier_wait(&barrier);
    rates[pass] = (double)words * 8 / (now() - begin) / 1e9;
  }
  for (int i = 1; i < threads; i++) pthread_join(team[i], NULL);
  qsort(rates, passes, sizeof *rates, ascending);
  printf("%.3f\n", (rates[passes / 2 - 1] + rates[passes / 2]) / 2);
  return 0;
}

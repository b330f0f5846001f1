/// A plugin of QEMU's user-mode emulation that counts what an arm64 program does: instructions, loads, stores, misses
/// of a simulated cache, and how often each block of code ran.
///
///     qemu-aarch64 -plugin count.so,out=FILE[,cache=1][,inferences=N] PROGRAM ...
///
/// An inference is what lies between two readings of the monotonic clock. Those count that lie between two readings of
/// the process's own time, if there are N of them, as in `martlet bench --runs N` (and in litert_run.py); the first
/// warms the simulated cache and is left out. FILE, a line each:
///
///     total INSTRUCTIONS                                           of the whole process, all threads
///     inference INSTRUCTIONS LOADS STORES L1 L2 READ WRITTEN       misses and bytes: 0 without the cache
///     block ADDRESS COUNT LOADS STORES CODE                        ran COUNT times in all these inferences
///
/// Without `inferences`, `inference` and `block` lines are of the whole process, for a difference of two of them.
/// ADDRESS and CODE are hexadecimal. Instructions that load or store are counted, not accesses: a pair of registers is
/// one load. It is made for one thread: with several, the counters lose additions.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "instruction.h"
#include "qemu_plugin.h"

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = 1;

enum { CLOCK_GETTIME = 113, MONOTONIC = 1, PROCESS_TIME = 2, BUCKETS = 1 << 16, INFERENCES = 1 << 17 };

typedef struct block {
  struct block *next, *older;  // in its bucket; made before it
  uint64_t address, executed, before, inside;
  uint32_t instructions, loads, stores;
  uint32_t code[];
} block;

typedef struct {
  uint64_t instructions, loads, stores, l1_misses, l2_misses, read, written;
} figures;

static char path[4096];
static block *buckets[BUCKETS], *newest;
static cache simulated;
static bool simulates;
static enum { BEFORE, BETWEEN, AFTER } phase;  // of the readings of the process's time
static bool is_inside;                         // of an inference
static uint64_t read_bytes, written_bytes;
static figures inferences[INFERENCES], current;
static size_t inference_count, wanted_count;

static void accessed(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *unused) {
  (void)cpu, (void)unused;
  if (phase != BETWEEN) return;
  uint64_t bytes = UINT64_C(1) << qemu_plugin_mem_size_shift(info);
  if (qemu_plugin_mem_is_store(info)) {
    written_bytes += bytes;
  } else {
    read_bytes += bytes;
  }
  cache_access(&simulated, address, bytes);
}

/// The block's record: a new one, or that of an earlier translation of the same code.
static block *record(const struct qemu_plugin_tb *translated) {
  uint64_t address = qemu_plugin_tb_vaddr(translated);
  size_t count = qemu_plugin_tb_n_insns(translated);
  block **bucket = &buckets[(address >> 2) % BUCKETS];
  for (block *b = *bucket; b; b = b->next) {
    if (b->address != address || b->instructions != count) continue;
    size_t same = 0;
    while (same < count && !memcmp(&b->code[same], qemu_plugin_insn_data(qemu_plugin_tb_get_insn(translated, same)), 4))
      same++;
    if (same == count) return b;
  }
  block *made = calloc(1, sizeof *made + count * sizeof made->code[0]);
  if (!made) abort();
  made->address = address;
  made->instructions = (uint32_t)count;
  for (size_t i = 0; i < count; i++) {
    memcpy(&made->code[i], qemu_plugin_insn_data(qemu_plugin_tb_get_insn(translated, i)), 4);
    memory_use use = instruction_memory_use(made->code[i]);
    made->loads += use.loads;
    made->stores += use.stores;
  }
  made->next = *bucket;
  made->older = newest;
  *bucket = newest = made;
  return made;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  block *b = record(tb);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->executed, 1);
  for (size_t i = 0; simulates && i < b->instructions; i++) {
    memory_use use = instruction_memory_use(b->code[i]);
    if (!use.loads && !use.stores) continue;
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
    qemu_plugin_register_vcpu_mem_cb(instruction, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
  }
}

static void begin(void) {
  for (block *b = newest; b; b = b->older) b->before = b->executed;
  current = (figures){.l1_misses = simulated.l1_misses,
                      .l2_misses = simulated.l2_misses,
                      .read = read_bytes,
                      .written = written_bytes};
}

static void end(void) {
  for (block *b = newest; b; b = b->older) {
    uint64_t times = b->executed - b->before;
    current.instructions += times * b->instructions;
    current.loads += times * b->loads;
    current.stores += times * b->stores;
    if (inference_count > 0) b->inside += times;
  }
  current.l1_misses = simulated.l1_misses - current.l1_misses;
  current.l2_misses = simulated.l2_misses - current.l2_misses;
  current.read = read_bytes - current.read;
  current.written = written_bytes - current.written;
  if (inference_count < INFERENCES) inferences[inference_count] = current;
  inference_count++;
}

/// The whole process as one inference.
static void end_process(void) {
  inferences[1] = (figures){.l1_misses = simulated.l1_misses,
                            .l2_misses = simulated.l2_misses,
                            .read = read_bytes,
                            .written = written_bytes};
  for (block *b = newest; b; b = b->older) {
    inferences[1].instructions += b->executed * b->instructions;
    inferences[1].loads += b->executed * b->loads;
    inferences[1].stores += b->executed * b->stores;
    b->inside = b->executed;
  }
  inference_count = 2;
  phase = AFTER;
}

/// The process's time is read: these were the inferences, or they may follow.
static void restart(void) {
  if (phase == BETWEEN && inference_count == wanted_count) {
    phase = AFTER;
    return;
  }
  phase = BETWEEN;
  is_inside = false;
  inference_count = 0;
  for (block *b = newest; b; b = b->older) b->inside = 0;
}

static void called(qemu_plugin_id_t id, unsigned cpu, int64_t number, uint64_t clock, uint64_t a2, uint64_t a3,
                   uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (number != CLOCK_GETTIME || phase == AFTER) return;
  if (clock == PROCESS_TIME) restart();
  if (clock != MONOTONIC || phase != BETWEEN) return;
  if (is_inside) {
    end();
  } else {
    begin();
  }
  is_inside = !is_inside;
}

static void ended(qemu_plugin_id_t id, void *unused) {
  (void)id, (void)unused;
  FILE *file = fopen(path, "w");
  if (!file) return;
  if (!wanted_count) end_process();
  uint64_t total = 0;
  for (block *b = newest; b; b = b->older) total += b->executed * b->instructions;
  fprintf(file, "total %" PRIu64 "\n", total);
  for (size_t i = 1; phase == AFTER && i < inference_count; i++) {
    figures f = inferences[i];
    fprintf(file, "inference %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
            f.instructions, f.loads, f.stores, f.l1_misses, f.l2_misses, f.read, f.written);
  }
  for (block *b = newest; b; b = b->older) {
    if (phase != AFTER || !b->inside) continue;
    fprintf(file, "block %" PRIx64 " %" PRIu64 " %" PRIu32 " %" PRIu32 " ", b->address, b->inside, b->loads, b->stores);
    for (uint32_t i = 0; i < b->instructions; i++) fprintf(file, "%08" PRIx32, b->code[i]);
    fputc('\n', file);
  }
  fclose(file);
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count, char **arguments) {
  (void)info;
  for (int i = 0; i < count; i++) {
    if (!strncmp(arguments[i], "out=", 4) && strlen(arguments[i] + 4) < sizeof path) {
      strcpy(path, arguments[i] + 4);
    } else if (!strncmp(arguments[i], "cache=", 6)) {
      simulates = !strcmp(arguments[i] + 6, "1");
    } else if (!strncmp(arguments[i], "inferences=", 11)) {
      wanted_count = strtoul(arguments[i] + 11, NULL, 10);
      // Two pairs of readings are common elsewhere.
      if (wanted_count < 3 || wanted_count > INFERENCES) return 1;
    } else {
      return 1;
    }
  }
  if (!path[0]) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  if (wanted_count) {
    qemu_plugin_register_vcpu_syscall_cb(id, called);
  } else {
    phase = BETWEEN;
  }
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}

#define _GNU_SOURCE
#include "internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// MARK: - Memory between unreadable pages

#define PAGE ((size_t)4096)
/// Unreadable on either side: further than any stride that a mistake may lead along; on arm64, where an emulator keeps
/// a record of each page, further than a vector.
#if defined(__x86_64__)
#define FENCE ((size_t)16 << 30)
#else
#define FENCE ((size_t)64 << 10)
#endif
/// Beyond this only the ends are filled, and only pages that somebody has touched are looked at.
#define FILLED ((size_t)1 << 20)

typedef struct fenced {
  uint8_t *map, *start;
  size_t map_bytes, bytes;
} fenced;

/// `bytes` that start at a multiple of 64. They end (but for less than 64 bytes) at an unreadable page, or start behind
/// one.
static fenced fence(size_t bytes, bool at_end) {
  fenced f = {.bytes = bytes};
  size_t body = ((bytes + 63) & ~(size_t)63), pages = (body + PAGE - 1) / PAGE * PAGE;
  f.map_bytes = pages + 2 * FENCE;
  f.map = mmap(NULL, f.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (f.map == MAP_FAILED || (pages && mprotect(f.map + FENCE, pages, PROT_READ | PROT_WRITE) != 0)) {
    perror("fence");
    exit(70);
  }
  f.start = f.map + FENCE + (at_end ? pages - body : 0);
  return f;
}

static void unfence(fenced f) { munmap(f.map, f.map_bytes); }

static void fill_part(uint8_t *at, size_t bytes, dice d, int32_t kind) {
  int8_t one = (int8_t)operator_bits(&d);
  for (size_t i = 0; i < bytes; i++) {
    uint64_t bits = operator_bits(&d);
    at[i] = (uint8_t)(kind == 0 ? one : kind == 1 ? (bits & 256 ? -128 : 127) : (int8_t)bits);
  }
}

static void fill(fenced f, dice d) {
  int32_t kind = (int32_t)operator_in(&d, 0, 5);
  if (f.bytes <= FILLED) return fill_part(f.start, f.bytes, d, kind);
  fill_part(f.start, FILLED / 2, d, kind);
  fill_part(f.start + f.bytes - FILLED / 2, FILLED / 2, d, kind);
}

/// A convolution's weights as they must be: each segment is padded to whole quads with the weights' zero point. Where
/// they are not filled they are zero, and so is that.
static void pad_segments(const martlet_conv2d_params *p, fenced f) {
  bool whole = p->groups == 1 && p->dilation_w == 1 && p->input_step_w == 1;
  int64_t segments = (int64_t)p->kernel_h * (whole ? 1 : p->kernel_w);
  int64_t bytes = whole ? (int64_t)p->kernel_w * p->in_c : p->in_c / p->groups, quads = (bytes + 3) / 4;
  size_t panel = sizeof(martlet_channels) + (size_t)(segments * quads * 64);
  if (bytes % 4 == 0) return;
  for (size_t start = 0; start < f.bytes; start += panel) {
    for (int64_t segment = 0; segment < segments; segment++) {
      uint8_t *quad = f.start + start + sizeof(martlet_channels) + ((segment + 1) * quads - 1) * 64;
      bool is_filled = f.bytes <= FILLED || quad < f.start + FILLED / 2 || quad + 64 > f.start + f.bytes - FILLED / 2;
      for (int32_t i = 0; is_filled && i < 64; i++)
        if (i % 4 >= bytes % 4) quad[i] = (uint8_t)p->weight_zero_point;
    }
  }
}

/// FNV-1a over the places and bytes of what was written over `before`, page by page.
static uint64_t hash_of(fenced f, uint8_t before, uint64_t hash) {
  size_t pages = (f.map_bytes - 2 * FENCE) / PAGE;
  unsigned char *touched = calloc(pages + 1, 1);
  if (pages && mincore(f.map + FENCE, pages * PAGE, touched) != 0) memset(touched, 1, pages);
  for (size_t page = 0; page < pages; page++) {
    if (!(touched[page] & 1)) continue;
    const uint8_t *at = f.map + FENCE + PAGE * page;
    for (size_t i = 0; i < PAGE; i++) {
      if (at[i] == before || at + i < f.start || at + i >= f.start + f.bytes) continue;
      hash = (hash ^ (uint64_t)(at + i - f.start)) * 0x100000001B3;
      hash = (hash ^ at[i]) * 0x100000001B3;
    }
  }
  free(touched);
  return hash;
}

/// The slack up to the next multiple of 64 is nobody's to write.
static bool slack_is(fenced f, uint8_t value) {
  for (size_t i = f.bytes; i % 64 != 0; i++)
    if (f.start[i] != value) return false;
  return true;
}

static void set_slack(fenced f, uint8_t value) {
  for (size_t i = f.bytes; i % 64 != 0; i++) f.start[i] = value;
}

// MARK: - The operators

/// In multiply-adds: what is run whole, what one unit may cost, and what one may cost now and then.
#define WHOLE ((int64_t)1 << 19)
#define ONE_UNIT ((int64_t)1 << 21)
#define RARE_UNIT ((int64_t)1 << 25)

typedef struct runner {
  const martlet_operator_case *c;
  operator_parameters parameters;
  /// What kernels take: the parameters, or the plan.
  const void *bound;
  martlet_workload work;
  fenced memory[MARTLET_OPERAND_COUNT], scratch, plan;
  bool in_place, whole;
  int32_t picked[3];
} runner;

static void choose_units(runner *r, dice *d) {
  r->whole = r->work.units * r->work.unit_work <= WHOLE;
  r->picked[0] = 0;
  r->picked[1] = r->work.units - 1;
  r->picked[2] = (int32_t)operator_in(d, 0, r->work.units - 1);
  if (r->work.unit_work > ONE_UNIT) r->picked[0] = r->picked[1] = r->picked[operator_in(d, 1, 2)];
  if (r->work.unit_work > ONE_UNIT) r->picked[2] = r->picked[0];
}

/// In another order on each instruction set: no unit may depend on another one.
static void run_units(const runner *r, martlet_kernel kernel, const martlet_buffers *buffers, bool backwards) {
  void *scratch = r->scratch.start;
  if (r->whole && backwards) {
    for (int32_t unit = r->work.units - 1; unit >= 0; unit--) kernel(r->bound, buffers, unit, unit + 1, scratch);
    return;
  }
  if (r->whole) return kernel(r->bound, buffers, 0, r->work.units, scratch);
  for (int32_t i = 0; i < 3; i++) {
    // In place an operator may see each element once only.
    bool again = false;
    for (int32_t j = 0; j < i; j++) again = again || r->picked[j] == r->picked[i];
    if (!again) kernel(r->bound, buffers, r->picked[i], r->picked[i] + 1, scratch);
  }
}

/// One instruction set: fresh inputs, other bytes in all slack and in scratch, the hash of what the output holds.
static const char *run_isa(runner *r, const martlet_kernel_table *table, uint8_t noise, uint64_t *hash) {
  martlet_buffers buffers = {0};
  const martlet_operator_case *c = r->c;
  for (int32_t i = 0; i < MARTLET_OPERAND_COUNT; i++) {
    if (c->operands[i].bytes < 0) continue;
    bool is_written = i == MARTLET_OUTPUT || (i == MARTLET_INPUT_0 && r->in_place);
    if (is_written && r->memory[i].bytes <= FILLED) memset(r->memory[i].start, 0, r->memory[i].bytes);
    else if (is_written) madvise(r->memory[i].map + FENCE, r->memory[i].map_bytes - 2 * FENCE, MADV_DONTNEED);
    if (i != MARTLET_OUTPUT) fill(r->memory[i], (dice){c->seed ^ (uint64_t)i << 60});
    if (i == MARTLET_CONSTANT && c->opcode == MARTLET_OPCODE_CONV2D) pad_segments(&r->parameters.conv2d, r->memory[i]);
    set_slack(r->memory[i], noise);
  }
  fill_part(r->scratch.start, r->scratch.bytes < FILLED ? r->scratch.bytes : FILLED, (dice){noise}, 2);
  set_slack(r->scratch, noise);
  buffers.input[0] = c->operands[MARTLET_INPUT_0].bytes < 0 ? NULL : r->memory[MARTLET_INPUT_0].start;
  buffers.input[1] = c->operands[MARTLET_INPUT_1].bytes < 0 ? NULL : r->memory[MARTLET_INPUT_1].start;
  buffers.weights = c->operands[MARTLET_CONSTANT].bytes < 0 ? NULL : r->memory[MARTLET_CONSTANT].start;
  fenced out = r->in_place ? r->memory[MARTLET_INPUT_0] : r->memory[MARTLET_OUTPUT];
  buffers.output = out.start;
  martlet_kernel kernel;
  memcpy(&kernel, (const char *)table + martlet_operator_of(c->opcode)->kernel_offset, sizeof kernel);
  run_units(r, kernel, &buffers, noise & 1);
  *hash = hash_of(out, 0, 0xCBF29CE484222325);
  if (!slack_is(out, noise)) return "bytes behind the output were written";
  if (!slack_is(r->scratch, noise)) return "bytes behind the scratch were written";
  return NULL;
}

martlet_operator_run martlet_operator_case_run(const martlet_operator_case *c) {
  martlet_operator_run result = {0};
  runner r = {.c = c};
  dice d = {~c->seed};
  memcpy(&r.parameters, c->parameters, sizeof r.parameters);
  const martlet_operator *row = martlet_operator_of(c->opcode);
  r.work = row->workload(&r.parameters);
  if (r.work.scratch_bytes > LIMIT_SCRATCH) result.fault = "asks for more scratch than the limit";
  if ((double)r.work.units * (double)r.work.unit_work > LIMIT_WORK) result.fault = "asks for more work than the limit";
  if (result.fault) return result;
  bool rare = one_in(&d, 16);
  if (r.work.unit_work > (rare ? RARE_UNIT : ONE_UNIT)) return result;
  const martlet_operand *in = &c->operands[MARTLET_INPUT_0], *out = &c->operands[MARTLET_OUTPUT];
  r.in_place = in->bytes >= 0 && in->offset == out->offset && in->storage == out->storage;
  choose_units(&r, &d);
  bool at_end = !one_in(&d, 3);
  for (int32_t i = 0; i < MARTLET_OPERAND_COUNT; i++)
    if (c->operands[i].bytes >= 0) r.memory[i] = fence((size_t)c->operands[i].bytes, at_end);
  r.scratch = fence(r.work.scratch_bytes, at_end);
  r.plan = fence(row->plan_bytes, at_end);
  r.bound = martlet_operator_bind(row, &r.parameters, r.plan.start);
  for (int32_t isa = 0; isa < MARTLET_ISA_COUNT && !result.fault; isa++) {
    const martlet_kernel_table *table = martlet_kernels_for((martlet_isa)isa);
    uint64_t hash = 0;
    if (!table) continue;
    result.fault = run_isa(&r, table, (uint8_t)(0x5A + 37 * isa), &hash);
    if (isa == 0) result.hash = hash;
    else if (hash != result.hash && !result.fault) result.fault = table->name;
  }
  result.units = r.whole ? r.work.units : 3;
  for (int32_t i = 0; i < MARTLET_OPERAND_COUNT; i++)
    if (c->operands[i].bytes >= 0) unfence(r.memory[i]);
  unfence(r.scratch);
  unfence(r.plan);
  return result;
}

// MARK: - For the program

void *martlet_operator_memory(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

int32_t martlet_operator_child(int32_t (*body)(void *context), void *context, int32_t seconds) {
  pid_t child = fork();
  if (child == 0) {
    // What a crash prints is not news here.
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    alarm((unsigned)seconds);
    _exit(body(context));
  }
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0) {}
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 128 ? WEXITSTATUS(status) : -1;
}

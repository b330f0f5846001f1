/// libjpeg's memory manager, on the reader's region: nothing is freed but a whole picture at once, and an array that
/// libjpeg would spill to a file is held whole or refused.
#include "picture_internal.h"

#include <jerror.h>

// What SIMD code may read past a row's end is in the padding.
#define ROW_ALIGNMENT ((size_t)64)

struct jvirt_sarray_control {
  JSAMPARRAY rows;
  JDIMENSION samples_per_row, row_count;
  jvirt_sarray_ptr next;
};

struct jvirt_barray_control {
  JBLOCKARRAY rows;
  JDIMENSION blocks_per_row, row_count;
  jvirt_barray_ptr next;
};

static martlet_picture_reader *reader_of(j_common_ptr common) { return common->client_data; }

static void *allocate(j_common_ptr common, int pool, size_t bytes) {
  martlet_picture_arena *arena = &reader_of(common)->arena;
  // All that libjpeg asks to last are tables of quantization and Huffman codes. They are forgotten with their picture:
  // none is decoded with the tables of the one before.
  (void)pool;
  void *address = martlet_arena_take(arena, bytes);
  if (!address) ERREXIT1(common, JERR_OUT_OF_MEMORY, 0);
  return address;
}

static JSAMPARRAY allocate_samples(j_common_ptr common, int pool, JDIMENSION samples_per_row, JDIMENSION row_count) {
  size_t row_bytes = ((size_t)samples_per_row + ROW_ALIGNMENT - 1) & ~(ROW_ALIGNMENT - 1);
  if (row_count > 0 && row_bytes > SIZE_MAX / row_count) ERREXIT1(common, JERR_OUT_OF_MEMORY, 1);
  JSAMPARRAY rows = allocate(common, pool, (size_t)row_count * sizeof(JSAMPROW));
  JSAMPLE *samples = allocate(common, pool, row_bytes * row_count);
  for (size_t i = 0; i < row_count; i++) rows[i] = samples + i * row_bytes;
  return rows;
}

static JBLOCKARRAY allocate_blocks(j_common_ptr common, int pool, JDIMENSION blocks_per_row, JDIMENSION row_count) {
  if (row_count > 0 && blocks_per_row > SIZE_MAX / sizeof(JBLOCK) / row_count) ERREXIT1(common, JERR_OUT_OF_MEMORY, 2);
  JBLOCKARRAY rows = allocate(common, pool, (size_t)row_count * sizeof(JBLOCKROW));
  JBLOCKROW blocks = allocate(common, pool, (size_t)row_count * blocks_per_row * sizeof(JBLOCK));
  for (size_t i = 0; i < row_count; i++) rows[i] = blocks + i * blocks_per_row;
  return rows;
}

static jvirt_sarray_ptr request_samples(j_common_ptr common, int pool, boolean zero, JDIMENSION samples_per_row,
                                        JDIMENSION row_count, JDIMENSION at_once) {
  (void)zero, (void)at_once;
  jvirt_sarray_ptr array = allocate(common, pool, sizeof *array);
  martlet_jpeg *jpeg = &reader_of(common)->jpeg;
  *array = (struct jvirt_sarray_control){NULL, samples_per_row, row_count, jpeg->sample_arrays};
  jpeg->sample_arrays = array;
  return array;
}

static jvirt_barray_ptr request_blocks(j_common_ptr common, int pool, boolean zero, JDIMENSION blocks_per_row,
                                       JDIMENSION row_count, JDIMENSION at_once) {
  (void)zero, (void)at_once;
  jvirt_barray_ptr array = allocate(common, pool, sizeof *array);
  martlet_jpeg *jpeg = &reader_of(common)->jpeg;
  *array = (struct jvirt_barray_control){NULL, blocks_per_row, row_count, jpeg->block_arrays};
  jpeg->block_arrays = array;
  return array;
}

/// Whole arrays, always cleared: the region may hold another picture's samples.
static void realize(j_common_ptr common) {
  martlet_jpeg *jpeg = &reader_of(common)->jpeg;
  for (jvirt_sarray_ptr array = jpeg->sample_arrays; array; array = array->next) {
    if (array->rows) continue;
    array->rows = allocate_samples(common, JPOOL_IMAGE, array->samples_per_row, array->row_count);
    for (size_t i = 0; i < array->row_count; i++) memset(array->rows[i], 0, array->samples_per_row);
  }
  for (jvirt_barray_ptr array = jpeg->block_arrays; array; array = array->next) {
    if (array->rows) continue;
    array->rows = allocate_blocks(common, JPOOL_IMAGE, array->blocks_per_row, array->row_count);
    if (array->row_count > 0) {
      memset(array->rows[0], 0, (size_t)array->row_count * array->blocks_per_row * sizeof(JBLOCK));
    }
  }
}

static JSAMPARRAY access_samples(j_common_ptr common, jvirt_sarray_ptr array, JDIMENSION first, JDIMENSION count,
                                 boolean writable) {
  (void)writable;
  if (!array->rows || first > array->row_count || count > array->row_count - first) {
    ERREXIT(common, JERR_BAD_VIRTUAL_ACCESS);
  }
  return array->rows + first;
}

static JBLOCKARRAY access_blocks(j_common_ptr common, jvirt_barray_ptr array, JDIMENSION first, JDIMENSION count,
                                 boolean writable) {
  (void)writable;
  if (!array->rows || first > array->row_count || count > array->row_count - first) {
    ERREXIT(common, JERR_BAD_VIRTUAL_ACCESS);
  }
  return array->rows + first;
}

static void free_pool(j_common_ptr common, int pool) {
  if (pool != JPOOL_IMAGE) return;
  martlet_picture_reader *reader = reader_of(common);
  reader->jpeg.sample_arrays = NULL;
  reader->jpeg.block_arrays = NULL;
  martlet_arena_close_picture(&reader->arena);
}

static void self_destruct(j_common_ptr common) { (void)common; }

void martlet_jpeg_use_arena(martlet_picture_reader *reader) {
  martlet_jpeg *jpeg = &reader->jpeg;
  jpeg->memory = (struct jpeg_memory_mgr){
      .alloc_small = allocate,
      .alloc_large = allocate,
      .alloc_sarray = allocate_samples,
      .alloc_barray = allocate_blocks,
      .request_virt_sarray = request_samples,
      .request_virt_barray = request_blocks,
      .realize_virt_arrays = realize,
      .access_virt_sarray = access_samples,
      .access_virt_barray = access_blocks,
      .free_pool = free_pool,
      .self_destruct = self_destruct,
      .max_alloc_chunk = 1000000000,
  };
  jpeg->first_memory = jpeg->decompress.mem;
  jpeg->decompress.mem = &jpeg->memory;
}

/// Opens a picture of any format and hands out its rows.
#define _GNU_SOURCE
#include "martlet_files.h"
#include "picture_internal.h"

#include <unistd.h>

// MARK: - The reader

size_t martlet_picture_reader_minimum_bytes(void) { return sizeof(martlet_picture_reader) + ((size_t)8 << 20); }

/// One grey pixel.
static const uint8_t first_picture[] = {
    0xFF, 0xD8, 0xFF, 0xDB, 0x00, 0x43, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xC0, 0x00, 0x0B, 0x08, 0x00, 0x01, 0x00, 0x01, 0x01, 0x01, 0x11, 0x00, 0xFF, 0xC4, 0x00, 0x14, 0x00, 0x01,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xC4,
    0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xFF, 0xDA, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x3F, 0x00, 0x3F, 0xFF, 0xD9};

/// libjpeg-turbo looks at the processor when it decodes its first picture, on arm64 by reading /proc/cpuinfo through a
/// stream with a buffer from the heap. It shall do that now, not at the first frame.
static void decode_first_picture(martlet_picture_reader *reader) {
  const uint8_t *row;
  if (martlet_picture_open_bytes(reader, first_picture, sizeof first_picture) == 0)
    martlet_picture_read_row(reader, &row);
  martlet_picture_close(reader);
}

martlet_error martlet_picture_reader_create(void *region, size_t bytes, martlet_picture_reader **made) {
  if (!region || (uintptr_t)region % 64 != 0 || bytes < martlet_picture_reader_minimum_bytes()) return EINVAL;
  martlet_picture_reader *reader = region;
  memset(reader, 0, sizeof *reader);
  martlet_picture_arena *arena = &reader->arena;
  arena->start = (uint8_t *)region + ((sizeof *reader + 63) & ~(size_t)63);
  arena->end = arena->high = arena->lowest_high = (uint8_t *)region + (bytes & ~(size_t)63);
  reader->source.fd = -1;
  martlet_error error = martlet_jpeg_create(reader);
  if (error != 0) return error;
  decode_first_picture(reader);
  *made = reader;
  return 0;
}

void martlet_picture_reader_destroy(martlet_picture_reader *reader) {
  martlet_picture_close(reader);
  martlet_jpeg_destroy(reader);
}

static void begin(martlet_picture_reader *reader) {
  martlet_picture_close(reader);
  memset(&reader->info, 0, sizeof reader->info);
  memset(&reader->failure, 0, sizeof reader->failure);
  memset(&reader->png, 0, sizeof reader->png);
  reader->info.orientation = 1;
  reader->rows_read = 0;
  reader->exif_bytes = 0;
  reader->arena.lowest_high = reader->arena.high;
  reader->source.memory = NULL;
  reader->source.size = 0;
  reader->source.is_seekable = false;
  reader->source.next = reader->source.end = reader->source.buffer;
  reader->is_open = true;
}

/// Pictures that people have and that are not read here, for a message that names them.
static const char *other_kind(const uint8_t *bytes, size_t count) {
  if (count >= 6 && memcmp(bytes, "GIF8", 4) == 0) return "GIF";
  if (count >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) return "WebP";
  if (count >= 4 && (memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0)) return "TIFF";
  if (count >= 12 && memcmp(bytes + 4, "ftyp", 4) == 0) return "HEIC, AVIF or a film";
  if (count >= 12 && memcmp(bytes, "\0\0\0\x0CJXL ", 8) == 0) return "JPEG XL";
  return NULL;
}

static martlet_error open_format(martlet_picture_reader *reader) {
  martlet_source *source = &reader->source;
  // A pipe may give a few bytes at a time.
  for (size_t before = 0;;) {
    martlet_error error = martlet_source_fill(reader);
    if (error) return error;
    size_t there = (size_t)(source->end - source->next);
    if (there >= 64 || there == before) break;
    before = there;
  }
  const uint8_t *bytes = source->next;
  size_t count = (size_t)(source->end - source->next);
  if (count == 0) return martlet_fail(reader, MARTLET_PICTURE_EMPTY, "");
  if (count >= 3 && memcmp(bytes, "\xFF\xD8\xFF", 3) == 0) {
    reader->info.format = MARTLET_PICTURE_JPEG;
    return martlet_jpeg_open(reader);
  }
  if (count >= 8 && memcmp(bytes, "\x89PNG\r\n\x1A\n", 8) == 0) {
    reader->info.format = MARTLET_PICTURE_PNG;
    return martlet_png_open(reader);
  }
  if (count >= 2 && memcmp(bytes, "BM", 2) == 0) {
    reader->info.format = MARTLET_PICTURE_BMP;
    return martlet_bmp_open(reader);
  }
  if (count >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
      (bytes[2] == ' ' || bytes[2] == '#' || (bytes[2] >= '\t' && bytes[2] <= '\r'))) {
    reader->info.format = MARTLET_PICTURE_PNM;
    return martlet_pnm_open(reader);
  }
  const char *other = other_kind(bytes, count);
  return martlet_fail(reader, other ? MARTLET_PICTURE_UNSUPPORTED : MARTLET_PICTURE_NOT_A_PICTURE, other ? other : "");
}

/// After a failure nothing stays open.
static martlet_error opened(martlet_picture_reader *reader, martlet_error error) {
  if (error) martlet_picture_close(reader);
  return error;
}

martlet_error martlet_picture_open_file(martlet_picture_reader *reader, const char *path) {
  begin(reader);
  martlet_source *source = &reader->source;
  martlet_open_file file;
  martlet_error error = martlet_file_open(path, &file);
  if (error != 0) return opened(reader, martlet_fail(reader, error, ""));
  source->fd = file.descriptor;
  source->is_seekable = !file.is_pipe;
  source->size = file.size;
  return opened(reader, open_format(reader));
}

static void begin_bytes(martlet_picture_reader *reader, const void *bytes, size_t count) {
  begin(reader);
  martlet_source *source = &reader->source;
  source->memory = source->next = bytes;
  source->end = source->next + count;
  source->is_seekable = true;
  source->size = count;
}

martlet_error martlet_picture_open_bytes(martlet_picture_reader *reader, const void *bytes, size_t count) {
  begin_bytes(reader, bytes, count);
  return opened(reader, open_format(reader));
}

martlet_error martlet_picture_open_frame(martlet_picture_reader *reader, const void *bytes, size_t count) {
  begin_bytes(reader, bytes, count);
  return opened(reader, martlet_jpeg_open_frame(reader));
}

martlet_error martlet_picture_read_frame(martlet_picture_reader *reader, int32_t eighths, bool luma_only,
                                         martlet_picture_planes *planes) {
  if (!reader->is_open || reader->failure.error || reader->rows_read > 0) {
    return martlet_fail(reader, MARTLET_PICTURE_DAMAGED, "read twice");
  }
  martlet_error error = martlet_jpeg_read_frame(reader, eighths, luma_only, planes);
  reader->rows_read = reader->info.height;
  return error;
}

void martlet_picture_close(martlet_picture_reader *reader) {
  if (!reader->is_open) return;
  reader->is_open = false;
  // What libpng holds lies in the arena; it has nothing else to give back.
  reader->png.png = NULL;
  martlet_jpeg_close(reader);
  martlet_arena_close_picture(&reader->arena);
  if (reader->source.fd >= 0) close(reader->source.fd);
  reader->source.fd = -1;
}

const martlet_picture_info *martlet_picture_info_of(const martlet_picture_reader *reader) { return &reader->info; }
const martlet_picture_failure *martlet_picture_failure_of(const martlet_picture_reader *reader) {
  return &reader->failure;
}

size_t martlet_picture_peak_bytes(const martlet_picture_reader *reader) {
  const martlet_picture_arena *arena = &reader->arena;
  return (size_t)(arena->start - (const uint8_t *)reader) + (size_t)(arena->end - arena->lowest_high);
}

martlet_error martlet_picture_read_row(martlet_picture_reader *reader, const uint8_t **row) {
  if (!reader->is_open || reader->failure.error || reader->rows_read >= reader->info.height) {
    return martlet_fail(reader, MARTLET_PICTURE_DAMAGED, "read past its last row");
  }
  martlet_error error = MARTLET_PICTURE_DAMAGED;
  switch (reader->info.format) {
    case MARTLET_PICTURE_JPEG: error = martlet_jpeg_read_row(reader, row); break;
    case MARTLET_PICTURE_PNG: error = martlet_png_read_row(reader, row); break;
    case MARTLET_PICTURE_BMP: error = martlet_bmp_read_row(reader, row); break;
    case MARTLET_PICTURE_PNM: error = martlet_pnm_read_row(reader, row); break;
  }
  if (error == 0) reader->rows_read++;
  return error;
}

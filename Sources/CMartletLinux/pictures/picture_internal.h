/// What the picture formats share: where bytes come from, where memory comes from, and how a failure is told.
#ifndef MARTLET_PICTURE_INTERNAL_H
#define MARTLET_PICTURE_INTERNAL_H

#include "martlet_pictures.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#define MARTLET_SOURCE_BUFFER 32768

// MARK: - Bytes in

/// A file, a pipe or bytes in memory.
typedef struct martlet_source {
  /// -1 for memory.
  int fd;
  /// Reading at an offset works.
  bool is_seekable;
  /// Total bytes, if is_seekable.
  uint64_t size;
  const uint8_t *memory;
  /// What is read and not yet taken.
  const uint8_t *next, *end;
  uint8_t buffer[MARTLET_SOURCE_BUFFER];
} martlet_source;

// MARK: - Memory

/// What a picture takes, from the end down.
typedef struct martlet_picture_arena {
  uint8_t *start, *end;
  uint8_t *high;
  uint8_t *lowest_high;
} martlet_picture_arena;

/// Aligned to 64 bytes, not cleared, until the picture is closed; NULL when the region is full.
void *martlet_arena_take(martlet_picture_arena *arena, size_t bytes);
void martlet_arena_close_picture(martlet_picture_arena *arena);

// MARK: - The reader

typedef struct martlet_jpeg {
  struct jpeg_decompress_struct decompress;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  struct jpeg_memory_mgr memory;
  /// libjpeg's own, for what it allocated before it could be given ours.
  struct jpeg_memory_mgr *first_memory;
  jvirt_sarray_ptr sample_arrays;
  jvirt_barray_ptr block_arrays;
} martlet_jpeg;

typedef struct martlet_png {
  png_structp png;
  png_infop info;
  /// The whole picture, if it is interlaced.
  uint8_t *pixels;
} martlet_png;

typedef struct martlet_bmp {
  uint64_t pixels_offset, stride;
  int32_t bits;
  bool is_bottom_up, has_alpha;
  int32_t palette_count;
  uint8_t palette[256][3];
} martlet_bmp;

typedef struct martlet_pnm {
  int32_t maximum;
} martlet_pnm;

struct martlet_picture_reader {
  martlet_picture_info info;
  martlet_picture_failure failure;
  martlet_picture_arena arena;
  martlet_source source;
  bool is_open;
  int32_t rows_read;
  /// One row as it is handed out, and one as it is stored.
  uint8_t *row, *stored;
  /// Where the libraries' errors end up.
  jmp_buf jump;
  martlet_jpeg jpeg;
  martlet_png png;
  martlet_bmp bmp;
  martlet_pnm pnm;
  /// The body of the first EXIF segment.
  int32_t exif_bytes;
  uint8_t exif[65536];
};

/// Notes a failure, the first one only, and returns its error.
martlet_error martlet_fail(martlet_picture_reader *reader, martlet_error error, const char *detail);
/// Checks a size against the limits, and notes it.
martlet_error martlet_check_size(martlet_picture_reader *reader, int64_t width, int64_t height);
/// Room for one row handed out and, if `stored_bytes` is not 0, for one as it is stored.
martlet_error martlet_take_rows(martlet_picture_reader *reader, size_t stored_bytes);

/// Reads more into the buffer; 0 with next == end says that the source is exhausted.
martlet_error martlet_source_fill(martlet_picture_reader *reader);
/// Exactly `count` bytes, or MARTLET_PICTURE_ENDS_EARLY.
martlet_error martlet_source_read(martlet_picture_reader *reader, void *out, size_t count);
/// The same at an offset, of a seekable source.
martlet_error martlet_source_read_at(martlet_picture_reader *reader, uint64_t offset, void *out, size_t count);

/// The orientation in a TIFF structure, 1 if there is none or it makes no sense.
int32_t martlet_exif_orientation(const uint8_t *tiff, size_t count);

// MARK: - Formats

martlet_error martlet_jpeg_create(martlet_picture_reader *reader);
void martlet_jpeg_destroy(martlet_picture_reader *reader);
void martlet_jpeg_use_arena(martlet_picture_reader *reader);
martlet_error martlet_jpeg_open(martlet_picture_reader *reader);
martlet_error martlet_jpeg_read_row(martlet_picture_reader *reader, const uint8_t **row);
void martlet_jpeg_close(martlet_picture_reader *reader);
/// Reads the header and checks the size.
martlet_error martlet_jpeg_read_header(martlet_picture_reader *reader);
martlet_error martlet_jpeg_open_frame(martlet_picture_reader *reader);
martlet_error martlet_jpeg_read_frame(martlet_picture_reader *reader, int32_t eighths, bool luma_only,
                                      martlet_picture_planes *planes);

martlet_error martlet_png_open(martlet_picture_reader *reader);
martlet_error martlet_png_read_row(martlet_picture_reader *reader, const uint8_t **row);

martlet_error martlet_bmp_open(martlet_picture_reader *reader);
martlet_error martlet_bmp_read_row(martlet_picture_reader *reader, const uint8_t **row);

martlet_error martlet_pnm_open(martlet_picture_reader *reader);
martlet_error martlet_pnm_read_row(martlet_picture_reader *reader, const uint8_t **row);

#endif

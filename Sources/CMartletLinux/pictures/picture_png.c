/// PNG, through libpng: every colour type and depth becomes 8 bits of grey or colour, with alpha where there is some.
#include "picture_internal.h"

static martlet_picture_reader *reader_of_error(png_structp png) { return png_get_error_ptr(png); }

_Noreturn static void on_error(png_structp png, png_const_charp message) {
  martlet_picture_reader *reader = reader_of_error(png);
  martlet_fail(reader, MARTLET_PICTURE_DAMAGED, message ? message : "");
  longjmp(reader->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp on_allocate(png_structp png, png_alloc_size_t bytes) {
  martlet_picture_reader *reader = png_get_mem_ptr(png);
  void *address = martlet_arena_take(&reader->arena, bytes);
  // libpng gives up, but calls it damage.
  if (!address) martlet_fail(reader, MARTLET_PICTURE_NEEDS_MEMORY, "");
  return address;
}

/// The whole picture goes at once, at close.
static void on_free(png_structp png, png_voidp address) { (void)png, (void)address; }

static void on_read(png_structp png, png_bytep out, size_t count) {
  martlet_picture_reader *reader = png_get_io_ptr(png);
  if (martlet_source_read(reader, out, count)) longjmp(reader->jump, 1);
}

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/// The size, before libpng sees it: it would refuse 0 as damage.
static martlet_error check_header(martlet_picture_reader *reader) {
  const uint8_t *bytes = reader->source.next;
  if (reader->source.end - bytes < 33) return martlet_fail(reader, MARTLET_PICTURE_ENDS_EARLY, "");
  if (memcmp(bytes + 8, "\0\0\0\x0DIHDR", 8) != 0) {
    return martlet_fail(reader, MARTLET_PICTURE_DAMAGED, "no IHDR at its start");
  }
  return martlet_check_size(reader, big_endian(bytes + 16), big_endian(bytes + 20));
}

static void begin(martlet_picture_reader *reader) {
  // What is not wanted is skipped unread, however much it is.
  static const png_byte skipped[] =
      "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0"
      "pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt";
  martlet_png *png = &reader->png;
  png->png =
      png_create_read_struct_2(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning, reader, on_allocate, on_free);
  if (!png->png) longjmp(reader->jump, 1);
  png->info = png_create_info_struct(png->png);
  if (!png->info) longjmp(reader->jump, 1);
  png_set_read_fn(png->png, reader, on_read);
  png_set_user_limits(png->png, MARTLET_PICTURE_MAX_SIDE, MARTLET_PICTURE_MAX_SIDE);
  png_set_chunk_malloc_max(png->png, 1 << 20);
  png_set_keep_unknown_chunks(png->png, PNG_HANDLE_CHUNK_NEVER, skipped, sizeof skipped / 5);
}

static int32_t orientation_of(martlet_picture_reader *reader) {
  png_bytep exif = NULL;
  png_uint_32 count = 0;
  if (!png_get_eXIf_1(reader->png.png, reader->png.info, &count, &exif)) return 1;
  return martlet_exif_orientation(exif, count);
}

martlet_error martlet_png_open(martlet_picture_reader *reader) {
  martlet_error error = check_header(reader);
  if (error) return error;
  if (setjmp(reader->jump)) {
    // libpng can fail without a word only for want of memory.
    return martlet_fail(reader, MARTLET_PICTURE_NEEDS_MEMORY, "");
  }
  begin(reader);
  png_structp png = reader->png.png;
  png_read_info(png, reader->png.info);
  reader->info.orientation = orientation_of(reader);
  png_set_expand(png);
  png_set_scale_16(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->png.info);
  reader->info.channels = png_get_channels(png, reader->png.info);
  size_t row_bytes = (size_t)reader->info.width * (size_t)reader->info.channels;
  if (png_get_rowbytes(png, reader->png.info) != row_bytes) {
    return martlet_fail(reader, MARTLET_PICTURE_UNSUPPORTED, "PNG with an unknown pixel layout");
  }
  if (passes == 1) return martlet_take_rows(reader, 0);
  reader->png.pixels = martlet_arena_take(&reader->arena, row_bytes * (size_t)reader->info.height);
  if (!reader->png.pixels) return martlet_fail(reader, MARTLET_PICTURE_NEEDS_MEMORY, "");
  memset(reader->png.pixels, 0, row_bytes * (size_t)reader->info.height);
  return 0;
}

/// All passes; those after the first fill in what is between.
static void read_interlaced(martlet_picture_reader *reader) {
  size_t row_bytes = (size_t)reader->info.width * (size_t)reader->info.channels;
  for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++) {
    for (int32_t y = 0; y < reader->info.height; y++) {
      png_read_row(reader->png.png, reader->png.pixels + (size_t)y * row_bytes, NULL);
    }
  }
}

martlet_error martlet_png_read_row(martlet_picture_reader *reader, const uint8_t **row) {
  if (setjmp(reader->jump)) return martlet_fail(reader, MARTLET_PICTURE_NEEDS_MEMORY, "");
  if (reader->png.pixels) {
    if (reader->rows_read == 0) read_interlaced(reader);
    size_t row_bytes = (size_t)reader->info.width * (size_t)reader->info.channels;
    *row = reader->png.pixels + (size_t)reader->rows_read * row_bytes;
  } else {
    png_read_row(reader->png.png, reader->row, NULL);
    *row = reader->row;
  }
  if (reader->rows_read + 1 == reader->info.height) png_read_end(reader->png.png, NULL);
  return 0;
}

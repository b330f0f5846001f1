/// Windows bitmaps: uncompressed, 24 and 32 bits a pixel, and 1, 4 and 8 bits with a palette.
#include "picture_internal.h"

#define FILE_HEADER 14
#define MAX_HEADER 124

static uint32_t little_endian(const uint8_t *bytes, int32_t width) {
  uint32_t value = 0;
  while (width-- > 0) value = value << 8 | bytes[width];
  return value;
}

static martlet_error unsupported(martlet_picture_reader *reader, const char *what) {
  return martlet_fail(reader, MARTLET_PICTURE_UNSUPPORTED, what);
}

/// Width, height (from the top if negative), bits and compression, checked. `header` follows the file header.
static martlet_error parse_header(martlet_picture_reader *reader, const uint8_t *header, uint32_t header_bytes) {
  martlet_bmp *bmp = &reader->bmp;
  bool is_old = header_bytes == 12;
  int64_t width = is_old ? (int64_t)little_endian(header + 4, 2) : (int32_t)little_endian(header + 4, 4);
  int64_t height = is_old ? (int64_t)little_endian(header + 6, 2) : (int32_t)little_endian(header + 8, 4);
  bmp->bits = (int32_t)little_endian(header + (is_old ? 10 : 14), 2);
  uint32_t compression = is_old ? 0 : little_endian(header + 16, 4);
  uint32_t colours = is_old ? 0 : little_endian(header + 32, 4);
  bmp->is_bottom_up = height > 0;
  martlet_error error = martlet_check_size(reader, width, height < 0 ? -height : height);
  if (error) return error;

  bmp->has_alpha = false;
  if (compression == 3 && bmp->bits == 32) {
    // Masks of red, green and blue, and in the longer headers of alpha.
    bool is_usual = little_endian(header + 40, 4) == 0xFF0000 && little_endian(header + 44, 4) == 0xFF00 &&
                    little_endian(header + 48, 4) == 0xFF;
    if (!is_usual) return unsupported(reader, "BMP with other than 8 bits a colour");
    bmp->has_alpha = header_bytes >= 56 && little_endian(header + 52, 4) == 0xFF000000;
  } else if (compression != 0) {
    return unsupported(reader, compression <= 2 ? "run-length compressed BMP" : "BMP with an unusual compression");
  }
  switch (bmp->bits) {
    case 1:
    case 4:
    case 8:
      bmp->palette_count = 1 << bmp->bits;
      if (colours > 0 && colours < (uint32_t)bmp->palette_count) bmp->palette_count = (int32_t)colours;
      break;
    case 24:
    case 32: bmp->palette_count = 0; break;
    default: return unsupported(reader, "BMP with 2 or 16 bits a pixel, or something stranger");
  }
  reader->info.channels = bmp->has_alpha ? 4 : 3;
  bmp->stride = ((uint64_t)width * (uint64_t)bmp->bits + 31) / 32 * 4;
  return 0;
}

martlet_error martlet_bmp_open(martlet_picture_reader *reader) {
  martlet_bmp *bmp = &reader->bmp;
  // 12 more bytes, for the masks that follow a header of 40.
  uint8_t file[FILE_HEADER], header[MAX_HEADER + 12] = {0};
  martlet_error error = martlet_source_read(reader, file, FILE_HEADER);
  if (error) return error;
  error = martlet_source_read(reader, header, 4);
  if (error) return error;
  uint32_t header_bytes = little_endian(header, 4);
  if (header_bytes != 12 && (header_bytes < 40 || header_bytes > MAX_HEADER)) {
    return martlet_fail(reader, MARTLET_PICTURE_NOT_A_PICTURE, "");
  }
  error = martlet_source_read(reader, header + 4, header_bytes - 4);
  if (error) return error;
  uint64_t position = FILE_HEADER + (uint64_t)header_bytes;
  bool has_masks_after = header_bytes == 40 && little_endian(header + 16, 4) == 3;
  if (has_masks_after) {
    error = martlet_source_read(reader, header + 40, 12);
    if (error) return error;
    position += 12;
  }
  error = parse_header(reader, header, header_bytes);
  if (error) return error;

  memset(bmp->palette, 0, sizeof bmp->palette);
  size_t entry_bytes = header_bytes == 12 ? 3 : 4;
  for (int32_t i = 0; i < bmp->palette_count; i++) {
    uint8_t entry[4];
    error = martlet_source_read(reader, entry, entry_bytes);
    if (error) return error;
    for (int32_t c = 0; c < 3; c++) bmp->palette[i][c] = entry[2 - c];
  }
  position += (uint64_t)bmp->palette_count * entry_bytes;

  bmp->pixels_offset = little_endian(file + 10, 4);
  if (bmp->pixels_offset < position) return martlet_fail(reader, MARTLET_PICTURE_DAMAGED, "pixels inside the header");
  if (!reader->source.is_seekable) return unsupported(reader, "BMP from a pipe");
  uint64_t end = bmp->pixels_offset + bmp->stride * (uint64_t)reader->info.height;
  if (end > reader->source.size) return martlet_fail(reader, MARTLET_PICTURE_ENDS_EARLY, "");
  return martlet_take_rows(reader, bmp->stride);
}

martlet_error martlet_bmp_read_row(martlet_picture_reader *reader, const uint8_t **row) {
  const martlet_bmp *bmp = &reader->bmp;
  const int32_t width = reader->info.width, channels = reader->info.channels;
  uint64_t index = (uint64_t)(bmp->is_bottom_up ? reader->info.height - 1 - reader->rows_read : reader->rows_read);
  martlet_error error =
      martlet_source_read_at(reader, bmp->pixels_offset + index * bmp->stride, reader->stored, bmp->stride);
  if (error) return error;
  const uint8_t *in = reader->stored;
  uint8_t *out = reader->row;
  *row = out;
  if (bmp->bits <= 8) {
    const int32_t per_byte = 8 / bmp->bits, mask = (1 << bmp->bits) - 1;
    for (int32_t x = 0; x < width; x++, out += 3) {
      int32_t shift = 8 - bmp->bits * (x % per_byte + 1);
      memcpy(out, bmp->palette[in[x / per_byte] >> shift & mask], 3);
    }
    return 0;
  }
  const int32_t step = bmp->bits / 8;
  for (int32_t x = 0; x < width; x++, out += channels, in += step) {
    out[0] = in[2];
    out[1] = in[1];
    out[2] = in[0];
    if (channels == 4) out[3] = in[3];
  }
  return 0;
}

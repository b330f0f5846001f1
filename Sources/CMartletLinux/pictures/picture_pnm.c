/// Binary PGM and PPM (P5, P6), 8 and 16 bits a sample, scaled to 255 with rounding.
#include "picture_internal.h"

/// The next decimal number; whitespace and comments may stand before it, one whitespace ends it.
static martlet_error read_number(martlet_picture_reader *reader, int64_t *number) {
  bool is_comment = false, has_digits = false;
  *number = 0;
  for (;;) {
    uint8_t byte;
    martlet_error error = martlet_source_read(reader, &byte, 1);
    if (error) return error;
    bool is_space = byte == ' ' || (byte >= '\t' && byte <= '\r');
    if (is_comment) {
      is_comment = byte != '\n' && byte != '\r';
    } else if (byte >= '0' && byte <= '9') {
      has_digits = true;
      if (*number < (int64_t)1 << 40) *number = *number * 10 + (byte - '0');
    } else if (has_digits && is_space) {
      return 0;
    } else if (!has_digits && byte == '#') {
      is_comment = true;
    } else if (!is_space) {
      return martlet_fail(reader, MARTLET_PICTURE_DAMAGED, "a size that is no number");
    }
  }
}

martlet_error martlet_pnm_open(martlet_picture_reader *reader) {
  uint8_t magic[2];
  martlet_error error = martlet_source_read(reader, magic, 2);
  if (error) return error;
  if (magic[1] != '5' && magic[1] != '6') {
    return martlet_fail(reader, MARTLET_PICTURE_UNSUPPORTED, "PNM other than P5 and P6");
  }
  int64_t width, height, maximum;
  if ((error = read_number(reader, &width)) || (error = read_number(reader, &height)) ||
      (error = read_number(reader, &maximum)) || (error = martlet_check_size(reader, width, height))) {
    return error;
  }
  if (maximum < 1 || maximum > 65535) return martlet_fail(reader, MARTLET_PICTURE_DAMAGED, "maximum outside 1...65535");
  reader->pnm.maximum = (int32_t)maximum;
  reader->info.channels = magic[1] == '5' ? 1 : 3;
  size_t samples = (size_t)width * (size_t)reader->info.channels;
  return martlet_take_rows(reader, maximum > 255 ? 2 * samples : samples);
}

martlet_error martlet_pnm_read_row(martlet_picture_reader *reader, const uint8_t **row) {
  const int32_t maximum = reader->pnm.maximum, bytes = maximum > 255 ? 2 : 1;
  const int32_t samples = reader->info.width * reader->info.channels;
  martlet_error error = martlet_source_read(reader, reader->stored, (size_t)samples * (size_t)bytes);
  if (error) return error;
  *row = maximum == 255 ? reader->stored : reader->row;
  if (maximum == 255) return 0;
  for (int32_t i = 0; i < samples; i++) {
    const uint8_t *in = reader->stored + (size_t)i * (size_t)bytes;
    int32_t value = bytes == 2 ? in[0] << 8 | in[1] : in[0];
    if (value > maximum) return martlet_fail(reader, MARTLET_PICTURE_DAMAGED, "a sample over its maximum");
    reader->row[i] = (uint8_t)((value * 255 + maximum / 2) / maximum);
  }
  return 0;
}

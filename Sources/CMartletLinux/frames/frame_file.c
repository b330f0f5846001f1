#define _GNU_SOURCE
#include "frame_store_internal.h"
#include "martlet_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static size_t pixel_bytes(const martlet_stored_frame *frame) { return frame->kind == MARTLET_STORED_GREY ? 1 : 3; }

static int header(const martlet_stored_frame *frame, char *text, size_t capacity) {
  int kind = frame->kind == MARTLET_STORED_GREY ? 5 : 6;
  return snprintf(text, capacity, "P%d\n%u %u\n255\n", kind, frame->width, frame->height);
}

martlet_error frame_file_of(const martlet_stored_frame *frame, frame_file *file) {
  if (frame->kind == MARTLET_STORED_JPEG) {
    *file = (frame_file){frame->count, ".jpg"};
    const uint8_t *bytes = frame->bytes;
    return frame->count > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8 ? 0 : EINVAL;
  }
  if (frame->width == 0 || frame->height == 0) return EINVAL;
  char text[64];
  uint64_t pixels = (uint64_t)frame->width * frame->height;
  file->count = (uint64_t)header(frame, text, sizeof text) + pixels * pixel_bytes(frame);
  file->ending = frame->kind == MARTLET_STORED_GREY ? ".pgm" : ".ppm";
  return 0;
}

// MARK: - Conversion: for a person to look at; nearest chroma, 8 bits of fraction

typedef struct matrix {
  int32_t luma, offset, red_v, green_u, green_v, blue_u;
} matrix;

static matrix matrix_of(const martlet_stored_frame *frame) {
  static const matrix limited[] = {
      [MARTLET_CAMERA_BT601] = {298, 16, 409, -100, -208, 516},
      [MARTLET_CAMERA_BT709] = {298, 16, 459, -55, -136, 541},
      [MARTLET_CAMERA_BT2020] = {298, 16, 430, -48, -167, 548},
  };
  static const matrix full[] = {
      [MARTLET_CAMERA_BT601] = {256, 0, 359, -88, -183, 454},
      [MARTLET_CAMERA_BT709] = {256, 0, 403, -48, -120, 475},
      [MARTLET_CAMERA_BT2020] = {256, 0, 377, -42, -146, 482},
  };
  return (frame->is_full_range ? full : limited)[frame->matrix];
}

static uint8_t clamp(int32_t value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value; }

static void convert(const matrix *m, int32_t y, int32_t u, int32_t v, uint8_t *rgb) {
  y = m->luma * (y - m->offset) + 128;
  u -= 128;
  v -= 128;
  rgb[0] = clamp((y + m->red_v * v) >> 8);
  rgb[1] = clamp((y + m->green_u * u + m->green_v * v) >> 8);
  rgb[2] = clamp((y + m->blue_u * u) >> 8);
}

/// Pixels [x, x + count) of row y as luma.
static void grey_part(const martlet_stored_samples *luma, size_t y, size_t x, size_t count, uint8_t *grey) {
  const uint8_t *row = luma->first + y * luma->stride + x * luma->step;
  for (size_t i = 0; i < count; i++, row += luma->step)
    grey[i] = luma->word_shift > 0 ? (uint8_t)((row[0] | row[1] << 8) >> luma->word_shift) : row[0];
}

/// Likewise as red, green, blue.
static void convert_part(const martlet_stored_frame *frame, const matrix *m, size_t y, size_t x, size_t count,
                         uint8_t *rgb) {
  const martlet_stored_samples *a = &frame->samples[0], *b = &frame->samples[1], *c = &frame->samples[2];
  const uint8_t *row_a = a->first + (y >> a->row_shift) * a->stride;
  const uint8_t *row_b = b->first + (y >> b->row_shift) * b->stride;
  const uint8_t *row_c = c->first + (y >> c->row_shift) * c->stride;
  for (size_t i = x; i < x + count; i++, rgb += 3) {
    rgb[0] = row_a[(i >> a->column_shift) * a->step];
    rgb[1] = row_b[(i >> b->column_shift) * b->step];
    rgb[2] = row_c[(i >> c->column_shift) * c->step];
    if (frame->kind == MARTLET_STORED_YCBCR) convert(m, rgb[0], rgb[1], rgb[2], rgb);
  }
}

martlet_error frame_file_write(const martlet_stored_frame *frame, int descriptor) {
  enum { PART = 5460 };
  if (frame->kind == MARTLET_STORED_JPEG) return martlet_file_write_all(descriptor, frame->bytes, frame->count);
  char text[64];
  martlet_error error = martlet_file_write_all(descriptor, text, (size_t)header(frame, text, sizeof text));
  const matrix m = matrix_of(frame);
  uint8_t rgb[3 * PART];
  for (size_t y = 0; y < frame->height && error == 0; y++) {
    for (size_t x = 0; x < frame->width && error == 0; x += PART) {
      size_t count = frame->width - x < PART ? frame->width - x : PART;
      if (frame->kind == MARTLET_STORED_GREY) grey_part(&frame->samples[0], y, x, count, rgb);
      else convert_part(frame, &m, y, x, count, rgb);
      error = martlet_file_write_all(descriptor, rgb, pixel_bytes(frame) * count);
    }
  }
  return error;
}

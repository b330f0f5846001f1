#define _GNU_SOURCE
#include "frame_store_internal.h"
#include "martlet_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t pixel_bytes(const martlet_stored_frame *frame) { return frame->kind == MARTLET_STORED_GREY ? 1 : 3; }

static int header(const martlet_stored_frame *frame, char *text, size_t capacity) {
  int kind = frame->kind == MARTLET_STORED_GREY ? 5 : 6;
  return snprintf(text, capacity, "P%d\n%u %u\n255\n", kind, frame->width, frame->height);
}

/// A file that somebody put there: what it is, is what it begins with.
static martlet_error open_copied(const char *path, frame_file *file) {
  martlet_open_file opened;
  martlet_error error = martlet_file_open(path, &opened);
  if (error != 0) return error;
  char text[16];
  ssize_t count = opened.is_pipe ? 0 : pread(opened.descriptor, text, sizeof text, 0);
  *file = (frame_file){opened.size, count > 0 ? frame_ending(text, (size_t)count) : -1, opened.descriptor};
  if (file->ending >= 0) return 0;
  frame_file_close(file);
  return MARTLET_FRAME_NOT_WHOLE;
}

martlet_error frame_file_open(const martlet_stored_frame *frame, frame_file *file) {
  if (frame->kind == MARTLET_STORED_FILE) return open_copied(frame->bytes, file);
  if (frame->kind == MARTLET_STORED_JPEG) {
    *file = (frame_file){frame->count, frame_ending(frame->bytes, frame->count), -1};
    return file->ending == 0 ? 0 : MARTLET_FRAME_NOT_WHOLE;
  }
  if (frame->width == 0 || frame->height == 0) return MARTLET_FRAME_NOT_WHOLE;
  char text[64];
  uint64_t pixels = (uint64_t)frame->width * frame->height;
  size_t count = (size_t)header(frame, text, sizeof text);
  *file = (frame_file){count + pixels * pixel_bytes(frame), frame_ending(text, count), -1};
  return 0;
}

void frame_file_close(frame_file *file) {
  if (file->descriptor >= 0) close(file->descriptor);
  file->descriptor = -1;
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

/// What is there by now may be less than it was.
static martlet_error copy(const frame_file *file, int descriptor) {
  char chunk[16384];
  for (uint64_t at = 0; at < file->count;) {
    uint64_t left = file->count - at;
    ssize_t count = pread(file->descriptor, chunk, left < sizeof chunk ? (size_t)left : sizeof chunk, (off_t)at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return MARTLET_FRAME_NOT_WHOLE;
    martlet_error error = martlet_file_write_all(descriptor, chunk, (size_t)count);
    if (error != 0) return error;
    at += (uint64_t)count;
  }
  return 0;
}

martlet_error frame_file_write(const martlet_stored_frame *frame, const frame_file *file, int descriptor) {
  enum { PART = 5460 };
  if (file->descriptor >= 0) return copy(file, descriptor);
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

#define _GNU_SOURCE
#include "frame_store_internal.h"
#include "martlet_files.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

/// How a format's pixels lie.
typedef enum layout { JPEG, GREY, PACKED, YUYV, SEMI_PLANAR, PLANAR } layout;
typedef struct pixel_format {
  uint32_t code;
  layout layout;
  /// Bytes a pixel in a row of the first plane, and where red, green, blue (or Y, U, V) lie.
  uint8_t step, a, b, c;
} pixel_format;

static const pixel_format formats[] = {
  {V4L2_PIX_FMT_MJPEG, JPEG, 0, 0, 0, 0},
  {V4L2_PIX_FMT_JPEG, JPEG, 0, 0, 0, 0},
  {V4L2_PIX_FMT_GREY, GREY, 1, 0, 0, 0},
  {V4L2_PIX_FMT_RGB24, PACKED, 3, 0, 1, 2},
  {V4L2_PIX_FMT_BGR24, PACKED, 3, 2, 1, 0},
  {V4L2_PIX_FMT_RGBA32, PACKED, 4, 0, 1, 2},
  {V4L2_PIX_FMT_RGBX32, PACKED, 4, 0, 1, 2},
  {V4L2_PIX_FMT_ABGR32, PACKED, 4, 2, 1, 0},
  {V4L2_PIX_FMT_XBGR32, PACKED, 4, 2, 1, 0},
  {V4L2_PIX_FMT_BGR32, PACKED, 4, 2, 1, 0},
  // Of two pixels: the first Y, U, V; the second Y is two bytes on.
  {V4L2_PIX_FMT_YUYV, YUYV, 2, 0, 1, 3},
  {V4L2_PIX_FMT_UYVY, YUYV, 2, 1, 0, 2},
  {V4L2_PIX_FMT_NV12, SEMI_PLANAR, 1, 0, 0, 1},
  {V4L2_PIX_FMT_NV21, SEMI_PLANAR, 1, 0, 1, 0},
  {V4L2_PIX_FMT_YUV420, PLANAR, 1, 0, 0, 1},
};

static const pixel_format *format_of(uint32_t code) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (formats[i].code == code) return &formats[i];
  return NULL;
}

static size_t row_bytes(const martlet_stored_frame *frame, const pixel_format *format) {
  // Pairs of pixels share their chroma, so that an odd row ends with a whole pair.
  uint32_t width = format->layout == YUYV ? (frame->width + 1) / 2 * 2 : frame->width;
  return (size_t)width * format->step;
}

static size_t stride_of(const martlet_stored_frame *frame, const pixel_format *format) {
  return frame->stride != 0 ? frame->stride : row_bytes(frame, format);
}

static int header(const martlet_stored_frame *frame, const pixel_format *format, char *text, size_t capacity) {
  return snprintf(text, capacity, "P%d\n%u %u\n255\n", format->layout == GREY ? 5 : 6, frame->width, frame->height);
}

int frame_file_of(const martlet_stored_frame *frame, frame_file *file) {
  const pixel_format *format = format_of(frame->format);
  if (format == NULL) return ENOTSUP;
  if (format->layout == JPEG) {
    *file = (frame_file){frame->count, ".jpg"};
    const uint8_t *bytes = frame->bytes;
    return frame->count > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8 ? 0 : EINVAL;
  }
  if (frame->width == 0 || frame->height == 0 || frame->width > 65535 || frame->height > 65535) return EINVAL;
  size_t stride = stride_of(frame, format), rows = frame->height, chroma_rows = (rows + 1) / 2;
  if (stride < row_bytes(frame, format)) return EINVAL;
  size_t needed = stride * (rows - 1) + row_bytes(frame, format);
  // The drivers' rule: a chroma plane's rows are as long as the others, or half as long.
  size_t half = (frame->width + 1) / 2;
  if (format->layout == SEMI_PLANAR) {
    if (stride < 2 * half) return EINVAL;
    needed = stride * rows + stride * (chroma_rows - 1) + 2 * half;
  }
  if (format->layout == PLANAR) {
    size_t chroma = frame->stride != 0 ? stride / 2 : half;
    if (chroma < half) return EINVAL;
    needed = stride * rows + chroma * (2 * chroma_rows - 1) + half;
  }
  if (frame->count < needed) return EINVAL;
  char text[64];
  uint64_t pixels = (uint64_t)frame->width * frame->height;
  file->count = (uint64_t)header(frame, format, text, sizeof text) + pixels * (format->layout == GREY ? 1 : 3);
  file->ending = format->layout == GREY ? ".pgm" : ".ppm";
  return 0;
}

// MARK: - Conversion: for a person to look at; nearest chroma, 8 bits of fraction

typedef struct matrix {
  int32_t luma, offset, red_v, green_u, green_v, blue_u;
} matrix;

static matrix matrix_of(const martlet_stored_frame *frame) {
  static const matrix limited[] = {{298, 16, 409, -100, -208, 516}, {298, 16, 459, -55, -136, 541}};
  static const matrix full[] = {{256, 0, 359, -88, -183, 454}, {256, 0, 403, -48, -120, 475}};
  const matrix *matrices = frame->is_full_range ? full : limited;
  return matrices[frame->is_bt709 != 0];
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


/// Pixels [x, x + count) of row y as RGB; x is even.
static void convert_part(const martlet_stored_frame *frame, const pixel_format *format, const matrix *m, size_t y,
                         size_t x, size_t count, uint8_t *rgb) {
  size_t stride = stride_of(frame, format), half = (frame->width + 1) / 2;
  const uint8_t *bytes = frame->bytes, *row = bytes + stride * y, *chroma = bytes + stride * frame->height;
  size_t plane_stride = frame->stride != 0 ? stride / 2 : half;
  const uint8_t *second = chroma + plane_stride * ((frame->height + 1) / 2);
  for (size_t i = x; i < x + count; i++, rgb += 3) {
    const uint8_t *pixel = row + i * format->step;
    switch (format->layout) {
    case YUYV:
      pixel = row + i / 2 * 4;
      convert(m, pixel[format->a + i % 2 * 2], pixel[format->b], pixel[format->c], rgb);
      break;
    case SEMI_PLANAR: {
      const uint8_t *pair = chroma + stride * (y / 2) + i / 2 * 2;
      convert(m, pixel[0], pair[format->b], pair[format->c], rgb);
      break;
    }
    case PLANAR: {
      size_t at = plane_stride * (y / 2) + i / 2;
      convert(m, pixel[0], chroma[at], second[at], rgb);
      break;
    }
    default:
      rgb[0] = pixel[format->a];
      rgb[1] = pixel[format->b];
      rgb[2] = pixel[format->c];
    }
  }
}

int frame_file_write(const martlet_stored_frame *frame, int descriptor) {
  enum { PART = 5460 };
  const pixel_format *format = format_of(frame->format);
  if (format->layout == JPEG) return martlet_file_write_all(descriptor, frame->bytes, frame->count);
  char text[64];
  int error = martlet_file_write_all(descriptor, text, (size_t)header(frame, format, text, sizeof text));
  size_t stride = stride_of(frame, format);
  const matrix m = matrix_of(frame);
  uint8_t rgb[3 * PART];
  for (size_t y = 0; y < frame->height && error == 0; y++) {
    if (format->layout == GREY) {
      error = martlet_file_write_all(descriptor, (const uint8_t *)frame->bytes + stride * y, frame->width);
      continue;
    }
    for (size_t x = 0; x < frame->width && error == 0; x += PART) {
      size_t count = frame->width - x < PART ? frame->width - x : PART;
      convert_part(frame, format, &m, y, x, count, rgb);
      error = martlet_file_write_all(descriptor, rgb, 3 * count);
    }
  }
  return error;
}

/// Pixels in and out of the one resize, its colour matrices, and the table of its inner loops.
#include "vision.h"

// MARK: - Pixels

static inline uint8_t luma(const uint8_t *p) {
  return (uint8_t)((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16);
}

static inline uint8_t over(uint8_t value, uint8_t alpha) {
  return (uint8_t)((value * alpha + MARTLET_VISION_MID_GREY * (255 - alpha) + 127) / 255);
}

void martlet_vision_unpack(uint8_t *out, const uint8_t *row, int32_t pixels, martlet_row_format format,
                           int32_t channels) {
  switch (format) {
    case MARTLET_ROW_GREY:
      for (int32_t i = 0; i < pixels; i++) out[i] = row[i];
      break;
    case MARTLET_ROW_GREY_ALPHA:
      for (int32_t i = 0; i < pixels; i++) out[i] = over(row[2 * i], row[2 * i + 1]);
      break;
    case MARTLET_ROW_RGB:
      if (channels == 1) {
        for (int32_t i = 0; i < pixels; i++) out[i] = luma(row + 3 * i);
      } else {
        for (int32_t i = 0; i < 3 * pixels; i++) out[i] = row[i];
      }
      break;
    case MARTLET_ROW_RGBA:
      for (int32_t i = 0; i < pixels; i++) {
        const uint8_t *p = row + 4 * i;
        uint8_t rgb[3] = {over(p[0], p[3]), over(p[1], p[3]), over(p[2], p[3])};
        if (channels == 1) {
          out[i] = luma(rgb);
        } else {
          for (int32_t c = 0; c < 3; c++) out[3 * i + c] = rgb[c];
        }
      }
      break;
  }
}

void martlet_vision_luma(uint8_t *out, const uint8_t *row, int32_t pixels, int32_t step, int32_t red, int32_t blue) {
  for (int32_t i = 0; i < pixels; i++, row += step) {
    const uint8_t rgb[3] = {row[red], row[1], row[blue]};
    out[i] = luma(rgb);
  }
}

void martlet_vision_words(uint8_t *out, const uint8_t *row, int32_t pixels, int32_t shift) {
  for (int32_t i = 0; i < pixels; i++) out[i] = (uint8_t)((row[2 * i] | row[2 * i + 1] << 8) >> shift);
}

void martlet_vision_separate(int16_t *planes, int32_t stride, const int32_t *sums, int32_t pixels, int32_t channels) {
  if (channels == 1) {
    for (int32_t x = 0; x < pixels; x++) planes[x] = MARTLET_VISION_SAMPLE(sums[x]);
    return;
  }
  int16_t *restrict red = planes, *restrict green = planes + stride, *restrict blue = planes + 2 * (ptrdiff_t)stride;
  for (int32_t x = 0; x < pixels; x++) {
    red[x] = MARTLET_VISION_SAMPLE(sums[3 * x]);
    green[x] = MARTLET_VISION_SAMPLE(sums[3 * x + 1]);
    blue[x] = MARTLET_VISION_SAMPLE(sums[3 * x + 2]);
  }
}

void martlet_vision_store(int8_t *out, ptrdiff_t step, int32_t channels, const int16_t *red, const int16_t *green,
                          const int16_t *blue, int32_t count, const int8_t *table, int32_t reversed) {
  if (channels == 1) {
    for (int32_t i = 0; i < count; i++, out += step) out[0] = table[red[i]];
    return;
  }
  const int32_t first = reversed ? 2 : 0, last = 2 - first;
  for (int32_t i = 0; i < count; i++, out += step) {
    out[first] = table[red[i]];
    out[1] = table[256 + green[i]];
    out[last] = table[512 + blue[i]];
  }
}

// MARK: - Colours

const martlet_vision_matrix *martlet_vision_matrix_for(int32_t standard, int32_t is_full_range) {
  static const martlet_vision_matrix matrices[3][2] = {
      {{16 << 7, 9539, 13075, -3209, -6660, 16525}, {0, 8192, 11485, -2819, -5850, 14516}},
      {{16 << 7, 9539, 14686, -1747, -4366, 17305}, {0, 8192, 12901, -1535, -3835, 15201}},
      {{16 << 7, 9539, 13752, -1535, -5328, 17545}, {0, 8192, 12080, -1348, -4681, 15412}},
  };
  return &matrices[standard][is_full_range ? 1 : 0];
}

// MARK: - The table

const martlet_vision_table *martlet_vision_for(martlet_isa isa) {
#if defined(__x86_64__)
  return isa == MARTLET_ISA_SCALAR ? &martlet_vision_scalar : &martlet_vision_avx2;
#elif defined(__aarch64__)
  return isa == MARTLET_ISA_SCALAR ? &martlet_vision_scalar : &martlet_vision_neon;
#else
  (void)isa;
  return &martlet_vision_scalar;
#endif
}

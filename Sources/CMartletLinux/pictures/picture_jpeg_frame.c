/// A camera's JPEG frame to planes of Y, Cb and Cr: libjpeg's samples as the transform leaves them. What follows
/// filters them down, so that neither a full-sized transform nor raised chroma nor red, green, blue would be of use.
#include "picture_internal.h"

#include <jerror.h>

/// Most lines of a component that libjpeg gives at once: 4 blocks of 8.
#define MOST_LINES 32

martlet_error martlet_jpeg_open_frame(martlet_picture_reader *reader) {
  const martlet_source *source = &reader->source;
  const size_t count = (size_t)(source->end - source->next);
  if (count == 0) return martlet_fail(reader, MARTLET_PICTURE_EMPTY, "");
  if (count < 3 || memcmp(source->next, "\xFF\xD8\xFF", 3) != 0) {
    return martlet_fail(reader, MARTLET_PICTURE_NOT_A_PICTURE, "");
  }
  if (setjmp(reader->jump)) return reader->failure.error;
  reader->info.format = MARTLET_PICTURE_JPEG;
  martlet_error error = martlet_jpeg_read_header(reader);
  if (error) return error;
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  const J_COLOR_SPACE space = decompress->jpeg_color_space;
  if (decompress->data_precision != 8 || (space != JCS_GRAYSCALE && space != JCS_YCbCr)) {
    return martlet_fail(reader, MARTLET_PICTURE_UNSUPPORTED, "JPEG frame of other colours than grey and 8-bit YCbCr");
  }
  reader->info.channels = space == JCS_GRAYSCALE ? 1 : 3;
  return 0;
}

/// How the components lie to one another once they are scaled; false if libjpeg has to raise chroma itself.
static bool find_chroma(const struct jpeg_decompress_struct *decompress, martlet_picture_chroma *chroma) {
  const jpeg_component_info *luma = &decompress->comp_info[0];
  int32_t columns[3], lines[3];
  for (int32_t i = 0; i < 3; i++) {
    const jpeg_component_info *component = &decompress->comp_info[i];
    columns[i] = component->h_samp_factor * component->DCT_scaled_size;
    lines[i] = component->v_samp_factor * component->DCT_scaled_size;
  }
  if (luma->h_samp_factor != decompress->max_h_samp_factor || luma->v_samp_factor != decompress->max_v_samp_factor ||
      luma->DCT_scaled_size != decompress->min_DCT_scaled_size || columns[1] != columns[2] || lines[1] != lines[2]) {
    return false;
  }
  const bool halves_columns = columns[0] == 2 * columns[1], halves_lines = lines[0] == 2 * lines[1];
  if (!(halves_columns || columns[0] == columns[1]) || !(halves_lines || lines[0] == lines[1])) return false;
  if (halves_lines && !halves_columns) return false;
  *chroma = halves_lines ? MARTLET_CHROMA_420 : halves_columns ? MARTLET_CHROMA_422 : MARTLET_CHROMA_444;
  return true;
}

/// Takes room for the planes, and for one line more that nobody reads.
static martlet_error take_planes(martlet_picture_reader *reader, martlet_picture_planes *planes, uint8_t *starts[3],
                                 int32_t strides[3], int32_t heights[3]) {
  const struct jpeg_decompress_struct *decompress = &reader->jpeg.decompress;
  planes->width = (int32_t)decompress->output_width;
  planes->height = (int32_t)decompress->output_height;
  // The transform writes whole blocks, of all components.
  int32_t longest = planes->width;
  for (int32_t i = 0; i < decompress->num_components; i++) {
    const jpeg_component_info *component = &decompress->comp_info[i];
    int32_t samples = (int32_t)component->width_in_blocks * component->DCT_scaled_size;
    if (i > 0 && planes->chroma >= MARTLET_CHROMA_422) samples *= 2;
    if (samples > longest) longest = samples;
  }
  planes->stride = (longest + 63) & ~63;
  size_t offsets[3] = {0};
  planes->count = 0;
  for (int32_t i = 0; i < (planes->chroma == MARTLET_CHROMA_NONE ? 1 : 3); i++) {
    strides[i] = i > 0 && planes->chroma >= MARTLET_CHROMA_422 ? planes->stride / 2 : planes->stride;
    heights[i] = i > 0 && planes->chroma == MARTLET_CHROMA_420 ? (planes->height + 1) / 2 : planes->height;
    offsets[i] = planes->count;
    planes->count += (size_t)strides[i] * (size_t)heights[i];
  }
  uint8_t *bytes = martlet_arena_take(&reader->arena, planes->count);
  reader->row = martlet_arena_take(&reader->arena, 3 * (size_t)planes->stride);
  if (!bytes || !reader->row) return martlet_fail(reader, MARTLET_PICTURE_NEEDS_MEMORY, "");
  planes->bytes = bytes;
  for (int32_t i = 0; i < 3; i++) starts[i] = bytes + offsets[i];
  return 0;
}

/// Components as they are. Lines past the frame's last one, which blocks have, go to the spare line.
static void read_raw(martlet_picture_reader *reader, const martlet_picture_planes *planes, uint8_t *starts[3],
                     const int32_t strides[3], const int32_t heights[3]) {
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  JSAMPROW lines[3][MOST_LINES];
  JSAMPARRAY components[3] = {lines[0], lines[1], lines[2]};
  const int32_t count = planes->chroma == MARTLET_CHROMA_NONE ? 1 : 3;
  const JDIMENSION at_once = (JDIMENSION)(decompress->max_v_samp_factor * decompress->min_DCT_scaled_size);
  for (int32_t group = 0; decompress->output_scanline < decompress->output_height; group++) {
    for (int32_t i = 0; i < count; i++) {
      const jpeg_component_info *component = &decompress->comp_info[i];
      const int32_t step = component->v_samp_factor * component->DCT_scaled_size;
      for (int32_t k = 0; k < step; k++) {
        const int32_t y = group * step + k;
        lines[i][k] = y < heights[i] ? starts[i] + (ptrdiff_t)y * strides[i] : reader->row;
      }
    }
    if (jpeg_read_raw_data(decompress, components, at_once) == 0) ERREXIT(decompress, JERR_INPUT_EOF);
  }
}

/// Odd ratios of the components' sizes: libjpeg brings them to one size.
static void read_raised(martlet_picture_reader *reader, const martlet_picture_planes *planes, uint8_t *starts[3]) {
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  for (int32_t y = 0; y < planes->height; y++) {
    JSAMPROW row = reader->row;
    if (jpeg_read_scanlines(decompress, &row, 1) != 1) ERREXIT(decompress, JERR_INPUT_EOF);
    const ptrdiff_t line = (ptrdiff_t)y * planes->stride;
    const int32_t count = decompress->output_components;
    for (int32_t x = 0; x < planes->width; x++, row += count) {
      for (int32_t i = 0; i < count; i++) starts[i][line + x] = row[i];
    }
  }
}

martlet_error martlet_jpeg_read_frame(martlet_picture_reader *reader, int32_t eighths, bool luma_only,
                                      martlet_picture_planes *planes) {
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  if (setjmp(reader->jump)) return reader->failure.error;
  decompress->scale_num = (unsigned)eighths;
  decompress->scale_denom = 8;
  jpeg_calc_output_dimensions(decompress);
  memset(planes, 0, sizeof *planes);
  bool is_raw = true;
  if (decompress->jpeg_color_space == JCS_GRAYSCALE || luma_only) {
    decompress->out_color_space = JCS_GRAYSCALE;
    // A luma of less than full size is rare enough for libjpeg to raise it.
    is_raw = decompress->num_components == 1 || find_chroma(decompress, &planes->chroma);
    planes->chroma = MARTLET_CHROMA_NONE;
    for (int32_t i = 1; i < decompress->num_components; i++) decompress->comp_info[i].component_needed = FALSE;
  } else {
    decompress->out_color_space = JCS_YCbCr;
    is_raw = find_chroma(decompress, &planes->chroma);
    if (!is_raw) planes->chroma = MARTLET_CHROMA_444;
  }
  uint8_t *starts[3];
  int32_t strides[3], heights[3];
  martlet_error error = take_planes(reader, planes, starts, strides, heights);
  if (error) return error;
  decompress->raw_data_out = is_raw;
  jpeg_start_decompress(decompress);
  if (is_raw) read_raw(reader, planes, starts, strides, heights);
  else read_raised(reader, planes, starts);
  jpeg_finish_decompress(decompress);
  return 0;
}

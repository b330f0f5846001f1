/// JPEG, through libjpeg-turbo, with the accurate integer transform and smooth chroma upsampling: its SIMD code gives
/// the same samples as its plain code.
#include "picture_internal.h"

#include <jerror.h>

#define EXIF_MARKER (JPEG_APP0 + 1)

static martlet_picture_reader *reader_of(j_common_ptr common) { return common->client_data; }

// MARK: - Errors

static martlet_error error_of(int code) {
  switch (code) {
    case JERR_EMPTY_IMAGE: return MARTLET_PICTURE_NO_PIXELS;
    case JERR_IMAGE_TOO_BIG: return MARTLET_PICTURE_TOO_LARGE;
    case JERR_OUT_OF_MEMORY: return MARTLET_PICTURE_NEEDS_MEMORY;
    case JERR_INPUT_EOF: return MARTLET_PICTURE_ENDS_EARLY;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL: return MARTLET_PICTURE_UNSUPPORTED;
    default: return MARTLET_PICTURE_DAMAGED;
  }
}

_Noreturn static void leave(j_common_ptr common) {
  martlet_picture_reader *reader = reader_of(common);
  if (reader->failure.error == 0) {
    martlet_error error = error_of(common->err->msg_code);
    reader->failure.width = reader->jpeg.decompress.image_width;
    reader->failure.height = reader->jpeg.decompress.image_height;
    char text[JMSG_LENGTH_MAX] = "";
    if (error == MARTLET_PICTURE_DAMAGED || error == MARTLET_PICTURE_UNSUPPORTED) {
      common->err->format_message(common, text);
    }
    martlet_fail(reader, error, text);
  }
  longjmp(reader->jump, 1);
}

static void error_exit(j_common_ptr common) { leave(common); }

/// libjpeg goes on after damage and makes up what is missing; a picture that is not what was taken is an error here.
/// Its other warnings are about odd but harmless files.
static void emit_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  common->err->num_warnings++;
  switch (common->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_ARITH_BAD_CODE: leave(common);
    default: break;
  }
}

static void output_message(j_common_ptr common) { (void)common; }

static void count_scans(j_common_ptr common) {
  if (((j_decompress_ptr)common)->input_scan_number <= MARTLET_PICTURE_MAX_SCANS) return;
  martlet_fail(reader_of(common), MARTLET_PICTURE_DAMAGED, "more scans than any real picture has");
  leave(common);
}

// MARK: - Bytes in

static void init_source(j_decompress_ptr decompress) { (void)decompress; }
static void term_source(j_decompress_ptr decompress) { (void)decompress; }

static boolean fill_input(j_decompress_ptr decompress) {
  martlet_picture_reader *reader = reader_of((j_common_ptr)decompress);
  martlet_source *source = &reader->source;
  // libjpeg has taken all there was.
  source->next = source->end;
  if (martlet_source_fill(reader)) leave((j_common_ptr)decompress);
  if (source->next == source->end) ERREXIT(decompress, JERR_INPUT_EOF);
  decompress->src->next_input_byte = source->next;
  decompress->src->bytes_in_buffer = (size_t)(source->end - source->next);
  return TRUE;
}

static void skip_input(j_decompress_ptr decompress, long count) {
  struct jpeg_source_mgr *in = decompress->src;
  while (count > (long)in->bytes_in_buffer) {
    count -= (long)in->bytes_in_buffer;
    fill_input(decompress);
  }
  if (count <= 0) return;
  in->next_input_byte += count;
  in->bytes_in_buffer -= (size_t)count;
}

static uint8_t next_byte(j_decompress_ptr decompress) {
  struct jpeg_source_mgr *in = decompress->src;
  if (in->bytes_in_buffer == 0) fill_input(decompress);
  in->bytes_in_buffer--;
  return *in->next_input_byte++;
}

/// Keeps the first EXIF segment. libjpeg's own way to keep markers would hold every one of them.
static boolean read_exif(j_decompress_ptr decompress) {
  martlet_picture_reader *reader = reader_of((j_common_ptr)decompress);
  int32_t count = next_byte(decompress) << 8;
  count = (count | next_byte(decompress)) - 2;
  if (count < 0) ERREXIT(decompress, JERR_BAD_LENGTH);
  if (reader->exif_bytes > 0) {
    skip_input(decompress, count);
    return TRUE;
  }
  for (int32_t i = 0; i < count; i++) reader->exif[i] = next_byte(decompress);
  if (count > 6 && memcmp(reader->exif, "Exif\0", 6) == 0) reader->exif_bytes = count;
  return TRUE;
}

// MARK: - Open and read

martlet_error martlet_jpeg_create(martlet_picture_reader *reader) {
  martlet_jpeg *jpeg = &reader->jpeg;
  j_decompress_ptr decompress = &jpeg->decompress;
  decompress->err = jpeg_std_error(&jpeg->errors);
  decompress->client_data = reader;
  jpeg->errors.error_exit = error_exit;
  jpeg->errors.emit_message = emit_message;
  jpeg->errors.output_message = output_message;
  if (setjmp(reader->jump)) {
    jpeg_destroy_decompress(decompress);
    return ENOMEM;
  }
  jpeg_create_decompress(decompress);
  martlet_jpeg_use_arena(reader);
  jpeg->source.init_source = init_source;
  jpeg->source.fill_input_buffer = fill_input;
  jpeg->source.skip_input_data = skip_input;
  jpeg->source.resync_to_restart = jpeg_resync_to_restart;
  jpeg->source.term_source = term_source;
  decompress->src = &jpeg->source;
  jpeg->progress.progress_monitor = count_scans;
  decompress->progress = &jpeg->progress;
  jpeg_set_marker_processor(decompress, EXIF_MARKER, read_exif);
  return 0;
}

void martlet_jpeg_destroy(martlet_picture_reader *reader) {
  reader->jpeg.decompress.mem = reader->jpeg.first_memory;
  jpeg_destroy_decompress(&reader->jpeg.decompress);
}

/// The tables lie in the arena, which is given back.
static void forget_tables(j_decompress_ptr decompress) {
  for (int i = 0; i < NUM_QUANT_TBLS; i++) decompress->quant_tbl_ptrs[i] = NULL;
  for (int i = 0; i < NUM_HUFF_TBLS; i++) decompress->dc_huff_tbl_ptrs[i] = decompress->ac_huff_tbl_ptrs[i] = NULL;
}

void martlet_jpeg_close(martlet_picture_reader *reader) {
  jpeg_abort_decompress(&reader->jpeg.decompress);
  forget_tables(&reader->jpeg.decompress);
}

/// Which colours libjpeg is to give, or a failure for what it cannot.
static martlet_error choose_colours(martlet_picture_reader *reader) {
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  if (decompress->data_precision != 8) {
    return martlet_fail(reader, MARTLET_PICTURE_UNSUPPORTED, "JPEG with other than 8 bits a sample");
  }
  switch (decompress->jpeg_color_space) {
    case JCS_GRAYSCALE:
      decompress->out_color_space = JCS_GRAYSCALE;
      reader->info.channels = 1;
      return 0;
    case JCS_YCbCr:
    case JCS_RGB:
      decompress->out_color_space = JCS_RGB;
      reader->info.channels = 3;
      return 0;
    case JCS_CMYK:
    case JCS_YCCK:
      decompress->out_color_space = JCS_CMYK;
      reader->info.channels = 3;
      return 0;
    default: return martlet_fail(reader, MARTLET_PICTURE_UNSUPPORTED, "JPEG with an unknown colour space");
  }
}

martlet_error martlet_jpeg_read_header(martlet_picture_reader *reader) {
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  decompress->src->next_input_byte = reader->source.next;
  decompress->src->bytes_in_buffer = (size_t)(reader->source.end - reader->source.next);
  jpeg_read_header(decompress, TRUE);
  decompress->dct_method = JDCT_ISLOW;
  decompress->do_fancy_upsampling = TRUE;
  decompress->do_block_smoothing = FALSE;
  return martlet_check_size(reader, decompress->image_width, decompress->image_height);
}

martlet_error martlet_jpeg_open(martlet_picture_reader *reader) {
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  if (setjmp(reader->jump)) return reader->failure.error;
  martlet_error error = martlet_jpeg_read_header(reader);
  if (error) return error;
  error = choose_colours(reader);
  if (error) return error;
  if (reader->exif_bytes > 6) {
    reader->info.orientation = martlet_exif_orientation(reader->exif + 6, (size_t)reader->exif_bytes - 6);
  }
  bool is_cmyk = decompress->out_color_space == JCS_CMYK;
  error = martlet_take_rows(reader, is_cmyk ? 4 * (size_t)decompress->image_width : 0);
  if (error) return error;
  jpeg_start_decompress(decompress);
  return 0;
}

/// Ink to light. With Adobe's marker the samples are stored inverted.
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, int32_t pixels, bool is_inverted) {
  for (int32_t i = 0; i < pixels; i++, rgb += 3, cmyk += 4) {
    int32_t black = is_inverted ? cmyk[3] : 255 - cmyk[3];
    for (int32_t c = 0; c < 3; c++) {
      int32_t ink = is_inverted ? cmyk[c] : 255 - cmyk[c];
      rgb[c] = (uint8_t)((ink * black + 127) / 255);
    }
  }
}

martlet_error martlet_jpeg_read_row(martlet_picture_reader *reader, const uint8_t **row) {
  j_decompress_ptr decompress = &reader->jpeg.decompress;
  if (setjmp(reader->jump)) return reader->failure.error;
  JSAMPROW into = reader->stored ? reader->stored : reader->row;
  if (jpeg_read_scanlines(decompress, &into, 1) != 1) ERREXIT(decompress, JERR_INPUT_EOF);
  if (reader->stored) cmyk_to_rgb(reader->row, reader->stored, reader->info.width, decompress->saw_Adobe_marker);
  *row = reader->row;
  if (reader->rows_read + 1 == reader->info.height) {
    // The rows' memory is given back here, but it stays where it is until the next picture.
    jpeg_finish_decompress(decompress);
  }
  return 0;
}

/// Picture files, row by row: JPEG, PNG, BMP, PPM and PGM.
///
/// A reader lives in one region of memory that its caller supplies, and reads any number of pictures, one after
/// another. All that the picture libraries want comes out of that region: after martlet_picture_reader_create nothing
/// is taken from the heap. The region need not be resident; a page is touched when a picture needs it.
///
/// What a picture needs does not grow with its height, except for progressive JPEGs (2 bytes a sample), JPEGs with more
/// than one scan, and interlaced PNGs (1 byte a sample), which are held whole; when the region cannot hold one,
/// that is MARTLET_PICTURE_NEEDS_MEMORY.
///
/// martlet_picture_failure_of has the particulars of an error. No function jumps out of here, and no file content
/// whatever makes one trap.
#ifndef MARTLET_PICTURES_H
#define MARTLET_PICTURES_H

#include "martlet_error.h"

#include <stddef.h>

#define MARTLET_PICTURE_MAX_SIDE 32768
#define MARTLET_PICTURE_MAX_PIXELS (1 << 28)
/// Of a progressive JPEG. Each scan goes over the whole picture, however few bytes it has.
#define MARTLET_PICTURE_MAX_SCANS 100

typedef enum martlet_picture_format {
  MARTLET_PICTURE_JPEG = 1,
  MARTLET_PICTURE_PNG = 2,
  MARTLET_PICTURE_BMP = 3,
  MARTLET_PICTURE_PNM = 4
} martlet_picture_format;

typedef struct martlet_picture_info {
  martlet_picture_format format;
  int32_t width, height;
  /// Bytes per pixel: 1 grey, 2 grey and alpha, 3 red, green, blue, 4 with alpha.
  int32_t channels;
  /// EXIF orientation, 1...8.
  int32_t orientation;
} martlet_picture_info;

typedef struct martlet_picture_failure {
  martlet_error error;
  /// As far as they are known, else 0.
  int64_t width, height;
  /// Rows read before.
  int32_t row;
  /// A few words, or empty.
  char detail[96];
} martlet_picture_failure;

typedef struct martlet_picture_reader martlet_picture_reader;

/// The smallest region that makes sense: what a reader itself needs, and room for a baseline JPEG of 32768 columns.
size_t martlet_picture_reader_minimum_bytes(void);
/// A reader in a region that is aligned to 64 bytes. EINVAL: it is not, or too small. libjpeg takes a few KB from the
/// heap here, and gives them back in martlet_picture_reader_destroy.
martlet_error martlet_picture_reader_create(void *region, size_t bytes, martlet_picture_reader **reader);
void martlet_picture_reader_destroy(martlet_picture_reader *reader);

/// Opens a picture file (or a pipe, for all but BMP), reads its header, and checks limits. Closes the one before.
martlet_error martlet_picture_open_file(martlet_picture_reader *reader, const char *path);
/// The same for bytes in memory, which stay the caller's and must stay there until martlet_picture_close.
martlet_error martlet_picture_open_bytes(martlet_picture_reader *reader, const void *bytes, size_t count);
void martlet_picture_close(martlet_picture_reader *reader);

/// Of the open picture.
const martlet_picture_info *martlet_picture_info_of(const martlet_picture_reader *reader);
/// The next row from the top, width * channels bytes, valid until the next call. The last row is given only when the
/// file has ended as its format wants it. Not to be called after the last row or a failure.
martlet_error martlet_picture_read_row(martlet_picture_reader *reader, const uint8_t **row);

/// How the planes of a frame hold its colour; the chroma planes follow one another right behind the luma plane.
typedef enum martlet_picture_chroma {
  MARTLET_CHROMA_NONE = 0,
  /// Cb and Cr for every pixel, with luma's stride.
  MARTLET_CHROMA_444,
  /// For every two pixels of a row, with half of luma's stride.
  MARTLET_CHROMA_422,
  /// For every 2x2 pixels, with half of luma's stride.
  MARTLET_CHROMA_420
} martlet_picture_chroma;

/// A decoded frame: Y, Cb and Cr as JFIF has them (BT.601, full range), 8 bits each.
typedef struct martlet_picture_planes {
  /// Valid until the reader is closed.
  const uint8_t *bytes;
  size_t count;
  martlet_picture_chroma chroma;
  int32_t width, height;
  /// Of luma; even.
  int32_t stride;
} martlet_picture_planes;

/// Opens a JPEG frame in memory as cameras send them (MJPEG: also without Huffman tables, which then are the standard
/// ones, and with anything behind its end), and reads its header: info has the full size. An EXIF orientation does not
/// count. Colours other than grey and YCbCr are MARTLET_PICTURE_UNSUPPORTED.
martlet_error martlet_picture_open_frame(martlet_picture_reader *reader, const void *bytes, size_t count);
/// Decodes the open frame to planes, in `eighths` / 8 (1...8) of its size, rounded up: by libjpeg's scaled transform,
/// and without raising chroma to luma's size. One that is not whole fails.
martlet_error martlet_picture_read_frame(martlet_picture_reader *reader, int32_t eighths, bool luma_only,
                                         martlet_picture_planes *planes);

/// Why the last call failed.
const martlet_picture_failure *martlet_picture_failure_of(const martlet_picture_reader *reader);
/// The most bytes of the region that were in use at any time since the last open.
size_t martlet_picture_peak_bytes(const martlet_picture_reader *reader);

// MARK: - Folders

/// The paths of the pictures in a folder (by their endings), sorted by name, one behind the other, each ending with
/// zero; of a file its own path. The list is the caller's, for martlet_free_list.
martlet_error martlet_list_pictures(const char *path, char **list, size_t *bytes, uint32_t *count);
void martlet_free_list(char *list);
/// Bytes of a text in front of the zero that ends it.
static inline long martlet_text_bytes(const char *text) { return (long)__builtin_strlen(text); }

#endif

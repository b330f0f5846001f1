/// Frames saved into a folder of limited size, the oldest removed first.
#ifndef MARTLET_FRAMES_H
#define MARTLET_FRAMES_H

#include "martlet_camera.h"
#include "martlet_error.h"

#include <stdbool.h>
#include <stddef.h>

enum { MARTLET_STORE_MAX_FRAMES = 65536, MARTLET_STORE_NAME_BYTES = 64 };

/// Where the samples of a component lie: red, green, blue, or Y, Cb, Cr, or luma alone. That of the pixel in column x
/// and row y is first[(y >> row_shift) * stride + (x >> column_shift) * step]; with a word_shift, the eight bits above
/// so many of the word of 16 bits whose lower byte lies there.
typedef struct martlet_stored_samples {
  const uint8_t *first;
  size_t stride;
  uint32_t step, column_shift, row_shift, word_shift;
} martlet_stored_samples;

typedef enum martlet_stored_kind {
  MARTLET_STORED_JPEG = 0,
  MARTLET_STORED_GREY,
  MARTLET_STORED_RGB,
  MARTLET_STORED_YCBCR
} martlet_stored_kind;

/// A frame as it was read.
typedef struct martlet_stored_frame {
  martlet_stored_kind kind;
  /// Of JPEG: the file.
  const void *bytes;
  size_t count;
  /// Of all others: 0 pixels if the frame was not whole; of grey there is one component, with step 1 or words.
  uint32_t width, height;
  martlet_stored_samples samples[3];
  martlet_camera_matrix matrix;
  bool is_full_range;
} martlet_stored_frame;

typedef struct martlet_frame_store martlet_frame_store;

/// Takes stock of a folder: frames are known by their names; others' files are left alone, unfinished ones of our own
/// removed. *store is NULL only without memory. After any other error it is there: the folder is tried again with the
/// next frames.
martlet_error martlet_store_open(const char *folder, uint64_t max_bytes, martlet_frame_store **store);
void martlet_store_close(martlet_frame_store *store);

/// Saves a frame under the decision's number, which must grow: JPEG as it came, grey as PGM, everything else as PPM.
/// EINVAL: a frame that is not whole. EFBIG: one larger than the store may be. *is_new: not the error of the frame
/// before.
martlet_error martlet_store_save(martlet_frame_store *store, const martlet_stored_frame *frame, uint64_t decision,
                                 uint64_t wall_us, bool *is_new);

/// The file name of the last frame that was saved.
const char *martlet_store_last_name(const martlet_frame_store *store);
/// The highest decision number in the folder, 0 without frames.
uint64_t martlet_store_last_decision(const martlet_frame_store *store);
uint64_t martlet_store_bytes(const martlet_frame_store *store);
uint32_t martlet_store_count(const martlet_frame_store *store);
/// Frames that could not be saved since it was opened.
uint64_t martlet_store_lost(const martlet_frame_store *store);

#endif

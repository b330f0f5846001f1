/// Frames saved into a folder of limited size, the oldest removed first.
#ifndef MARTLET_FRAMES_H
#define MARTLET_FRAMES_H

#include "martlet_error.h"

#include <stddef.h>

enum { MARTLET_STORE_MAX_FRAMES = 65536, MARTLET_STORE_NAME_BYTES = 64 };

/// A frame as a camera gave it.
typedef struct martlet_stored_frame {
  const void *bytes;
  size_t count;
  /// A V4L2 four-character code.
  uint32_t format;
  /// `stride`: bytes a row, of the first plane; 0: no padding. Of no meaning for JPEG.
  uint32_t width, height, stride;
  uint8_t is_bt709, is_full_range;
} martlet_stored_frame;

typedef struct martlet_frame_store martlet_frame_store;

/// Takes stock of a folder: frames are known by their names; others' files are left alone, unfinished ones of our own
/// removed. *store is NULL only without memory. After any other error it is there: the folder is tried again with the
/// next frames.
martlet_error martlet_store_open(const char *folder, uint64_t max_bytes, martlet_frame_store **store);
void martlet_store_close(martlet_frame_store *store);

/// Saves a frame under the decision's number, which must grow: JPEG as it came, grey as PGM, everything else as PPM.
/// ENOTSUP: a format that it does not know. EINVAL: a frame shorter than its format wants. EFBIG: one larger than the
/// store may be. *is_new: not the error of the frame before.
martlet_error martlet_store_save(
  martlet_frame_store *store, const martlet_stored_frame *frame, uint64_t decision, uint64_t wall_us, bool *is_new);

/// The file name of the last frame that was saved.
const char *martlet_store_last_name(const martlet_frame_store *store);
/// The highest decision number in the folder, 0 without frames.
uint64_t martlet_store_last_decision(const martlet_frame_store *store);
uint64_t martlet_store_bytes(const martlet_frame_store *store);
uint32_t martlet_store_count(const martlet_frame_store *store);
/// Frames that could not be saved since it was opened.
uint64_t martlet_store_lost(const martlet_frame_store *store);

#endif

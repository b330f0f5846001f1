#ifndef MARTLET_FRAME_STORE_INTERNAL_H
#define MARTLET_FRAME_STORE_INTERNAL_H

#include "martlet_frames.h"

/// What a frame is as a file: bytes in all, and the ending of its name.
typedef struct frame_file {
  uint64_t count;
  const char *ending;
} frame_file;

/// EINVAL where it cannot be one.
martlet_error frame_file_of(const martlet_stored_frame *frame, frame_file *file);
/// Writes it to an open file.
martlet_error frame_file_write(const martlet_stored_frame *frame, int descriptor);

#endif

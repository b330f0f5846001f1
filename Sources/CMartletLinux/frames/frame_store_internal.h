#ifndef MARTLET_FRAME_STORE_INTERNAL_H
#define MARTLET_FRAME_STORE_INTERNAL_H

#include "martlet_frames.h"

/// A saved frame; its name is made of it.
typedef struct frame_entry {
  uint64_t decision;
  /// YYYYMMDDHHMMSS
  uint64_t stamp;
  uint32_t microsecond, count;
  /// In frame_endings.
  uint32_t ending;
} frame_entry;

// frame_name.c

enum { FRAME_ENDINGS = 5 };
extern const char *const frame_endings[FRAME_ENDINGS];

/// The wall clock as names have it, without microseconds.
uint64_t frame_stamp(uint64_t wall_us);
/// `name` has MARTLET_STORE_NAME_BYTES.
void frame_name_of(const frame_entry *entry, char *name);
/// Whether it is a name of ours, exactly.
bool frame_name_read(const char *name, frame_entry *entry);
/// Which of the endings suits a file that begins with these bytes; -1: none.
int frame_ending(const void *bytes, size_t count);
/// Whether a file is what the disk got of a frame before a power cut: less than was written.
bool frame_is_torn(int folder, const char *name, const frame_entry *entry);

// frame_file.c

/// What a frame is as a file: bytes in all, and the ending of its name.
typedef struct frame_file {
  uint64_t count;
  int ending;
  /// What is copied; -1: what is in memory is written.
  int descriptor;
} frame_file;

/// MARTLET_FRAME_NOT_WHOLE where it cannot be one.
martlet_error frame_file_open(const martlet_stored_frame *frame, frame_file *file);
/// Writes it to an open file.
martlet_error frame_file_write(const martlet_stored_frame *frame, const frame_file *file, int descriptor);
void frame_file_close(frame_file *file);

#endif

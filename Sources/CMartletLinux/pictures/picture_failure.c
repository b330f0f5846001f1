/// What every decoder checks, and how it reports a failure.
#include "picture_internal.h"

martlet_error martlet_fail(martlet_picture_reader *reader, martlet_error error, const char *detail) {
  martlet_picture_failure *failure = &reader->failure;
  if (failure->error != 0) return failure->error;
  failure->error = error;
  failure->row = reader->rows_read;
  size_t length = strnlen(detail, sizeof failure->detail - 1);
  memcpy(failure->detail, detail, length);
  failure->detail[length] = 0;
  return error;
}

martlet_error martlet_check_size(martlet_picture_reader *reader, int64_t width, int64_t height) {
  reader->failure.width = width;
  reader->failure.height = height;
  if (width <= 0 || height <= 0) return martlet_fail(reader, MARTLET_PICTURE_NO_PIXELS, "");
  if (width > MARTLET_PICTURE_MAX_SIDE || height > MARTLET_PICTURE_MAX_SIDE ||
      width * height > MARTLET_PICTURE_MAX_PIXELS) {
    return martlet_fail(reader, MARTLET_PICTURE_TOO_LARGE, "");
  }
  reader->info.width = (int32_t)width;
  reader->info.height = (int32_t)height;
  return 0;
}

martlet_error martlet_take_rows(martlet_picture_reader *reader, size_t stored_bytes) {
  reader->row = martlet_arena_take(&reader->arena, (size_t)reader->info.width * (size_t)reader->info.channels);
  reader->stored = stored_bytes > 0 ? martlet_arena_take(&reader->arena, stored_bytes) : NULL;
  if (!reader->row || (stored_bytes > 0 && !reader->stored)) {
    return martlet_fail(reader, MARTLET_PICTURE_NEEDS_MEMORY, "");
  }
  return 0;
}

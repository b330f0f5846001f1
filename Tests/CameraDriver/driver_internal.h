/// What the files of the driver share.
#ifndef MARTLET_CAMERA_DRIVER_INTERNAL_H
#define MARTLET_CAMERA_DRIVER_INTERNAL_H

#include "martlet_camera_driver.h"

#include <errno.h>
#include <linux/videodev2.h>

typedef struct buffer {
  uint8_t *bytes;
  /// Where the program sees them, if elsewhere: slow memory.
  uint8_t *mapped;
  size_t count, used;
  enum { TAKEN, QUEUED, FILLED } state;
  uint32_t sequence, flags;
  uint64_t timestamp_ns;
  uint32_t order;
} buffer;

typedef struct camera {
  bool is_plugged, is_multi_planar, is_streaming, source_changed;
  int32_t number, insist_width, insist_height, interface, index;
  char card[32], bus[32], serial[32];
  driver_control controls[DRIVER_MAX_CONTROLS];
  uint32_t control_count;
  /// The source's picture, 0: it has no selections; the part of it that is shown, and the part of the frame it fills.
  struct v4l2_rect whole, crop, compose;
  /// Of a multi-planar one: bytes before a frame's first.
  uint32_t offset;
  bool scales, is_slow, has_cached, are_cached, has_two_planes;
  uint32_t capabilities, format_count, buffer_count, sequence, order;
  uint32_t space, encoding, quantization;
  uint32_t rate;
  driver_format formats[DRIVER_MAX_FORMATS];
  struct v4l2_format current;
  buffer buffers[MARTLET_CAMERA_BUFFERS];
} camera;

static inline int driver_failed(int error) {
  errno = error;
  return -1;
}

/// Formats, sizes and rates.
int driver_list(const camera *of, unsigned long request, void *argument);
int driver_control_call(camera *of, unsigned long request, void *argument);
int driver_selection(camera *of, unsigned long request, struct v4l2_selection *asked);
/// The part of the picture that a frame of this size shows.
void driver_set_crop_to_frame(camera *of, uint32_t width, uint32_t height);
bool driver_attribute_of(const camera *of, const char *name, char *text, size_t capacity);

/// Memory that takes long for each page that is entered: `bytes` is where the driver fills it at once, `mapped` where
/// everybody else reads it.
void driver_make_slow(size_t count, uint8_t **bytes, uint8_t **mapped);
void driver_end_slow(void);

martlet_error driver_load(martlet_camera_converter *converter);

#endif

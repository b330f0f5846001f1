/// A V4L2 driver in memory, for tests: cameras that are plugged in and out, deliver what they are told, and fail on
/// command. One test at a time uses it, from as many threads as it likes.
#ifndef MARTLET_CAMERA_DRIVER_H
#define MARTLET_CAMERA_DRIVER_H

#include "martlet_camera.h"

#define DRIVER_MAX_CAMERAS 4
#define DRIVER_MAX_FORMATS 8

#define DRIVER_MAX_CONTROLS 8
#define DRIVER_MAX_ENTRIES 8

typedef struct driver_control {
  /// V4L2's number and type.
  uint32_t id, type;
  const char *name;
  int32_t minimum, maximum;
  /// Of a menu: NULL where it has no entry.
  const char *entries[DRIVER_MAX_ENTRIES];
  int32_t value;
} driver_control;

typedef struct driver_format {
  uint32_t fourcc;
  /// Equal minimum and maximum: one size; a width of 0: no size is listed, and any can be had.
  int32_t width, height, max_width, max_height, step;
  /// Up to two rates; 0: none is listed.
  uint32_t rates[2];
  /// Of a pixel, in a line of the first plane (0: compressed) and in all.
  uint32_t line_bits, image_bits;
} driver_format;

/// Forgets all cameras and failures.
void driver_reset(void);
/// Plugs in a camera as /dev/video`number`. Returns its index.
int32_t driver_plug(int32_t number, const char *card, const char *bus);
/// From now on every call on it fails with ENODEV, and its node is gone.
void driver_unplug(int32_t camera);
/// From now on callers of this ioctl are held, until another one is named, or 0.
void driver_hang(int32_t camera, unsigned long request);
void driver_add_format(int32_t camera, driver_format format);
/// S_FMT answers with this size, whatever was asked for; 0: with what was asked for.
void driver_insist(int32_t camera, int32_t width, int32_t height);
void driver_set_multi_planar(int32_t camera, bool is_multi_planar);
/// No camera at all, but an output or a metadata node.
void driver_set_capabilities(int32_t camera, uint32_t capabilities);
/// What sysfs says; -1: nothing.
void driver_set_stream(int32_t camera, const char *serial, int32_t interface, int32_t index);
/// In the order of their numbers.
void driver_add_control(int32_t camera, driver_control control);
/// The size of the source's picture. Scaled, a frame shows all that the crop rectangle says; else a frame that is
/// smaller shows a part. Before that, both rectangles are what a strange program left.
void driver_set_whole(int32_t camera, int32_t width, int32_t height, bool scales);
/// What of the picture is shown, and what of the frame it fills: columns and rows of each.
void driver_seen(int32_t camera, int32_t seen[4]);
/// Its buffers are slow to read, unless it has others and is asked for them.
void driver_set_slow(int32_t camera, bool has_cached);
bool driver_uses_cached(int32_t camera);
/// How often a page of a slow buffer was read that was not one of the last two.
int64_t driver_pages_entered(void);
/// Of a multi-planar one: so many bytes stand before a frame; every format has two planes.
void driver_set_offset(int32_t camera, uint32_t offset);
void driver_set_two_planes(int32_t camera);
/// The converter's library is not on this machine.
void driver_remove_library(bool is_removed);
void driver_set_colours(int32_t camera, uint32_t space, uint32_t encoding, uint32_t quantization);

/// The next `count` calls of this ioctl fail with `error`.
void driver_fail(unsigned long request, int32_t count, int error);
/// Opening fails with this errno value; 0: no longer.
void driver_fail_open(int error);

/// Puts a frame into the next free buffer; false if the driver has none, then only the sequence number grows.
bool driver_deliver(int32_t camera, const void *bytes, size_t count, bool is_damaged, uint64_t timestamp_ns);
/// The source has another size: an event.
void driver_change_source(int32_t camera);
/// Buffers that wait in the driver.
int32_t driver_queued(int32_t camera);
/// Descriptors and mappings in use.
int32_t driver_open_count(void);
int32_t driver_mapped_count(void);
/// What S_CTRL set the control to, by the order in which they were added.
int32_t driver_control_value(int32_t camera, uint32_t control);
/// The size that was set.
void driver_size(int32_t camera, int32_t *width, int32_t *height);

extern const martlet_camera_system driver_system;

/// Macros that Swift does not see.
extern const unsigned long VIDIOC_REQBUFS_VALUE, VIDIOC_QUERYBUF_VALUE, VIDIOC_QBUF_VALUE, VIDIOC_DQBUF_VALUE,
    VIDIOC_STREAMON_VALUE, VIDIOC_S_FMT_VALUE;
extern const int EINVAL_VALUE, EPIPE_VALUE, ENOLINK_VALUE, EIO_VALUE, EBUSY_VALUE, EACCES_VALUE;

#endif

/// A V4L2 camera: what it offers, and its frames by memory-mapped streaming. Nothing here takes memory from the heap.
///
/// Errors are what V4L2 says with errno values: ENODEV the device is gone, EBUSY somebody else streams from it, EINVAL
/// it cannot do that, EIO an error of the driver's own.
#ifndef MARTLET_CAMERA_H
#define MARTLET_CAMERA_H

#include "martlet_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Buffers of a stream: one in work, one that waits, and two that the driver fills.
#define MARTLET_CAMERA_BUFFERS 4
/// Cameras beyond this many are not looked at.
#define MARTLET_CAMERA_MAX_NODES 64

/// libv4l's converter, for formats that are not read directly. It takes memory from the heap.
typedef struct martlet_camera_converter {
  void *library, *state;
  /// The library's functions.
  void *create, *try_format, *convert, *destroy;
} martlet_camera_converter;

/// What a camera needs of the system; tests hand in a driver of their own.
typedef struct martlet_camera_system {
  int (*open)(const char *path, int flags);
  int (*close)(int descriptor);
  int (*ioctl)(int descriptor, unsigned long request, void *argument);
  void *(*map)(size_t count, int descriptor, off_t offset);
  int (*unmap)(void *address, size_t count);
  int (*access)(const char *path, int mode);
  /// What sysfs says of an open node, without blanks at the end: a file below its folder, like index or
  /// device/bInterfaceNumber. Whether there is one.
  bool (*attribute)(int descriptor, const char *name, char *text, size_t capacity);
  /// Finds the converter's functions: 0, ELIBACC or ELIBBAD.
  martlet_error (*load)(martlet_camera_converter *converter);
} martlet_camera_system;

/// The kernel's.
extern const martlet_camera_system martlet_camera_kernel;

typedef enum martlet_camera_matrix {
  MARTLET_CAMERA_BT601 = 0,
  MARTLET_CAMERA_BT709 = 1,
  MARTLET_CAMERA_BT2020 = 2
} martlet_camera_matrix;

/// What frames are like.
typedef struct martlet_camera_format {
  /// As V4L2 has it, four characters, the first one lowest.
  uint32_t fourcc;
  int32_t width, height;
  /// Bytes of a line of the first plane; 0 for compressed formats.
  int32_t stride;
  /// The most bytes of a frame.
  uint32_t byte_count;
  /// How Y'CbCr becomes red, green, blue.
  martlet_camera_matrix matrix;
  bool is_full_range;
  /// Frames in `rate_seconds` seconds; 0 / 1 where the driver does not say.
  uint32_t rate_frames, rate_seconds;
} martlet_camera_format;

typedef struct martlet_camera_info {
  char driver[16];
  /// The name for people.
  char card[32];
  /// Where it is plugged in, like usb-0000:01:00.0-1.2.
  char bus[32];
  /// The serial number of the USB device that it belongs to, or empty.
  char serial[64];
  /// The number of its USB interface, and which of the nodes of one device it is, as in the links of
  /// /dev/v4l/by-path; -1: it has none.
  int32_t interface, index;
} martlet_camera_info;

typedef struct martlet_camera_buffer {
  uint8_t *bytes;
  size_t count;
} martlet_camera_buffer;

/// Sets all to zero before the first use.
typedef struct martlet_camera {
  const martlet_camera_system *system;
  int descriptor;
  /// V4L2_BUF_TYPE_VIDEO_CAPTURE or ..._MPLANE.
  uint32_t type;
  bool is_streaming;
  /// It is one end of a chain of devices that a program has to set up, as libcamera does.
  bool needs_pipeline;
  /// Of the format that was set: it shows a part of the picture.
  bool is_cropped;
  /// The processor does not cache the buffers: a byte should be read once.
  bool is_slow;
  martlet_camera_format format;
  uint32_t buffer_count;
  martlet_camera_buffer buffers[MARTLET_CAMERA_BUFFERS];
} martlet_camera;

/// A frame in the driver's memory, until it is given back.
typedef struct martlet_camera_frame {
  const uint8_t *bytes;
  size_t count;
  /// The driver's count, gaps included.
  uint32_t sequence;
  /// CLOCK_MONOTONIC, as the driver says: usually when the first bytes came. 0: it does not say.
  uint64_t timestamp_ns;
  uint32_t buffer;
  /// Frames that were there but older than this one, and given back unseen.
  uint32_t passed_over;
  /// Frames among those that the driver flagged as damaged.
  uint32_t damaged;
} martlet_camera_frame;

// MARK: - Finding cameras

/// The path of the index-th video node, in the order of their numbers; whether there is one. `system` NULL is the
/// kernel, here and below.
bool martlet_camera_node(const martlet_camera_system *system, int32_t index, char path[32]);

/// Opens a node that captures video by streaming. ENOTTY: it is no such thing.
martlet_error martlet_camera_open(martlet_camera *camera, const martlet_camera_system *system, const char *path);
martlet_error martlet_camera_query(const martlet_camera *camera, martlet_camera_info *info);
/// Stops streaming, unmaps and closes. Safe on a camera that is closed or gone.
void martlet_camera_close(martlet_camera *camera);

// MARK: - What it offers

typedef struct martlet_camera_pixels {
  uint32_t fourcc;
  bool is_compressed;
  /// Made by libv4l or the kernel from another one.
  bool is_emulated;
  char description[32];
} martlet_camera_pixels;
/// EINVAL past the last one, here and in what follows.
martlet_error martlet_camera_pixels_at(const martlet_camera *camera, uint32_t index, martlet_camera_pixels *pixels);

/// A size, or all sizes from a minimum to a maximum in steps.
typedef struct martlet_camera_sizes {
  int32_t width, height;
  /// Equal to width and height for a single size.
  int32_t max_width, max_height;
  int32_t step_width, step_height;
} martlet_camera_sizes;
martlet_error martlet_camera_sizes_at(const martlet_camera *camera, uint32_t fourcc, uint32_t index,
                                      martlet_camera_sizes *sizes);

/// A rate: `frames` in `seconds` seconds; of a range the highest.
typedef struct martlet_camera_rate {
  uint32_t frames, seconds;
  bool is_range;
} martlet_camera_rate;
martlet_error martlet_camera_rate_at(const martlet_camera *camera, uint32_t fourcc, int32_t width, int32_t height,
                                     uint32_t index, martlet_camera_rate *rate);

/// The size of its whole picture, as its source has it; false: the driver does not say.
bool martlet_camera_whole_size(const martlet_camera *camera, int32_t *width, int32_t *height);
/// The size that the last program left it at.
bool martlet_camera_size_now(const martlet_camera *camera, int32_t *width, int32_t *height);

// MARK: - Controls

/// Bytes of a name, the zero at its end too.
#define MARTLET_CONTROL_NAME 40

typedef enum martlet_control_kind {
  MARTLET_CONTROL_NUMBER = 0,
  MARTLET_CONTROL_SWITCH,
  MARTLET_CONTROL_MENU
} martlet_control_kind;

typedef struct martlet_camera_control {
  uint32_t id;
  martlet_control_kind kind;
  /// As v4l2-ctl writes it: lower case, words joined by underscores.
  char name[MARTLET_CONTROL_NAME];
  int32_t minimum, maximum, step, standard, value;
  bool is_settable;
} martlet_camera_control;
/// The control after the one with the number `id`, 0 for the first; `value` is 0.
martlet_error martlet_camera_control_after(const martlet_camera *camera, uint32_t id, martlet_camera_control *control);
/// The control that has or had this name, whatever the kernel or its driver calls it; 0: the name is known as it is,
/// or not at all.
uint32_t martlet_camera_control_id(const char *name);
/// Any text as a control's name is written.
void martlet_camera_plain_name(const char *text, char name[MARTLET_CONTROL_NAME]);
/// An entry of a menu as a name is written; EINVAL: it has none with this number.
martlet_error martlet_camera_menu_entry(const martlet_camera *camera, uint32_t id, int32_t number,
                                        char name[MARTLET_CONTROL_NAME]);
/// Its value now, which many cameras have to be asked for: `value` stays as it is if that fails.
void martlet_camera_read_control(const martlet_camera *camera, martlet_camera_control *control);
martlet_error martlet_camera_set_control(const martlet_camera *camera, uint32_t id, int32_t value);

// MARK: - Frames

/// Asks for a format of the whole picture; camera->format says what the driver made of it, which need not be the same.
/// 0 leaves fourcc, size or rate as they are. ENOTSUP: its planes lie apart.
martlet_error martlet_camera_set_format(martlet_camera *camera, uint32_t fourcc, int32_t width, int32_t height,
                                        uint32_t rate_frames, uint32_t rate_seconds);
/// Maps the buffers, cached ones where the driver's own are not and it has others.
martlet_error martlet_camera_prepare(martlet_camera *camera);
/// Starts, prepared or not; from then on the descriptor polls readable when a frame is there. EPIPE: a part of a chain
/// of devices that nobody has set up.
martlet_error martlet_camera_start(martlet_camera *camera);
void martlet_camera_stop(martlet_camera *camera);

/// The newest frame; all older ones, and those flagged as damaged, go straight back to the driver. EAGAIN: none is
/// there (frame->damaged still counts). ESTALE: the source has another size now; stop, set the format, start.
/// Any other value: the stream is broken; close the camera.
martlet_error martlet_camera_take(martlet_camera *camera, martlet_camera_frame *frame);
martlet_error martlet_camera_give_back(martlet_camera *camera, const martlet_camera_frame *frame);
/// Whether the device still answers.
bool martlet_camera_is_there(const martlet_camera *camera);

/// What an error of these functions means for a person.
typedef enum martlet_camera_failure {
  MARTLET_CAMERA_OTHER = 0,
  MARTLET_CAMERA_GONE,
  MARTLET_CAMERA_MISSING,
  MARTLET_CAMERA_BUSY,
  MARTLET_CAMERA_DENIED,
  MARTLET_CAMERA_NO_CAMERA,
  /// No frame is there yet.
  MARTLET_CAMERA_NOT_YET,
  /// The source has another size now.
  MARTLET_CAMERA_CHANGED,
  /// libv4l's converter is not on this machine.
  MARTLET_CAMERA_NO_CONVERTER,
  /// Nobody can read its format.
  MARTLET_CAMERA_UNREADABLE,
  /// A part of a chain of devices that is not set up.
  MARTLET_CAMERA_NO_PIPELINE,
  /// It does not have the format, or cannot do what was asked.
  MARTLET_CAMERA_REFUSED
} martlet_camera_failure;
martlet_camera_failure martlet_camera_failure_of(martlet_error error);

// MARK: - Other formats

/// Makes one for a format. ELIBACC: libv4lconvert.so.0 is not on this machine. ENOTSUP: it cannot convert that.
///
/// - Parameter converter: zero, or as an earlier call left it: another format of the same camera.
martlet_error martlet_camera_converter_open(martlet_camera_converter *converter, const martlet_camera *camera,
                                            uint32_t fourcc);
/// Keeps the library for another format.
void martlet_camera_converter_stop(martlet_camera_converter *converter);
void martlet_camera_converter_close(martlet_camera_converter *converter);
/// Fills `rgb` with width * height * 3 bytes, which `count` must be; false if the frame makes no sense to the
/// converter.
bool martlet_camera_convert(const martlet_camera_converter *converter, const martlet_camera_format *format,
                            const martlet_camera_frame *frame, uint8_t *rgb, size_t count);

#endif

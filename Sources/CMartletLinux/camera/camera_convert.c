/// Formats that Martlet does not read itself, made red, green, blue by libv4l's converter.
///
/// The library is loaded when a camera needs it: no other command carries it, and a device without such a camera does
/// not have to have it. What it can convert is its own list, which it does not give away; but it chooses the best of
/// what a device has. So it is shown a device with one format: it takes that or none.
#define _GNU_SOURCE
#include "camera_internal.h"

#include <dlfcn.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>

/// libv4l-plugin.h: how the library asks a device. The rest of the table is reserved.
typedef struct device_calls {
  void *(*init)(int descriptor);
  void (*close)(void *context);
  int (*ioctl)(void *context, int descriptor, unsigned long request, void *argument);
  ssize_t (*read)(void *context, int descriptor, void *bytes, size_t count);
  ssize_t (*write)(void *context, int descriptor, const void *bytes, size_t count);
  void (*reserved[7])(void);
} device_calls;

typedef void *(*create_function)(int descriptor, void *context, const device_calls *calls);
typedef int (*try_function)(void *converter, struct v4l2_format *target, struct v4l2_format *source);
typedef int (*convert_function)(void *converter, const struct v4l2_format *source, const struct v4l2_format *target,
                                unsigned char *from, int from_count, unsigned char *to, int to_count);
typedef void (*destroy_function)(void *converter);

martlet_error martlet_camera_load_converter(martlet_camera_converter *converter) {
  converter->library = dlopen("libv4lconvert.so.0", RTLD_NOW | RTLD_LOCAL);
  if (converter->library == NULL) return ELIBACC;
  converter->create = dlsym(converter->library, "v4lconvert_create_with_dev_ops");
  converter->try_format = dlsym(converter->library, "v4lconvert_try_format");
  converter->convert = dlsym(converter->library, "v4lconvert_convert");
  converter->destroy = dlsym(converter->library, "v4lconvert_destroy");
  return converter->create != NULL && converter->try_format != NULL && converter->convert != NULL &&
                 converter->destroy != NULL
             ? 0
             : ELIBBAD;
}

// MARK: - The device that the library sees

static void *one_init(int descriptor) {
  (void)descriptor;
  return NULL;
}
static void one_close(void *context) { (void)context; }
static ssize_t one_read(void *context, int descriptor, void *bytes, size_t count) {
  (void)context, (void)descriptor, (void)bytes, (void)count;
  errno = EINVAL;
  return -1;
}
static ssize_t one_write(void *context, int descriptor, const void *bytes, size_t count) {
  (void)context, (void)descriptor, (void)bytes, (void)count;
  errno = EINVAL;
  return -1;
}

/// A device that has the one format whose code is `context`, in any size.
static int one_ioctl(void *context, int descriptor, unsigned long request, void *argument) {
  switch (request) {
    case VIDIOC_QUERYCAP: {
      struct v4l2_capability *capability = argument;
      memset(capability, 0, sizeof *capability);
      // To a device that puts out pictures too the library adds no controls of its own, in shared memory.
      capability->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_OUTPUT;
      return 0;
    }
    case VIDIOC_ENUM_FMT: {
      struct v4l2_fmtdesc *format = argument;
      if (format->index > 0) break;
      format->pixelformat = (uint32_t)(uintptr_t)context;
      return 0;
    }
    case VIDIOC_TRY_FMT: return 0;
    case VIDIOC_ENUM_FRAMESIZES: break;
    default: return ioctl(descriptor, request, argument);
  }
  errno = EINVAL;
  return -1;
}

static const device_calls one_format = {
    .init = one_init, .close = one_close, .ioctl = one_ioctl, .read = one_read, .write = one_write};

// MARK: - The converter

static struct v4l2_format described(int32_t width, int32_t height, uint32_t fourcc, uint32_t stride, uint32_t count) {
  struct v4l2_format result;
  memset(&result, 0, sizeof result);
  result.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  result.fmt.pix.width = (uint32_t)width;
  result.fmt.pix.height = (uint32_t)height;
  result.fmt.pix.pixelformat = fourcc;
  result.fmt.pix.field = V4L2_FIELD_NONE;
  result.fmt.pix.bytesperline = stride;
  result.fmt.pix.sizeimage = count;
  return result;
}

martlet_error martlet_camera_converter_open(martlet_camera_converter *converter, const martlet_camera *camera,
                                            uint32_t fourcc) {
  if (converter->create == NULL) {
    martlet_error error = camera->system->load(converter);
    if (error != 0) {
      martlet_camera_converter_close(converter);
      return error;
    }
  }
  martlet_camera_converter_stop(converter);
  converter->state = ((create_function)converter->create)(camera->descriptor, (void *)(uintptr_t)fourcc, &one_format);
  if (converter->state == NULL) return ENOMEM;
  struct v4l2_format rgb = described(640, 480, V4L2_PIX_FMT_RGB24, 640 * 3, 640 * 480 * 3), source;
  memset(&source, 0, sizeof source);
  if (((try_function)converter->try_format)(converter->state, &rgb, &source) == 0 &&
      rgb.fmt.pix.pixelformat == V4L2_PIX_FMT_RGB24 && source.fmt.pix.pixelformat == fourcc) {
    return 0;
  }
  martlet_camera_converter_stop(converter);
  return ENOTSUP;
}

void martlet_camera_converter_stop(martlet_camera_converter *converter) {
  if (converter->state != NULL) ((destroy_function)converter->destroy)(converter->state);
  converter->state = NULL;
}

void martlet_camera_converter_close(martlet_camera_converter *converter) {
  martlet_camera_converter_stop(converter);
  if (converter->library != NULL) dlclose(converter->library);
  memset(converter, 0, sizeof *converter);
}

bool martlet_camera_convert(const martlet_camera_converter *converter, const martlet_camera_format *format,
                            const martlet_camera_frame *frame, uint8_t *rgb, size_t count) {
  const int32_t width = format->width, height = format->height;
  // Not for every format the library looks how much there is; compressed ones have no stride.
  if (frame->count < (size_t)format->stride * (size_t)height) return false;
  struct v4l2_format from = described(width, height, format->fourcc, (uint32_t)format->stride, format->byte_count);
  struct v4l2_format to = described(width, height, V4L2_PIX_FMT_RGB24, (uint32_t)width * 3, (uint32_t)count);
  int made = ((convert_function)converter->convert)(converter->state, &from, &to, (unsigned char *)frame->bytes,
                                                    (int)frame->count, rgb, (int)count);
  return made >= 0 && (size_t)made == count;
}

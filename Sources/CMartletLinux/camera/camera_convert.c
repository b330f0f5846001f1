/// Formats that Martlet does not read itself, made red, green, blue by libv4l's converter.
///
/// The library is loaded when a camera needs it: no other command carries it, and a device without such a camera does
/// not have to have it.
#define _GNU_SOURCE
#include "camera_internal.h"

#include <dlfcn.h>
#include <linux/videodev2.h>
#include <string.h>

typedef void *(*create_function)(int descriptor);
typedef void (*destroy_function)(void *converter);
typedef int (*convert_function)(void *converter, const struct v4l2_format *source, const struct v4l2_format *target,
                                unsigned char *from, int from_count, unsigned char *to, int to_count);

martlet_error martlet_camera_load_converter(martlet_camera_converter *converter) {
  converter->library = dlopen("libv4lconvert.so.0", RTLD_NOW | RTLD_LOCAL);
  if (converter->library == NULL) return ELIBACC;
  converter->create = dlsym(converter->library, "v4lconvert_create");
  converter->convert = dlsym(converter->library, "v4lconvert_convert");
  converter->destroy = dlsym(converter->library, "v4lconvert_destroy");
  return converter->create != NULL && converter->convert != NULL && converter->destroy != NULL ? 0 : ELIBBAD;
}

martlet_error martlet_camera_converter_open(martlet_camera_converter *converter, const martlet_camera *camera) {
  memset(converter, 0, sizeof *converter);
  martlet_error error = camera->system->load(converter);
  if (error == 0) converter->state = ((create_function)converter->create)(camera->descriptor);
  if (converter->state != NULL) return 0;
  martlet_camera_converter_close(converter);
  return error != 0 ? error : ELIBBAD;
}

void martlet_camera_converter_close(martlet_camera_converter *converter) {
  if (converter->state != NULL) ((destroy_function)converter->destroy)(converter->state);
  if (converter->library != NULL) dlclose(converter->library);
  memset(converter, 0, sizeof *converter);
}

static struct v4l2_format described(const martlet_camera_format *format, uint32_t fourcc, uint32_t stride,
                                    uint32_t count) {
  struct v4l2_format result;
  memset(&result, 0, sizeof result);
  result.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  result.fmt.pix.width = (uint32_t)format->width;
  result.fmt.pix.height = (uint32_t)format->height;
  result.fmt.pix.pixelformat = fourcc;
  result.fmt.pix.field = V4L2_FIELD_NONE;
  result.fmt.pix.bytesperline = stride;
  result.fmt.pix.sizeimage = count;
  return result;
}

bool martlet_camera_convert(const martlet_camera_converter *converter, const martlet_camera_format *format,
                            const martlet_camera_frame *frame, uint8_t *rgb, size_t count) {
  struct v4l2_format from = described(format, format->fourcc, (uint32_t)format->stride, format->byte_count);
  struct v4l2_format to = described(format, V4L2_PIX_FMT_RGB24, (uint32_t)format->width * 3, (uint32_t)count);
  int made = ((convert_function)converter->convert)(converter->state, &from, &to, (unsigned char *)frame->bytes,
                                                    (int)frame->count, rgb, (int)count);
  return made >= 0 && (size_t)made == count;
}

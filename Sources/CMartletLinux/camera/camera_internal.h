/// What the files of the camera share.
#ifndef MARTLET_CAMERA_INTERNAL_H
#define MARTLET_CAMERA_INTERNAL_H

#include "martlet_camera.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

/// What martlet_camera_kernel loads.
martlet_error martlet_camera_load_converter(martlet_camera_converter *converter);

static inline bool martlet_camera_is_multi_planar(const martlet_camera *camera) {
  return camera->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
}

/// An ioctl on the camera, again where a signal came between.
static inline martlet_error martlet_camera_ioctl(const martlet_camera *camera, unsigned long request, void *argument) {
  int result;
  do {
    result = camera->system->ioctl(camera->descriptor, request, argument);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? errno : 0;
}

/// A buffer as an ioctl takes it, for either kind of device.
typedef struct martlet_camera_request {
  struct v4l2_buffer buffer;
  struct v4l2_plane plane[VIDEO_MAX_PLANES];
} martlet_camera_request;

static inline void martlet_camera_describe(const martlet_camera *camera, martlet_camera_request *request,
                                           uint32_t index) {
  memset(request, 0, sizeof *request);
  request->buffer.type = camera->type;
  request->buffer.memory = V4L2_MEMORY_MMAP;
  request->buffer.index = index;
  if (martlet_camera_is_multi_planar(camera)) {
    request->buffer.m.planes = request->plane;
    request->buffer.length = VIDEO_MAX_PLANES;
  }
}

/// Unmaps the buffers and gives them back to the driver.
void martlet_camera_release_buffers(martlet_camera *camera);

#endif

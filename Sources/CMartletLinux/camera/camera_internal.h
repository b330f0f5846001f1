/// What the files of the camera share.
#ifndef MARTLET_CAMERA_INTERNAL_H
#define MARTLET_CAMERA_INTERNAL_H

#include "martlet_camera.h"

#include <errno.h>

/// What martlet_camera_kernel loads.
martlet_error martlet_camera_load_converter(martlet_camera_converter *converter);

/// An ioctl on the camera, again where a signal came between.
static inline martlet_error martlet_camera_ioctl(const martlet_camera *camera, unsigned long request, void *argument) {
  int result;
  do {
    result = camera->system->ioctl(camera->descriptor, request, argument);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? errno : 0;
}

#endif

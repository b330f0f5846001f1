/// Opening a camera, its stream.
#define _GNU_SOURCE
#include "camera_internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// MARK: - The kernel

static int kernel_open(const char *path, int flags) { return open(path, flags); }
static int kernel_ioctl(int descriptor, unsigned long request, void *argument) {
  return ioctl(descriptor, request, argument);
}
static void *kernel_map(size_t count, int descriptor, off_t offset) {
  // Writable since libv4l works in place on some formats.
  return mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, offset);
}
/// By the node's number, whatever link it was opened by.
static bool kernel_attribute(int descriptor, const char *name, char *text, size_t capacity) {
  struct stat node;
  char path[96];
  text[0] = 0;
  if (fstat(descriptor, &node) != 0 || !S_ISCHR(node.st_mode)) return false;
  snprintf(path, sizeof path, "/sys/dev/char/%u:%u/%s", major(node.st_rdev), minor(node.st_rdev), name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t count = read(file, text, capacity - 1);
  close(file);
  while (count > 0 && isspace((unsigned char)text[count - 1])) count--;
  text[count > 0 ? count : 0] = 0;
  return count >= 0;
}

const martlet_camera_system martlet_camera_kernel = {
    kernel_open, close, kernel_ioctl, kernel_map, munmap, access, kernel_attribute, martlet_camera_load_converter};

// MARK: - Opening

martlet_error martlet_camera_open(martlet_camera *camera, const martlet_camera_system *system, const char *path) {
  memset(camera, 0, sizeof *camera);
  camera->system = system != NULL ? system : &martlet_camera_kernel;
  camera->descriptor = camera->system->open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (camera->descriptor < 0) return errno;
  struct v4l2_capability capability;
  memset(&capability, 0, sizeof capability);
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_QUERYCAP, &capability);
  if (error == 0) {
    uint32_t can = capability.capabilities & V4L2_CAP_DEVICE_CAPS ? capability.device_caps : capability.capabilities;
    if (!(can & V4L2_CAP_STREAMING)) {
      error = ENOTTY;
    } else if (can & V4L2_CAP_VIDEO_CAPTURE) {
      camera->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    } else if (can & V4L2_CAP_VIDEO_CAPTURE_MPLANE) {
      camera->type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
    } else {
      error = ENOTTY;
    }
    camera->needs_pipeline = can & V4L2_CAP_IO_MC;
  }
  if (error != 0) martlet_camera_close(camera);
  return error;
}

void martlet_camera_close(martlet_camera *camera) {
  // Zeroed: never opened. (0 is no descriptor that open gives to a process with a standard input.)
  if (camera->system == NULL) return;
  martlet_camera_stop(camera);
  if (camera->descriptor >= 0) camera->system->close(camera->descriptor);
  memset(camera, 0, sizeof *camera);
}

bool martlet_camera_is_there(const martlet_camera *camera) {
  struct v4l2_capability capability;
  return camera->system != NULL && martlet_camera_ioctl(camera, VIDIOC_QUERYCAP, &capability) == 0;
}

// MARK: - The stream

static martlet_error queue(martlet_camera *camera, uint32_t index) {
  martlet_camera_request request;
  martlet_camera_describe(camera, &request, index);
  return martlet_camera_ioctl(camera, VIDIOC_QBUF, &request.buffer);
}

martlet_error martlet_camera_start(martlet_camera *camera) {
  martlet_error error = camera->buffer_count > 0 ? 0 : martlet_camera_prepare(camera);
  for (uint32_t i = 0; i < camera->buffer_count && error == 0; i++) error = queue(camera, i);
  if (error == 0) {
    // Not every driver has it.
    struct v4l2_event_subscription wish;
    memset(&wish, 0, sizeof wish);
    wish.type = V4L2_EVENT_SOURCE_CHANGE;
    martlet_camera_ioctl(camera, VIDIOC_SUBSCRIBE_EVENT, &wish);
    error = martlet_camera_ioctl(camera, VIDIOC_STREAMON, &camera->type);
    // What a node says whose parts are not joined.
    if (error == EINVAL && camera->needs_pipeline) error = EPIPE;
  }
  camera->is_streaming = error == 0;
  if (error != 0) martlet_camera_stop(camera);
  return error;
}

void martlet_camera_stop(martlet_camera *camera) {
  if (camera->is_streaming) martlet_camera_ioctl(camera, VIDIOC_STREAMOFF, &camera->type);
  camera->is_streaming = false;
  martlet_camera_release_buffers(camera);
}

/// Takes the events that wait; whether one tells of another size.
static bool source_changed(martlet_camera *camera) {
  bool changed = false;
  for (int i = 0; i < 16; i++) {
    struct v4l2_event event;
    memset(&event, 0, sizeof event);
    if (martlet_camera_ioctl(camera, VIDIOC_DQEVENT, &event) != 0) break;
    if (event.type == V4L2_EVENT_SOURCE_CHANGE && event.u.src_change.changes & V4L2_EVENT_SRC_CH_RESOLUTION)
      changed = true;
  }
  return changed;
}

static uint64_t timestamp_ns(const struct v4l2_buffer *buffer) {
  if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) return 0;
  return (uint64_t)buffer->timestamp.tv_sec * 1000000000u + (uint64_t)buffer->timestamp.tv_usec * 1000u;
}

martlet_error martlet_camera_take(martlet_camera *camera, martlet_camera_frame *frame) {
  memset(frame, 0, sizeof *frame);
  if (!camera->is_streaming) return EIO;
  if (source_changed(camera)) return ESTALE;
  bool has_frame = false;
  // No more than there are buffers: a fast camera must not hold us here.
  for (uint32_t i = 0; i < camera->buffer_count; i++) {
    martlet_camera_request request;
    martlet_camera_describe(camera, &request, 0);
    martlet_error error = martlet_camera_ioctl(camera, VIDIOC_DQBUF, &request.buffer);
    if (error == EAGAIN) break;
    if (error != 0) {
      if (has_frame) queue(camera, frame->buffer);
      return error;
    }
    const struct v4l2_buffer *buffer = &request.buffer;
    if (buffer->index >= camera->buffer_count) return EIO;
    const martlet_camera_buffer *memory = &camera->buffers[buffer->index];
    bool is_planar = martlet_camera_is_multi_planar(camera);
    size_t count = is_planar ? request.plane[0].bytesused : buffer->bytesused;
    // Bytes of no meaning before the first one of the frame, which count.
    size_t offset = is_planar ? request.plane[0].data_offset : 0;
    if (buffer->flags & V4L2_BUF_FLAG_ERROR || count <= offset || count > memory->count) {
      frame->damaged++;
      if ((error = queue(camera, buffer->index)) != 0) return error;
      continue;
    }
    if (has_frame) {
      frame->passed_over++;
      if ((error = queue(camera, frame->buffer)) != 0) return error;
    }
    has_frame = true;
    frame->bytes = memory->bytes + offset;
    frame->count = count - offset;
    frame->sequence = buffer->sequence;
    frame->timestamp_ns = timestamp_ns(buffer);
    frame->buffer = buffer->index;
  }
  return has_frame ? 0 : EAGAIN;
}

martlet_error martlet_camera_give_back(martlet_camera *camera, const martlet_camera_frame *frame) {
  return camera->is_streaming ? queue(camera, frame->buffer) : 0;
}

martlet_camera_failure martlet_camera_failure_of(martlet_error error) {
  switch (error) {
    case ENODEV:
    case ENXIO: return MARTLET_CAMERA_GONE;
    case ENOENT:
    case ENOTDIR: return MARTLET_CAMERA_MISSING;
    case EBUSY: return MARTLET_CAMERA_BUSY;
    case EACCES:
    case EPERM: return MARTLET_CAMERA_DENIED;
    // The second is what an emulator says of a call that it does not know.
    case ENOTTY:
    case ENOSYS: return MARTLET_CAMERA_NO_CAMERA;
    case EAGAIN: return MARTLET_CAMERA_NOT_YET;
    case ESTALE: return MARTLET_CAMERA_CHANGED;
    case ELIBACC:
    case ELIBBAD: return MARTLET_CAMERA_NO_CONVERTER;
    case ENOTSUP: return MARTLET_CAMERA_UNREADABLE;
    case EPIPE:
    case ENOLINK: return MARTLET_CAMERA_NO_PIPELINE;
    case EINVAL: return MARTLET_CAMERA_REFUSED;
    default: return MARTLET_CAMERA_OTHER;
  }
}

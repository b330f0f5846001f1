/// Opening a camera, its format, its stream.
#define _GNU_SOURCE
#include "camera_internal.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

const martlet_camera_system martlet_camera_kernel = {
    kernel_open, close, kernel_ioctl, kernel_map, munmap, access, martlet_camera_load_converter};

static bool is_multi_planar(const martlet_camera *camera) { return camera->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE; }

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

// MARK: - The format

/// What the colorimetry of a driver means for Y'CbCr: the standard's own rules where it leaves a field at its default.
static void note_colours(martlet_camera_format *format, uint32_t space, uint32_t encoding, uint32_t quantization) {
  if (encoding == V4L2_YCBCR_ENC_DEFAULT) encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(space);
  switch (encoding) {
    case V4L2_YCBCR_ENC_709:
    case V4L2_YCBCR_ENC_XV709: format->matrix = MARTLET_CAMERA_BT709; break;
    case V4L2_YCBCR_ENC_BT2020:
    case V4L2_YCBCR_ENC_BT2020_CONST_LUM: format->matrix = MARTLET_CAMERA_BT2020; break;
    default: format->matrix = MARTLET_CAMERA_BT601; break;
  }
  if (quantization == V4L2_QUANTIZATION_DEFAULT) quantization = V4L2_MAP_QUANTIZATION_DEFAULT(0, space, encoding);
  format->is_full_range = quantization == V4L2_QUANTIZATION_FULL_RANGE;
}

/// `asked` goes to the driver; what it answers to camera->format.
static martlet_error negotiate(martlet_camera *camera, struct v4l2_format *asked) {
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_S_FMT, asked);
  if (error != 0) return error;
  martlet_camera_format *format = &camera->format;
  if (is_multi_planar(camera)) {
    const struct v4l2_pix_format_mplane *pixels = &asked->fmt.pix_mp;
    // Planes in memory of their own cannot be one buffer.
    if (pixels->num_planes != 1) return EINVAL;
    format->fourcc = pixels->pixelformat;
    format->width = (int32_t)pixels->width;
    format->height = (int32_t)pixels->height;
    format->stride = (int32_t)pixels->plane_fmt[0].bytesperline;
    format->byte_count = pixels->plane_fmt[0].sizeimage;
    note_colours(format, pixels->colorspace, pixels->ycbcr_enc, pixels->quantization);
  } else {
    const struct v4l2_pix_format *pixels = &asked->fmt.pix;
    bool is_extended = pixels->priv == V4L2_PIX_FMT_PRIV_MAGIC;
    format->fourcc = pixels->pixelformat;
    format->width = (int32_t)pixels->width;
    format->height = (int32_t)pixels->height;
    format->stride = (int32_t)pixels->bytesperline;
    format->byte_count = pixels->sizeimage;
    note_colours(format, pixels->colorspace, is_extended ? pixels->ycbcr_enc : V4L2_YCBCR_ENC_DEFAULT,
                 is_extended ? pixels->quantization : V4L2_QUANTIZATION_DEFAULT);
  }
  return 0;
}

static void set_rate(martlet_camera *camera, uint32_t frames, uint32_t seconds) {
  struct v4l2_streamparm parameters;
  memset(&parameters, 0, sizeof parameters);
  parameters.type = camera->type;
  struct v4l2_captureparm *capture = &parameters.parm.capture;
  camera->format.rate_frames = 0;
  camera->format.rate_seconds = 1;
  if (frames != 0) {
    capture->timeperframe.numerator = seconds;
    capture->timeperframe.denominator = frames;
    // A driver without rates runs at its own.
    if (martlet_camera_ioctl(camera, VIDIOC_S_PARM, &parameters) != 0) return;
  } else if (martlet_camera_ioctl(camera, VIDIOC_G_PARM, &parameters) != 0) {
    return;
  }
  if (capture->timeperframe.numerator == 0) return;
  camera->format.rate_frames = capture->timeperframe.denominator;
  camera->format.rate_seconds = capture->timeperframe.numerator;
}

martlet_error martlet_camera_set_format(martlet_camera *camera, uint32_t fourcc, int32_t width, int32_t height,
                                        uint32_t rate_frames, uint32_t rate_seconds) {
  struct v4l2_format asked;
  memset(&asked, 0, sizeof asked);
  asked.type = camera->type;
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_G_FMT, &asked);
  if (error != 0) return error;
  if (is_multi_planar(camera)) {
    struct v4l2_pix_format_mplane *pixels = &asked.fmt.pix_mp;
    if (fourcc != 0) pixels->pixelformat = fourcc;
    if (width != 0) pixels->width = (uint32_t)width;
    if (height != 0) pixels->height = (uint32_t)height;
    pixels->field = V4L2_FIELD_NONE;
    memset(pixels->plane_fmt, 0, sizeof pixels->plane_fmt);
  } else {
    struct v4l2_pix_format *pixels = &asked.fmt.pix;
    if (fourcc != 0) pixels->pixelformat = fourcc;
    if (width != 0) pixels->width = (uint32_t)width;
    if (height != 0) pixels->height = (uint32_t)height;
    pixels->field = V4L2_FIELD_NONE;
    pixels->bytesperline = 0;
    pixels->sizeimage = 0;
  }
  error = negotiate(camera, &asked);
  if (error == 0) set_rate(camera, rate_frames, rate_seconds);
  return error;
}

// MARK: - The stream

/// A buffer as an ioctl takes it, for either kind of device.
typedef struct request {
  struct v4l2_buffer buffer;
  struct v4l2_plane plane[VIDEO_MAX_PLANES];
} request;

static void prepare(const martlet_camera *camera, request *request, uint32_t index) {
  memset(request, 0, sizeof *request);
  request->buffer.type = camera->type;
  request->buffer.memory = V4L2_MEMORY_MMAP;
  request->buffer.index = index;
  if (is_multi_planar(camera)) {
    request->buffer.m.planes = request->plane;
    request->buffer.length = VIDEO_MAX_PLANES;
  }
}

static martlet_error queue(martlet_camera *camera, uint32_t index) {
  request request;
  prepare(camera, &request, index);
  return martlet_camera_ioctl(camera, VIDIOC_QBUF, &request.buffer);
}

static martlet_error map_buffer(martlet_camera *camera, uint32_t index) {
  request request;
  prepare(camera, &request, index);
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_QUERYBUF, &request.buffer);
  if (error != 0) return error;
  bool is_planar = is_multi_planar(camera);
  size_t count = is_planar ? request.plane[0].length : request.buffer.length;
  off_t offset = is_planar ? (off_t)request.plane[0].m.mem_offset : (off_t)request.buffer.m.offset;
  void *bytes = camera->system->map(count, camera->descriptor, offset);
  if (bytes == MAP_FAILED) return errno;
  camera->buffers[index].bytes = bytes;
  camera->buffers[index].count = count;
  return 0;
}

static martlet_error ask_for_buffers(martlet_camera *camera, uint32_t count, uint32_t *given) {
  struct v4l2_requestbuffers asked;
  memset(&asked, 0, sizeof asked);
  asked.count = count;
  asked.type = camera->type;
  asked.memory = V4L2_MEMORY_MMAP;
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_REQBUFS, &asked);
  *given = asked.count;
  return error;
}

martlet_error martlet_camera_start(martlet_camera *camera) {
  uint32_t given = 0;
  martlet_error error = ask_for_buffers(camera, MARTLET_CAMERA_BUFFERS, &given);
  if (error == 0 && given < 2) error = ENOMEM;
  camera->buffer_count = given < MARTLET_CAMERA_BUFFERS ? given : MARTLET_CAMERA_BUFFERS;
  for (uint32_t i = 0; i < camera->buffer_count && error == 0; i++) error = map_buffer(camera, i);
  for (uint32_t i = 0; i < camera->buffer_count && error == 0; i++) error = queue(camera, i);
  if (error == 0) {
    // Not every driver has it.
    struct v4l2_event_subscription wish;
    memset(&wish, 0, sizeof wish);
    wish.type = V4L2_EVENT_SOURCE_CHANGE;
    martlet_camera_ioctl(camera, VIDIOC_SUBSCRIBE_EVENT, &wish);
    error = martlet_camera_ioctl(camera, VIDIOC_STREAMON, &camera->type);
  }
  camera->is_streaming = error == 0;
  if (error != 0) martlet_camera_stop(camera);
  return error;
}

void martlet_camera_stop(martlet_camera *camera) {
  if (camera->is_streaming) martlet_camera_ioctl(camera, VIDIOC_STREAMOFF, &camera->type);
  camera->is_streaming = false;
  bool had_buffers = camera->buffer_count > 0;
  for (uint32_t i = 0; i < camera->buffer_count; i++) {
    if (camera->buffers[i].bytes != NULL) camera->system->unmap(camera->buffers[i].bytes, camera->buffers[i].count);
    camera->buffers[i].bytes = NULL;
    camera->buffers[i].count = 0;
  }
  camera->buffer_count = 0;
  uint32_t given;
  if (had_buffers) ask_for_buffers(camera, 0, &given);
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
    request request;
    prepare(camera, &request, 0);
    martlet_error error = martlet_camera_ioctl(camera, VIDIOC_DQBUF, &request.buffer);
    if (error == EAGAIN) break;
    if (error != 0) {
      if (has_frame) queue(camera, frame->buffer);
      return error;
    }
    const struct v4l2_buffer *buffer = &request.buffer;
    if (buffer->index >= camera->buffer_count) return EIO;
    const martlet_camera_buffer *memory = &camera->buffers[buffer->index];
    size_t count = is_multi_planar(camera) ? request.plane[0].bytesused : buffer->bytesused;
    if (buffer->flags & V4L2_BUF_FLAG_ERROR || count == 0 || count > memory->count) {
      frame->damaged++;
      if ((error = queue(camera, buffer->index)) != 0) return error;
      continue;
    }
    if (has_frame) {
      frame->passed_over++;
      if ((error = queue(camera, frame->buffer)) != 0) return error;
    }
    has_frame = true;
    frame->bytes = memory->bytes;
    frame->count = count;
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
    case EINVAL: return MARTLET_CAMERA_REFUSED;
    default: return MARTLET_CAMERA_OTHER;
  }
}

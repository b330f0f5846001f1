#define _GNU_SOURCE
#include "martlet_camera_driver.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct buffer {
  uint8_t *bytes;
  size_t count, used;
  enum { TAKEN, QUEUED, FILLED } state;
  uint32_t sequence, flags;
  uint64_t timestamp_ns;
  uint32_t order;
} buffer;

typedef struct camera {
  bool is_plugged, is_multi_planar, is_streaming, source_changed;
  int32_t number, insist_width, insist_height, control;
  char card[32], bus[32];
  uint32_t capabilities, format_count, buffer_count, sequence, order;
  uint32_t space, encoding, quantization;
  uint32_t rate;
  driver_format formats[DRIVER_MAX_FORMATS];
  struct v4l2_format current;
  buffer buffers[MARTLET_CAMERA_BUFFERS];
} camera;

#define MAX_DESCRIPTORS 64

/// Of the driver's calls and of what tests do to it: a camera may have a thread of its own.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/// The call in which this camera's caller is held, 0: none. Not under the lock.
static unsigned long hanging[DRIVER_MAX_CAMERAS];

static struct {
  camera cameras[DRIVER_MAX_CAMERAS];
  int32_t camera_count;
  /// An event that polls readable while there is something, and which camera it is; -1: free.
  struct {
    int event;
    int32_t camera;
  } descriptors[MAX_DESCRIPTORS];
  int32_t open_count, mapped_count;
  unsigned long failing;
  int32_t failures;
  int failure, open_failure;
} driver;

// MARK: - Setting up

void driver_reset(void) {
  for (int i = 0; i < DRIVER_MAX_CAMERAS; i++)
    for (int b = 0; b < MARTLET_CAMERA_BUFFERS; b++) free(driver.cameras[i].buffers[b].bytes);
  memset(&driver, 0, sizeof driver);
  for (int i = 0; i < MAX_DESCRIPTORS; i++) driver.descriptors[i].camera = -1;
  for (int i = 0; i < DRIVER_MAX_CAMERAS; i++) __atomic_store_n(&hanging[i], 0, __ATOMIC_SEQ_CST);
}

/// Whoever polls one of the camera's descriptors wakes.
static void raise_descriptors(int32_t index) {
  for (int i = 0; i < MAX_DESCRIPTORS; i++) {
    const uint64_t one = 1;
    if (driver.descriptors[i].camera == index) (void)!write(driver.descriptors[i].event, &one, sizeof one);
  }
}

int32_t driver_plug(int32_t number, const char *card, const char *bus) {
  camera *new = &driver.cameras[driver.camera_count];
  new->is_plugged = true;
  new->number = number;
  new->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  new->space = V4L2_COLORSPACE_SRGB;
  snprintf(new->card, sizeof new->card, "%s", card);
  snprintf(new->bus, sizeof new->bus, "%s", bus);
  return driver.camera_count++;
}

void driver_unplug(int32_t index) {
  pthread_mutex_lock(&lock);
  driver.cameras[index].is_plugged = false;
  raise_descriptors(index);
  pthread_mutex_unlock(&lock);
}
void driver_hang(int32_t index, unsigned long request) { __atomic_store_n(&hanging[index], request, __ATOMIC_SEQ_CST); }
void driver_add_format(int32_t index, driver_format format) {
  camera *to = &driver.cameras[index];
  to->formats[to->format_count++] = format;
}
void driver_insist(int32_t index, int32_t width, int32_t height) {
  driver.cameras[index].insist_width = width;
  driver.cameras[index].insist_height = height;
}
void driver_set_multi_planar(int32_t index, bool is_multi_planar) {
  driver.cameras[index].is_multi_planar = is_multi_planar;
  driver.cameras[index].capabilities = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
}
void driver_set_capabilities(int32_t index, uint32_t capabilities) {
  driver.cameras[index].capabilities = capabilities;
}
void driver_set_colours(int32_t index, uint32_t space, uint32_t encoding, uint32_t quantization) {
  driver.cameras[index].space = space;
  driver.cameras[index].encoding = encoding;
  driver.cameras[index].quantization = quantization;
}
void driver_fail(unsigned long request, int32_t count, int error) {
  driver.failing = request;
  driver.failures = count;
  driver.failure = error;
}
void driver_fail_open(int error) { driver.open_failure = error; }
int32_t driver_open_count(void) { return driver.open_count; }
int32_t driver_mapped_count(void) { return driver.mapped_count; }
int32_t driver_control_value(int32_t index) { return driver.cameras[index].control; }
void driver_change_source(int32_t index) {
  driver.cameras[index].source_changed = true;
  raise_descriptors(index);
}

int32_t driver_queued(int32_t index) {
  int32_t count = 0;
  for (uint32_t i = 0; i < driver.cameras[index].buffer_count; i++)
    count += driver.cameras[index].buffers[i].state == QUEUED;
  return count;
}

static bool deliver(int32_t index, const void *bytes, size_t count, bool is_damaged, uint64_t timestamp_ns) {
  camera *from = &driver.cameras[index];
  uint32_t sequence = from->sequence++;
  if (!from->is_streaming) return false;
  for (uint32_t i = 0; i < from->buffer_count; i++) {
    buffer *into = &from->buffers[i];
    if (into->state != QUEUED) continue;
    into->used = count;
    memcpy(into->bytes, bytes, count < into->count ? count : into->count);
    into->sequence = sequence;
    into->timestamp_ns = timestamp_ns;
    into->flags = (is_damaged ? V4L2_BUF_FLAG_ERROR : 0) |
                  (timestamp_ns != 0 ? V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC : V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN);
    into->order = from->order++;
    into->state = FILLED;
    raise_descriptors(index);
    return true;
  }
  return false;
}

bool driver_deliver(int32_t index, const void *bytes, size_t count, bool is_damaged, uint64_t timestamp_ns) {
  pthread_mutex_lock(&lock);
  bool is_delivered = deliver(index, bytes, count, is_damaged, timestamp_ns);
  pthread_mutex_unlock(&lock);
  return is_delivered;
}

// MARK: - The system's calls

static int fail(int error) {
  errno = error;
  return -1;
}

static int driver_access(const char *path, int mode) {
  (void)mode;
  for (int32_t i = 0; i < driver.camera_count; i++) {
    char node[32];
    snprintf(node, sizeof node, "/dev/video%d", driver.cameras[i].number);
    if (driver.cameras[i].is_plugged && strcmp(node, path) == 0) return 0;
  }
  return fail(ENOENT);
}

static int driver_open(const char *path, int flags) {
  (void)flags;
  if (driver.open_failure != 0) return fail(driver.open_failure);
  for (int32_t i = 0; i < driver.camera_count; i++) {
    char node[32];
    snprintf(node, sizeof node, "/dev/video%d", driver.cameras[i].number);
    if (!driver.cameras[i].is_plugged || strcmp(node, path) != 0) continue;
    for (int slot = 0; slot < MAX_DESCRIPTORS; slot++) {
      if (driver.descriptors[slot].camera >= 0) continue;
      driver.descriptors[slot].camera = i;
      driver.descriptors[slot].event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
      driver.open_count++;
      return driver.descriptors[slot].event;
    }
  }
  return fail(ENOENT);
}

/// Where the descriptor is in the table; -1: it is none of ours.
static int slot_of(int descriptor) {
  for (int slot = 0; slot < MAX_DESCRIPTORS; slot++)
    if (driver.descriptors[slot].camera >= 0 && driver.descriptors[slot].event == descriptor) return slot;
  return -1;
}

static camera *camera_of(int descriptor) {
  int slot = slot_of(descriptor);
  return slot < 0 ? NULL : &driver.cameras[driver.descriptors[slot].camera];
}

static int driver_close(int descriptor) {
  camera *closed = camera_of(descriptor);
  if (closed == NULL) return fail(EBADF);
  closed->is_streaming = false;
  driver.descriptors[slot_of(descriptor)].camera = -1;
  driver.open_count--;
  return close(descriptor);
}

static void *driver_map(size_t count, int descriptor, off_t offset) {
  camera *from = camera_of(descriptor);
  if (from == NULL || offset >= from->buffer_count || from->buffers[offset].count != count) return MAP_FAILED;
  driver.mapped_count++;
  return from->buffers[offset].bytes;
}

static int driver_unmap(void *address, size_t count) {
  (void)address;
  (void)count;
  driver.mapped_count--;
  return 0;
}

static int set_format(camera *to, struct v4l2_format *asked) {
  uint32_t width = to->is_multi_planar ? asked->fmt.pix_mp.width : asked->fmt.pix.width;
  uint32_t height = to->is_multi_planar ? asked->fmt.pix_mp.height : asked->fmt.pix.height;
  uint32_t fourcc = to->is_multi_planar ? asked->fmt.pix_mp.pixelformat : asked->fmt.pix.pixelformat;
  if (to->insist_width != 0) {
    width = (uint32_t)to->insist_width;
    height = (uint32_t)to->insist_height;
  }
  uint32_t line = 0, image = 0;
  for (uint32_t i = 0; i < to->format_count && image == 0; i++) {
    if (to->formats[i].fourcc != fourcc) continue;
    line = width * to->formats[i].line_bits / 8;
    image = width * height * to->formats[i].image_bits / 8;
  }
  if (to->is_multi_planar) {
    asked->fmt.pix_mp.width = width;
    asked->fmt.pix_mp.height = height;
    asked->fmt.pix_mp.num_planes = 1;
    asked->fmt.pix_mp.plane_fmt[0].bytesperline = line;
    asked->fmt.pix_mp.plane_fmt[0].sizeimage = image;
    asked->fmt.pix_mp.colorspace = to->space;
    asked->fmt.pix_mp.ycbcr_enc = (uint8_t)to->encoding;
    asked->fmt.pix_mp.quantization = (uint8_t)to->quantization;
  } else {
    asked->fmt.pix.width = width;
    asked->fmt.pix.height = height;
    asked->fmt.pix.bytesperline = line;
    asked->fmt.pix.sizeimage = image;
    asked->fmt.pix.priv = V4L2_PIX_FMT_PRIV_MAGIC;
    asked->fmt.pix.colorspace = to->space;
    asked->fmt.pix.ycbcr_enc = to->encoding;
    asked->fmt.pix.quantization = to->quantization;
  }
  to->current = *asked;
  return 0;
}

static int request_buffers(camera *of, struct v4l2_requestbuffers *asked) {
  if (of->is_streaming) return fail(EBUSY);
  for (int i = 0; i < MARTLET_CAMERA_BUFFERS; i++) free(of->buffers[i].bytes);
  memset(of->buffers, 0, sizeof of->buffers);
  of->buffer_count = asked->count;
  size_t size = of->is_multi_planar ? of->current.fmt.pix_mp.plane_fmt[0].sizeimage : of->current.fmt.pix.sizeimage;
  for (uint32_t i = 0; i < asked->count; i++) {
    of->buffers[i].bytes = calloc(1, size);
    of->buffers[i].count = size;
  }
  return 0;
}

static int dequeue(camera *from, struct v4l2_buffer *into) {
  buffer *oldest = NULL;
  for (uint32_t i = 0; i < from->buffer_count; i++) {
    buffer *one = &from->buffers[i];
    if (one->state == FILLED && (oldest == NULL || one->order < oldest->order)) oldest = one;
  }
  if (oldest == NULL) {
    for (int i = 0; i < MAX_DESCRIPTORS; i++) {
      uint64_t count;
      bool is_of_it = driver.descriptors[i].camera >= 0 && &driver.cameras[driver.descriptors[i].camera] == from;
      if (is_of_it) (void)!read(driver.descriptors[i].event, &count, sizeof count);
    }
    return fail(EAGAIN);
  }
  oldest->state = TAKEN;
  into->index = (uint32_t)(oldest - from->buffers);
  into->sequence = oldest->sequence;
  into->flags = oldest->flags;
  into->timestamp.tv_sec = (long)(oldest->timestamp_ns / 1000000000u);
  into->timestamp.tv_usec = (long)(oldest->timestamp_ns % 1000000000u / 1000u);
  if (from->is_multi_planar) into->m.planes[0].bytesused = (uint32_t)oldest->used;
  else into->bytesused = (uint32_t)oldest->used;
  return 0;
}

static int list(const camera *of, unsigned long request, void *argument) {
  if (request == VIDIOC_ENUM_FMT) {
    struct v4l2_fmtdesc *entry = argument;
    // One entry a format, however many sizes it has.
    uint32_t seen = 0;
    for (uint32_t i = 0; i < of->format_count; i++) {
      bool is_new = true;
      for (uint32_t k = 0; k < i; k++) is_new = is_new && of->formats[k].fourcc != of->formats[i].fourcc;
      if (!is_new || seen++ != entry->index) continue;
      entry->pixelformat = of->formats[i].fourcc;
      return 0;
    }
  } else if (request == VIDIOC_ENUM_FRAMESIZES) {
    struct v4l2_frmsizeenum *entry = argument;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < of->format_count; i++) {
      const driver_format *format = &of->formats[i];
      if (format->fourcc != entry->pixel_format || seen++ != entry->index) continue;
      bool is_range = format->max_width > format->width;
      entry->type = is_range ? V4L2_FRMSIZE_TYPE_STEPWISE : V4L2_FRMSIZE_TYPE_DISCRETE;
      if (is_range) {
        struct v4l2_frmsize_stepwise range = {(uint32_t)format->width,      (uint32_t)format->max_width,
                                              (uint32_t)format->step,       (uint32_t)format->height,
                                              (uint32_t)format->max_height, (uint32_t)format->step};
        entry->stepwise = range;
      } else {
        entry->discrete.width = (uint32_t)format->width;
        entry->discrete.height = (uint32_t)format->height;
      }
      return 0;
    }
  } else {
    struct v4l2_frmivalenum *entry = argument;
    for (uint32_t i = 0; i < of->format_count; i++) {
      if (of->formats[i].fourcc != entry->pixel_format || entry->index > 1) continue;
      if (of->formats[i].rates[entry->index] == 0) continue;
      entry->type = V4L2_FRMIVAL_TYPE_DISCRETE;
      entry->discrete.numerator = 1;
      entry->discrete.denominator = of->formats[i].rates[entry->index];
      return 0;
    }
  }
  return fail(EINVAL);
}

static int control(camera *of, unsigned long request, void *argument) {
  if (request == VIDIOC_QUERYCTRL) {
    struct v4l2_queryctrl *query = argument;
    if ((query->id & ~V4L2_CTRL_FLAG_NEXT_CTRL) >= V4L2_CID_BRIGHTNESS) return fail(EINVAL);
    query->id = V4L2_CID_BRIGHTNESS;
    query->type = V4L2_CTRL_TYPE_INTEGER;
    snprintf((char *)query->name, sizeof query->name, "White Balance, Auto");
    query->minimum = -5;
    query->maximum = 5;
    query->step = 1;
    return 0;
  }
  struct v4l2_control *value = argument;
  if (request == VIDIOC_S_CTRL) of->control = value->value;
  value->value = of->control;
  return 0;
}

static int answer(int descriptor, unsigned long request, void *argument) {
  camera *of = camera_of(descriptor);
  if (of == NULL) return fail(EBADF);
  if (!of->is_plugged) return fail(ENODEV);
  if (driver.failures > 0 && request == driver.failing) {
    driver.failures--;
    return fail(driver.failure);
  }
  switch (request) {
    case VIDIOC_QUERYCAP: {
      struct v4l2_capability *capability = argument;
      snprintf((char *)capability->driver, sizeof capability->driver, "test");
      memcpy(capability->card, of->card, sizeof capability->card);
      memcpy(capability->bus_info, of->bus, sizeof capability->bus_info);
      capability->capabilities = V4L2_CAP_DEVICE_CAPS | of->capabilities;
      capability->device_caps = of->capabilities;
      return 0;
    }
    case VIDIOC_ENUM_FMT:
    case VIDIOC_ENUM_FRAMESIZES:
    case VIDIOC_ENUM_FRAMEINTERVALS: return list(of, request, argument);
    case VIDIOC_QUERYCTRL:
    case VIDIOC_G_CTRL:
    case VIDIOC_S_CTRL: return control(of, request, argument);
    case VIDIOC_G_FMT: memcpy(argument, &of->current, sizeof of->current); return 0;
    case VIDIOC_S_FMT: return of->is_streaming ? fail(EBUSY) : set_format(of, argument);
    case VIDIOC_S_PARM:
      of->rate = ((struct v4l2_streamparm *)argument)->parm.capture.timeperframe.denominator;
      return 0;
    case VIDIOC_G_PARM: return fail(ENOTTY);
    case VIDIOC_REQBUFS: return request_buffers(of, argument);
    case VIDIOC_QUERYBUF: {
      struct v4l2_buffer *buffer = argument;
      if (of->is_multi_planar) {
        buffer->m.planes[0].length = (uint32_t)of->buffers[buffer->index].count;
        buffer->m.planes[0].m.mem_offset = buffer->index;
      } else {
        buffer->length = (uint32_t)of->buffers[buffer->index].count;
        buffer->m.offset = buffer->index;
      }
      return 0;
    }
    case VIDIOC_QBUF: {
      struct v4l2_buffer *buffer = argument;
      // Queued twice would be a mistake of the caller's.
      if (buffer->index >= of->buffer_count || of->buffers[buffer->index].state != TAKEN) return fail(EINVAL);
      of->buffers[buffer->index].state = QUEUED;
      return 0;
    }
    case VIDIOC_DQBUF: return of->is_streaming ? dequeue(of, argument) : fail(EINVAL);
    case VIDIOC_STREAMON: of->is_streaming = true; return 0;
    case VIDIOC_STREAMOFF:
      of->is_streaming = false;
      for (uint32_t i = 0; i < of->buffer_count; i++) of->buffers[i].state = TAKEN;
      return 0;
    case VIDIOC_SUBSCRIBE_EVENT: return 0;
    case VIDIOC_DQEVENT: {
      struct v4l2_event *event = argument;
      if (!of->source_changed) return fail(ENOENT);
      of->source_changed = false;
      event->type = V4L2_EVENT_SOURCE_CHANGE;
      event->u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
      return 0;
    }
    default: return fail(ENOTTY);
  }
}

static int driver_ioctl(int descriptor, unsigned long request, void *argument) {
  pthread_mutex_lock(&lock);
  int slot = slot_of(descriptor), index = slot < 0 ? -1 : driver.descriptors[slot].camera;
  pthread_mutex_unlock(&lock);
  while (index >= 0 && __atomic_load_n(&hanging[index], __ATOMIC_SEQ_CST) == request) usleep(1000);
  pthread_mutex_lock(&lock);
  int result = answer(descriptor, request, argument), error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

// MARK: - The converter

static void *driver_create(int descriptor) { return camera_of(descriptor); }
static void driver_destroy(void *converter) { (void)converter; }

/// Every byte of the result is that of the source at the same place, inverted; from the beginning again at its end.
static int driver_convert(void *converter, const struct v4l2_format *source, const struct v4l2_format *target,
                          unsigned char *from, int from_count, unsigned char *to, int to_count) {
  (void)converter;
  if (target->fmt.pix.pixelformat != V4L2_PIX_FMT_RGB24) return -1;
  if ((uint32_t)from_count < source->fmt.pix.sizeimage) return -1;
  for (int i = 0; i < to_count; i++) to[i] = (unsigned char)~from[i % from_count];
  return to_count;
}

static martlet_error driver_load(martlet_camera_converter *converter) {
  converter->create = (void *)driver_create;
  converter->convert = (void *)driver_convert;
  converter->destroy = (void *)driver_destroy;
  return 0;
}

const martlet_camera_system driver_system = {driver_open,  driver_close,  driver_ioctl, driver_map,
                                             driver_unmap, driver_access, driver_load};

const unsigned long VIDIOC_REQBUFS_VALUE = VIDIOC_REQBUFS, VIDIOC_QUERYBUF_VALUE = VIDIOC_QUERYBUF,
                    VIDIOC_QBUF_VALUE = VIDIOC_QBUF, VIDIOC_DQBUF_VALUE = VIDIOC_DQBUF,
                    VIDIOC_STREAMON_VALUE = VIDIOC_STREAMON, VIDIOC_S_FMT_VALUE = VIDIOC_S_FMT;
const int EIO_VALUE = EIO, EBUSY_VALUE = EBUSY, EACCES_VALUE = EACCES;

#define _GNU_SOURCE
#include "driver_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

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

static void free_buffers(camera *of) {
  for (int i = 0; i < MARTLET_CAMERA_BUFFERS; i++)
    if (of->buffers[i].mapped == NULL) free(of->buffers[i].bytes);
  memset(of->buffers, 0, sizeof of->buffers);
}

void driver_reset(void) {
  for (int i = 0; i < DRIVER_MAX_CAMERAS; i++) free_buffers(&driver.cameras[i]);
  driver_end_slow();
  driver_remove_library(false);
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
  new->interface = new->index = -1;
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
void driver_set_stream(int32_t index, const char *serial, int32_t interface, int32_t stream) {
  driver.cameras[index].interface = interface;
  driver.cameras[index].index = stream;
  snprintf(driver.cameras[index].serial, sizeof driver.cameras[index].serial, "%s", serial);
}
void driver_add_control(int32_t index, driver_control control) {
  camera *to = &driver.cameras[index];
  to->controls[to->control_count++] = control;
}
void driver_set_whole(int32_t index, int32_t width, int32_t height, bool scales) {
  camera *of = &driver.cameras[index];
  of->whole = (struct v4l2_rect){.width = (uint32_t)width, .height = (uint32_t)height};
  of->crop = of->compose = (struct v4l2_rect){.left = 2, .top = 2, .width = 8, .height = 8};
  of->scales = scales;
}
void driver_set_slow(int32_t index, bool has_cached) {
  driver.cameras[index].is_slow = true;
  driver.cameras[index].has_cached = has_cached;
}
void driver_set_offset(int32_t index, uint32_t offset) { driver.cameras[index].offset = offset; }
void driver_set_two_planes(int32_t index) { driver.cameras[index].has_two_planes = true; }
void driver_seen(int32_t index, int32_t seen[4]) {
  const camera *of = &driver.cameras[index];
  seen[0] = (int32_t)of->crop.width, seen[1] = (int32_t)of->crop.height;
  seen[2] = (int32_t)of->compose.width, seen[3] = (int32_t)of->compose.height;
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
int32_t driver_control_value(int32_t index, uint32_t control) { return driver.cameras[index].controls[control].value; }
bool driver_uses_cached(int32_t index) { return driver.cameras[index].are_cached; }
void driver_size(int32_t index, int32_t *width, int32_t *height) {
  *width = (int32_t)driver.cameras[index].current.fmt.pix.width;
  *height = (int32_t)driver.cameras[index].current.fmt.pix.height;
}
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

static int driver_access(const char *path, int mode) {
  (void)mode;
  for (int32_t i = 0; i < driver.camera_count; i++) {
    char node[32];
    snprintf(node, sizeof node, "/dev/video%d", driver.cameras[i].number);
    if (driver.cameras[i].is_plugged && strcmp(node, path) == 0) return 0;
  }
  return driver_failed(ENOENT);
}

static int driver_open(const char *path, int flags) {
  (void)flags;
  if (driver.open_failure != 0) return driver_failed(driver.open_failure);
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
  return driver_failed(ENOENT);
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
  if (closed == NULL) return driver_failed(EBADF);
  closed->is_streaming = false;
  driver.descriptors[slot_of(descriptor)].camera = -1;
  driver.open_count--;
  return close(descriptor);
}

static void *driver_map(size_t count, int descriptor, off_t offset) {
  camera *from = camera_of(descriptor);
  if (from == NULL || offset >= from->buffer_count || from->buffers[offset].count != count) return MAP_FAILED;
  driver.mapped_count++;
  return from->buffers[offset].mapped != NULL ? from->buffers[offset].mapped : from->buffers[offset].bytes;
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
    asked->fmt.pix_mp.num_planes = to->has_two_planes ? 2 : 1;
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
  if (to->whole.width != 0) driver_set_crop_to_frame(to, width, height);
  return 0;
}

static int request_buffers(camera *of, struct v4l2_requestbuffers *asked) {
  if (of->is_streaming) return driver_failed(EBUSY);
  of->are_cached = of->has_cached && asked->flags & V4L2_MEMORY_FLAG_NON_COHERENT;
  asked->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP | (of->has_cached ? V4L2_BUF_CAP_SUPPORTS_MMAP_CACHE_HINTS : 0);
  free_buffers(of);
  of->buffer_count = asked->count;
  size_t size = of->is_multi_planar ? of->current.fmt.pix_mp.plane_fmt[0].sizeimage : of->current.fmt.pix.sizeimage;
  for (uint32_t i = 0; i < asked->count; i++) {
    if (of->is_slow && !of->are_cached) driver_make_slow(size, &of->buffers[i].bytes, &of->buffers[i].mapped);
    else of->buffers[i].bytes = calloc(1, size);
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
    return driver_failed(EAGAIN);
  }
  oldest->state = TAKEN;
  into->index = (uint32_t)(oldest - from->buffers);
  into->sequence = oldest->sequence;
  into->flags = oldest->flags;
  into->timestamp.tv_sec = (long)(oldest->timestamp_ns / 1000000000u);
  into->timestamp.tv_usec = (long)(oldest->timestamp_ns % 1000000000u / 1000u);
  if (from->is_multi_planar) {
    into->m.planes[0].bytesused = (uint32_t)oldest->used;
    into->m.planes[0].data_offset = from->offset;
  } else into->bytesused = (uint32_t)oldest->used;
  return 0;
}

static bool driver_attribute(int descriptor, const char *name, char *text, size_t capacity) {
  const camera *of = camera_of(descriptor);
  return of != NULL && driver_attribute_of(of, name, text, capacity);
}

static int answer(int descriptor, unsigned long request, void *argument) {
  camera *of = camera_of(descriptor);
  if (of == NULL) return driver_failed(EBADF);
  if (!of->is_plugged) return driver_failed(ENODEV);
  if (driver.failures > 0 && request == driver.failing) {
    driver.failures--;
    return driver_failed(driver.failure);
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
    case VIDIOC_ENUM_FRAMEINTERVALS: return driver_list(of, request, argument);
    case VIDIOC_QUERYCTRL:
    case VIDIOC_QUERYMENU:
    case VIDIOC_G_CTRL:
    case VIDIOC_S_CTRL: return driver_control_call(of, request, argument);
    case VIDIOC_G_SELECTION:
    case VIDIOC_S_SELECTION: return driver_selection(of, request, argument);
    case VIDIOC_G_FMT: memcpy(argument, &of->current, sizeof of->current); return 0;
    case VIDIOC_S_FMT: return of->is_streaming ? driver_failed(EBUSY) : set_format(of, argument);
    case VIDIOC_S_PARM:
      of->rate = ((struct v4l2_streamparm *)argument)->parm.capture.timeperframe.denominator;
      return 0;
    case VIDIOC_G_PARM: return driver_failed(ENOTTY);
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
      if (buffer->index >= of->buffer_count || of->buffers[buffer->index].state != TAKEN) return driver_failed(EINVAL);
      of->buffers[buffer->index].state = QUEUED;
      return 0;
    }
    case VIDIOC_DQBUF: return of->is_streaming ? dequeue(of, argument) : driver_failed(EINVAL);
    case VIDIOC_STREAMON: of->is_streaming = true; return 0;
    case VIDIOC_STREAMOFF:
      of->is_streaming = false;
      for (uint32_t i = 0; i < of->buffer_count; i++) of->buffers[i].state = TAKEN;
      return 0;
    case VIDIOC_SUBSCRIBE_EVENT: return 0;
    case VIDIOC_DQEVENT: {
      struct v4l2_event *event = argument;
      if (!of->source_changed) return driver_failed(ENOENT);
      of->source_changed = false;
      event->type = V4L2_EVENT_SOURCE_CHANGE;
      event->u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
      return 0;
    }
    default: return driver_failed(ENOTTY);
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

const martlet_camera_system driver_system = {driver_open,  driver_close,  driver_ioctl,     driver_map,
                                             driver_unmap, driver_access, driver_attribute, driver_load};

const unsigned long VIDIOC_REQBUFS_VALUE = VIDIOC_REQBUFS, VIDIOC_QUERYBUF_VALUE = VIDIOC_QUERYBUF,
                    VIDIOC_QBUF_VALUE = VIDIOC_QBUF, VIDIOC_DQBUF_VALUE = VIDIOC_DQBUF,
                    VIDIOC_STREAMON_VALUE = VIDIOC_STREAMON, VIDIOC_S_FMT_VALUE = VIDIOC_S_FMT;
const int EINVAL_VALUE = EINVAL, EPIPE_VALUE = EPIPE, ENOLINK_VALUE = ENOLINK, EIO_VALUE = EIO, EBUSY_VALUE = EBUSY,
          EACCES_VALUE = EACCES;

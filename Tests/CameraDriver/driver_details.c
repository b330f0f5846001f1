/// What a camera of the driver's answers besides frames: controls, selections, sysfs; and the converter.
#define _GNU_SOURCE
#include "driver_internal.h"

#include <stdio.h>
#include <string.h>

// MARK: - Controls

static driver_control *control_of(camera *of, uint32_t id) {
  for (uint32_t i = 0; i < of->control_count; i++)
    if (of->controls[i].id == id) return &of->controls[i];
  return NULL;
}

int driver_control_call(camera *of, unsigned long request, void *argument) {
  if (request == VIDIOC_QUERYCTRL) {
    struct v4l2_queryctrl *query = argument;
    const driver_control *found = control_of(of, query->id);
    bool is_next = query->id & V4L2_CTRL_FLAG_NEXT_CTRL;
    // In the order of their numbers, in which they were added.
    for (uint32_t i = 0; is_next && found == NULL && i < of->control_count; i++)
      if (of->controls[i].id > (query->id & ~V4L2_CTRL_FLAG_NEXT_CTRL)) found = &of->controls[i];
    if (found == NULL) return driver_failed(EINVAL);
    query->id = found->id;
    query->type = found->type;
    snprintf((char *)query->name, sizeof query->name, "%s", found->name);
    query->minimum = found->minimum;
    query->maximum = found->maximum;
    query->step = 1;
    return 0;
  }
  if (request == VIDIOC_QUERYMENU) {
    struct v4l2_querymenu *entry = argument;
    const driver_control *found = control_of(of, entry->id);
    if (found == NULL || entry->index >= DRIVER_MAX_ENTRIES || found->entries[entry->index] == NULL)
      return driver_failed(EINVAL);
    snprintf((char *)entry->name, sizeof entry->name, "%s", found->entries[entry->index]);
    return 0;
  }
  struct v4l2_control *value = argument;
  driver_control *found = control_of(of, value->id);
  if (found == NULL) return driver_failed(EINVAL);
  if (request == VIDIOC_S_CTRL) found->value = value->value;
  value->value = found->value;
  return 0;
}

// MARK: - Selections

int driver_selection(camera *of, unsigned long request, struct v4l2_selection *asked) {
  if (of->whole.width == 0) return driver_failed(ENOTTY);
  struct v4l2_rect *own = NULL;
  switch (asked->target) {
    case V4L2_SEL_TGT_CROP_DEFAULT:
    case V4L2_SEL_TGT_CROP_BOUNDS: asked->r = of->whole; break;
    case V4L2_SEL_TGT_COMPOSE_DEFAULT:
      asked->r = (struct v4l2_rect){.width = of->current.fmt.pix.width, .height = of->current.fmt.pix.height};
      break;
    case V4L2_SEL_TGT_CROP: own = &of->crop; break;
    case V4L2_SEL_TGT_COMPOSE: own = &of->compose; break;
    default: return driver_failed(EINVAL);
  }
  if (own == NULL) return request == VIDIOC_G_SELECTION ? 0 : driver_failed(EINVAL);
  if (request == VIDIOC_S_SELECTION) *own = asked->r;
  asked->r = *own;
  return 0;
}

void driver_set_crop_to_frame(camera *of, uint32_t width, uint32_t height) {
  if (of->scales) return;
  of->crop.width = width < of->whole.width ? width : of->whole.width;
  of->crop.height = height < of->whole.height ? height : of->whole.height;
}

// MARK: - sysfs

bool driver_attribute_of(const camera *of, const char *name, char *text, size_t capacity) {
  text[0] = 0;
  if (strcmp(name, "index") == 0 && of->index >= 0) return snprintf(text, capacity, "%d", of->index) > 0;
  if (strcmp(name, "device/bInterfaceNumber") == 0 && of->interface >= 0)
    return snprintf(text, capacity, "%02x", (unsigned)of->interface) > 0;
  // Of the USB device above the interface.
  if (strcmp(name, "device/../serial") == 0 && of->serial[0] != 0)
    return snprintf(text, capacity, "%s", of->serial) > 0;
  return false;
}

// MARK: - The converter

typedef struct calls {
  void *init, *close;
  int (*ioctl)(void *context, int descriptor, unsigned long request, void *argument);
} calls;

static uint32_t code(const char name[4]) {
  return (uint32_t)name[0] | (uint32_t)name[1] << 8 | (uint32_t)name[2] << 16 | (uint32_t)name[3] << 24;
}

/// Of the formats that the device has, the one that is known: as libv4lconvert, it asks for the list.
static void *create(int descriptor, void *context, const calls *calls) {
  static uint32_t found;
  found = 0;
  struct v4l2_fmtdesc format;
  for (uint32_t index = 0;; index++) {
    memset(&format, 0, sizeof format);
    format.index = index;
    format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (calls->ioctl(context, descriptor, VIDIOC_ENUM_FMT, &format) != 0) break;
    if (format.pixelformat == code("YVYU") || format.pixelformat == code("BA81")) found = format.pixelformat;
  }
  return &found;
}

static int try_format(void *converter, struct v4l2_format *target, struct v4l2_format *source) {
  const uint32_t *found = converter;
  *source = *target;
  source->fmt.pix.pixelformat = *found;
  return *found != 0 ? 0 : -1;
}

static void destroy(void *converter) { (void)converter; }

/// Every byte of the result is that of the source at the same place, inverted; from the beginning again at its end.
static int convert(void *converter, const struct v4l2_format *source, const struct v4l2_format *target,
                   unsigned char *from, int from_count, unsigned char *to, int to_count) {
  (void)converter;
  (void)source;
  if (target->fmt.pix.pixelformat != V4L2_PIX_FMT_RGB24) return -1;
  for (int i = 0; i < to_count; i++) to[i] = (unsigned char)~from[i % from_count];
  return to_count;
}

static bool has_no_library;
void driver_remove_library(bool is_removed) { has_no_library = is_removed; }

martlet_error driver_load(martlet_camera_converter *converter) {
  if (has_no_library) return ELIBACC;
  converter->create = (void *)create;
  converter->try_format = (void *)try_format;
  converter->convert = (void *)convert;
  converter->destroy = (void *)destroy;
  return 0;
}

// MARK: - What a camera offers

int driver_list(const camera *of, unsigned long request, void *argument) {
  if (request == VIDIOC_ENUM_FMT) {
    struct v4l2_fmtdesc *entry = argument;
    // One entry a format, however many sizes it has.
    uint32_t seen = 0;
    for (uint32_t i = 0; i < of->format_count; i++) {
      bool is_new = true;
      for (uint32_t k = 0; k < i; k++) is_new = is_new && of->formats[k].fourcc != of->formats[i].fourcc;
      if (!is_new || seen++ != entry->index) continue;
      entry->pixelformat = of->formats[i].fourcc;
      // As the kernel has it of what a sensor gives.
      bool is_raw = (entry->pixelformat & 0xFFFF) == ('B' | 'A' << 8) || (entry->pixelformat & 0xFF) == 'p';
      snprintf((char *)entry->description, sizeof entry->description, is_raw ? "8-bit Bayer BGBG/GRGR" : "A format");
      return 0;
    }
  } else if (request == VIDIOC_ENUM_FRAMESIZES) {
    struct v4l2_frmsizeenum *entry = argument;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < of->format_count; i++) {
      const driver_format *format = &of->formats[i];
      // Without a size: none is listed.
      if (format->fourcc != entry->pixel_format || format->width == 0 || seen++ != entry->index) continue;
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
  return driver_failed(EINVAL);
}

/// Which cameras there are, and what a camera offers: formats, sizes, rates.
#define _GNU_SOURCE
#include "camera_internal.h"

#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// MARK: - Nodes

bool martlet_camera_node(const martlet_camera_system *system, int32_t index, char path[32]) {
  if (system == NULL) system = &martlet_camera_kernel;
  // Numbers have gaps: a camera that was plugged in again gets the next free one.
  for (int number = 0; number < 4 * MARTLET_CAMERA_MAX_NODES; number++) {
    snprintf(path, 32, "/dev/video%d", number);
    if (system->access(path, F_OK) != 0) continue;
    if (index-- == 0) return true;
  }
  return false;
}

static void copy_text(char *into, size_t capacity, const void *from, size_t count) {
  size_t length = strnlen(from, count);
  if (length >= capacity) length = capacity - 1;
  memcpy(into, from, length);
  into[length] = 0;
}

/// The serial number of the nearest device above the node that has one.
static void read_serial(const martlet_camera *camera, char *serial, size_t capacity) {
  char name[48] = "device/serial";
  for (int level = 0; level < 4; level++) {
    if (camera->system->attribute(camera->descriptor, name, serial, capacity)) return;
    // The link leads to the device; what is above it has the number.
    snprintf(name, sizeof name, "device/%.*sserial", 3 * (level + 1), "../../../../");
  }
  serial[0] = 0;
}

static int32_t read_number(const martlet_camera *camera, const char *name, int base) {
  char text[16], *end;
  if (!camera->system->attribute(camera->descriptor, name, text, sizeof text)) return -1;
  long number = strtol(text, &end, base);
  return end != text && number >= 0 && number < 256 ? (int32_t)number : -1;
}

martlet_error martlet_camera_query(const martlet_camera *camera, martlet_camera_info *info) {
  struct v4l2_capability capability;
  memset(&capability, 0, sizeof capability);
  memset(info, 0, sizeof *info);
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_QUERYCAP, &capability);
  if (error != 0) return error;
  copy_text(info->driver, sizeof info->driver, capability.driver, sizeof capability.driver);
  copy_text(info->card, sizeof info->card, capability.card, sizeof capability.card);
  copy_text(info->bus, sizeof info->bus, capability.bus_info, sizeof capability.bus_info);
  read_serial(camera, info->serial, sizeof info->serial);
  info->interface = read_number(camera, "device/bInterfaceNumber", 16);
  info->index = read_number(camera, "index", 10);
  return 0;
}

// MARK: - Formats

martlet_error martlet_camera_pixels_at(const martlet_camera *camera, uint32_t index, martlet_camera_pixels *pixels) {
  struct v4l2_fmtdesc description;
  memset(&description, 0, sizeof description);
  description.index = index;
  description.type = camera->type;
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_ENUM_FMT, &description);
  if (error != 0) return error;
  pixels->fourcc = description.pixelformat;
  pixels->is_compressed = description.flags & V4L2_FMT_FLAG_COMPRESSED;
  pixels->is_emulated = description.flags & V4L2_FMT_FLAG_EMULATED;
  copy_text(pixels->description, sizeof pixels->description, description.description, sizeof description.description);
  return 0;
}

martlet_error martlet_camera_sizes_at(const martlet_camera *camera, uint32_t fourcc, uint32_t index,
                                      martlet_camera_sizes *sizes) {
  struct v4l2_frmsizeenum entry;
  memset(&entry, 0, sizeof entry);
  entry.index = index;
  entry.pixel_format = fourcc;
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_ENUM_FRAMESIZES, &entry);
  if (error != 0) return error;
  if (entry.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
    sizes->width = sizes->max_width = (int32_t)entry.discrete.width;
    sizes->height = sizes->max_height = (int32_t)entry.discrete.height;
    sizes->step_width = sizes->step_height = 1;
  } else {
    sizes->width = (int32_t)entry.stepwise.min_width;
    sizes->height = (int32_t)entry.stepwise.min_height;
    sizes->max_width = (int32_t)entry.stepwise.max_width;
    sizes->max_height = (int32_t)entry.stepwise.max_height;
    // Of a continuous range a driver may leave them at 0.
    sizes->step_width = entry.stepwise.step_width > 0 ? (int32_t)entry.stepwise.step_width : 1;
    sizes->step_height = entry.stepwise.step_height > 0 ? (int32_t)entry.stepwise.step_height : 1;
  }
  return 0;
}

martlet_error martlet_camera_rate_at(const martlet_camera *camera, uint32_t fourcc, int32_t width, int32_t height,
                                     uint32_t index, martlet_camera_rate *rate) {
  struct v4l2_frmivalenum entry;
  memset(&entry, 0, sizeof entry);
  entry.index = index;
  entry.pixel_format = fourcc;
  entry.width = (uint32_t)width;
  entry.height = (uint32_t)height;
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_ENUM_FRAMEINTERVALS, &entry);
  if (error != 0) return error;
  rate->is_range = entry.type != V4L2_FRMIVAL_TYPE_DISCRETE;
  // The shortest interval of a range is its highest rate.
  const struct v4l2_fract *interval = rate->is_range ? &entry.stepwise.min : &entry.discrete;
  rate->frames = interval->denominator;
  rate->seconds = interval->numerator > 0 ? interval->numerator : 1;
  return 0;
}

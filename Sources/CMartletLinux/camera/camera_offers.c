/// Which cameras there are, and what a camera offers: formats, sizes, rates, controls.
#define _GNU_SOURCE
#include "camera_internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
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
static void read_serial(const char *path, char *serial, size_t capacity) {
  const char *name = strrchr(path, '/');
  char link[PATH_MAX], folder[PATH_MAX];
  serial[0] = 0;
  snprintf(link, sizeof link, "/sys/class/video4linux/%s/device", name != NULL ? name + 1 : path);
  if (realpath(link, folder) == NULL) return;
  for (int level = 0; level < 4; level++) {
    char file[PATH_MAX + 16];
    snprintf(file, sizeof file, "%s/serial", folder);
    int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
      ssize_t count = read(descriptor, serial, capacity - 1);
      close(descriptor);
      while (count > 0 && isspace((unsigned char)serial[count - 1])) count--;
      serial[count > 0 ? count : 0] = 0;
      return;
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder) return;
    *slash = 0;
  }
}

martlet_error martlet_camera_query(const martlet_camera *camera, const char *path, martlet_camera_info *info) {
  struct v4l2_capability capability;
  memset(&capability, 0, sizeof capability);
  memset(info, 0, sizeof *info);
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_QUERYCAP, &capability);
  if (error != 0) return error;
  copy_text(info->driver, sizeof info->driver, capability.driver, sizeof capability.driver);
  copy_text(info->card, sizeof info->card, capability.card, sizeof capability.card);
  copy_text(info->bus, sizeof info->bus, capability.bus_info, sizeof capability.bus_info);
  read_serial(path, info->serial, sizeof info->serial);
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

// MARK: - Controls

/// The name as v4l2-ctl writes it.
static void plain_name(char *into, size_t capacity, const char *name) {
  size_t length = 0;
  bool needs_joint = false;
  for (; *name != 0 && length + 2 < capacity; name++) {
    if (!isalnum((unsigned char)*name)) {
      needs_joint = length > 0;
      continue;
    }
    if (needs_joint) into[length++] = '_';
    needs_joint = false;
    into[length++] = (char)tolower((unsigned char)*name);
  }
  into[length] = 0;
}

martlet_error martlet_camera_control_after(const martlet_camera *camera, uint32_t id,
                                           martlet_camera_control *control_out) {
  for (int tries = 0; tries < 256; tries++) {
    struct v4l2_queryctrl query;
    memset(&query, 0, sizeof query);
    query.id = id | V4L2_CTRL_FLAG_NEXT_CTRL;
    martlet_error error = martlet_camera_ioctl(camera, VIDIOC_QUERYCTRL, &query);
    if (error != 0) return error;
    // A driver that does not go on would keep us here.
    if (query.id <= id) return EINVAL;
    id = query.id;
    bool is_number = query.type == V4L2_CTRL_TYPE_INTEGER || query.type == V4L2_CTRL_TYPE_BOOLEAN ||
                     query.type == V4L2_CTRL_TYPE_MENU || query.type == V4L2_CTRL_TYPE_INTEGER_MENU ||
                     query.type == V4L2_CTRL_TYPE_BITMASK;
    if (!is_number || query.flags & V4L2_CTRL_FLAG_DISABLED) continue;
    memset(control_out, 0, sizeof *control_out);
    control_out->id = query.id;
    char name[sizeof query.name + 1];
    copy_text(name, sizeof name, query.name, sizeof query.name);
    plain_name(control_out->name, sizeof control_out->name, name);
    control_out->minimum = query.minimum;
    control_out->maximum = query.maximum;
    control_out->step = query.step;
    control_out->standard = query.default_value;
    control_out->is_settable = !(query.flags & (V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_GRABBED));
    return 0;
  }
  return EINVAL;
}

void martlet_camera_read_control(const martlet_camera *camera, martlet_camera_control *control) {
  struct v4l2_control value = {.id = control->id};
  if (martlet_camera_ioctl(camera, VIDIOC_G_CTRL, &value) == 0) control->value = value.value;
}

martlet_error martlet_camera_set_control(const martlet_camera *camera, uint32_t id, int32_t value) {
  struct v4l2_control set = {.id = id, .value = value};
  return martlet_camera_ioctl(camera, VIDIOC_S_CTRL, &set);
}

/// What a camera's controls are called, which values they take, and setting them.
#include "camera_internal.h"

#include <ctype.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

/// The name as v4l2-ctl writes it.
static void plain_name(char *into, size_t capacity, const void *name, size_t count) {
  const unsigned char *from = name;
  size_t length = 0;
  bool needs_joint = false;
  for (size_t i = 0; i < count && from[i] != 0 && length + 2 < capacity; i++) {
    if (!isalnum(from[i])) {
      needs_joint = length > 0;
      continue;
    }
    if (needs_joint) into[length++] = '_';
    needs_joint = false;
    into[length++] = (char)tolower(from[i]);
  }
  into[length] = 0;
}

// MARK: - Names

/// Controls that kernels or drivers call differently: all their names, and the one that V4L2's headers have.
static const struct {
  uint32_t id;
  const char *name;
} names[] = {
    {V4L2_CID_EXPOSURE_AUTO, "exposure_auto"},
    {V4L2_CID_EXPOSURE_AUTO, "auto_exposure"},
    {V4L2_CID_EXPOSURE_ABSOLUTE, "exposure_absolute"},
    {V4L2_CID_EXPOSURE_ABSOLUTE, "exposure_time_absolute"},
    {V4L2_CID_EXPOSURE_AUTO_PRIORITY, "exposure_auto_priority"},
    {V4L2_CID_EXPOSURE_AUTO_PRIORITY, "exposure_dynamic_framerate"},
    {V4L2_CID_AUTO_WHITE_BALANCE, "white_balance_temperature_auto"},
    {V4L2_CID_AUTO_WHITE_BALANCE, "white_balance_component_auto"},
    {V4L2_CID_AUTO_WHITE_BALANCE, "white_balance_automatic"},
    {V4L2_CID_AUTO_WHITE_BALANCE, "white_balance_auto"},
    {V4L2_CID_AUTO_WHITE_BALANCE, "auto_white_balance"},
    {V4L2_CID_AUTO_N_PRESET_WHITE_BALANCE, "white_balance_auto_preset"},
    {V4L2_CID_AUTO_N_PRESET_WHITE_BALANCE, "auto_n_preset_white_balance"},
    {V4L2_CID_RED_BALANCE, "white_balance_red_component"},
    {V4L2_CID_RED_BALANCE, "red_balance"},
    {V4L2_CID_BLUE_BALANCE, "white_balance_blue_component"},
    {V4L2_CID_BLUE_BALANCE, "blue_balance"},
    {V4L2_CID_FOCUS_AUTO, "focus_auto"},
    {V4L2_CID_FOCUS_AUTO, "focus_automatic_continuous"},
    {V4L2_CID_HUE_AUTO, "hue_auto"},
    {V4L2_CID_HUE_AUTO, "hue_automatic"},
    {V4L2_CID_AUTOGAIN, "autogain"},
    {V4L2_CID_AUTOGAIN, "auto_gain"},
    {V4L2_CID_AUTOGAIN, "gain_automatic"},
    {V4L2_CID_AUTOBRIGHTNESS, "autobrightness"},
    {V4L2_CID_AUTOBRIGHTNESS, "brightness_automatic"},
    {V4L2_CID_HFLIP, "hflip"},
    {V4L2_CID_HFLIP, "horizontal_flip"},
    {V4L2_CID_VFLIP, "vflip"},
    {V4L2_CID_VFLIP, "vertical_flip"},
    {V4L2_CID_AUTO_EXPOSURE_BIAS, "exposure_bias"},
    {V4L2_CID_AUTO_EXPOSURE_BIAS, "auto_exposure_bias"},
    {V4L2_CID_EXPOSURE_METERING, "exposure_metering"},
    {V4L2_CID_EXPOSURE_METERING, "exposure_metering_mode"},
    {V4L2_CID_ISO_SENSITIVITY, "iso"},
    {V4L2_CID_ISO_SENSITIVITY, "iso_sensitivity"},
    {V4L2_CID_JPEG_COMPRESSION_QUALITY, "jpeg_compression_quality"},
    {V4L2_CID_JPEG_COMPRESSION_QUALITY, "compression_quality"},
};

uint32_t martlet_camera_control_id(const char *name) {
  char plain[MARTLET_CONTROL_NAME];
  martlet_camera_plain_name(name, plain);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i].name, plain) == 0) return names[i].id;
  return 0;
}

void martlet_camera_plain_name(const char *text, char name[MARTLET_CONTROL_NAME]) {
  plain_name(name, MARTLET_CONTROL_NAME, text, strlen(text));
}

// MARK: - Controls

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
    if (query.flags & V4L2_CTRL_FLAG_DISABLED) continue;
    memset(control_out, 0, sizeof *control_out);
    switch (query.type) {
      case V4L2_CTRL_TYPE_INTEGER:
      case V4L2_CTRL_TYPE_BITMASK: control_out->kind = MARTLET_CONTROL_NUMBER; break;
      case V4L2_CTRL_TYPE_BOOLEAN: control_out->kind = MARTLET_CONTROL_SWITCH; break;
      case V4L2_CTRL_TYPE_MENU:
      case V4L2_CTRL_TYPE_INTEGER_MENU: control_out->kind = MARTLET_CONTROL_MENU; break;
      // Buttons, texts and what does not fit into 32 bits.
      default: continue;
    }
    control_out->id = query.id;
    plain_name(control_out->name, sizeof control_out->name, query.name, sizeof query.name);
    control_out->minimum = query.minimum;
    control_out->maximum = query.maximum;
    control_out->step = query.step;
    control_out->standard = query.default_value;
    control_out->is_settable = !(query.flags & (V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_GRABBED));
    return 0;
  }
  return EINVAL;
}

martlet_error martlet_camera_menu_entry(const martlet_camera *camera, uint32_t id, int32_t number,
                                        char name[MARTLET_CONTROL_NAME]) {
  struct v4l2_queryctrl query = {.id = id};
  struct v4l2_querymenu entry = {.id = id, .index = (uint32_t)number};
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_QUERYCTRL, &query);
  if (error == 0) error = martlet_camera_ioctl(camera, VIDIOC_QUERYMENU, &entry);
  if (error != 0) return error;
  if (query.type == V4L2_CTRL_TYPE_INTEGER_MENU) {
    snprintf(name, MARTLET_CONTROL_NAME, "%lld", (long long)entry.value);
  } else {
    plain_name(name, MARTLET_CONTROL_NAME, entry.name, sizeof entry.name);
  }
  return 0;
}

void martlet_camera_read_control(const martlet_camera *camera, martlet_camera_control *control) {
  struct v4l2_control value = {.id = control->id};
  if (martlet_camera_ioctl(camera, VIDIOC_G_CTRL, &value) == 0) control->value = value.value;
}

martlet_error martlet_camera_set_control(const martlet_camera *camera, uint32_t id, int32_t value) {
  struct v4l2_control set = {.id = id, .value = value};
  return martlet_camera_ioctl(camera, VIDIOC_S_CTRL, &set);
}

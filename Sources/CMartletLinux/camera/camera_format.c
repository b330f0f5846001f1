/// What frames are like: the format that is asked for, the part of the picture that it shows, the rate.
#include "camera_internal.h"

#include <linux/videodev2.h>
#include <string.h>

// MARK: - The part of the picture

static bool get_selection(const martlet_camera *camera, uint32_t target, struct v4l2_rect *rectangle) {
  struct v4l2_selection selection;
  memset(&selection, 0, sizeof selection);
  // This type for devices of several planes too: older kernels know no other one.
  selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  selection.target = target;
  if (martlet_camera_ioctl(camera, VIDIOC_G_SELECTION, &selection) != 0) return false;
  *rectangle = selection.r;
  return rectangle->width > 0 && rectangle->height > 0;
}

static void set_selection(const martlet_camera *camera, uint32_t target, struct v4l2_rect rectangle) {
  struct v4l2_selection selection;
  memset(&selection, 0, sizeof selection);
  selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  selection.target = target;
  selection.r = rectangle;
  // A driver that cannot do it says later what it shows.
  martlet_camera_ioctl(camera, VIDIOC_S_SELECTION, &selection);
}

/// What an earlier program left of the picture counts no longer.
static void reset_selections(const martlet_camera *camera) {
  struct v4l2_rect rectangle;
  if (get_selection(camera, V4L2_SEL_TGT_CROP_DEFAULT, &rectangle)) set_selection(camera, V4L2_SEL_TGT_CROP, rectangle);
  if (get_selection(camera, V4L2_SEL_TGT_COMPOSE_DEFAULT, &rectangle))
    set_selection(camera, V4L2_SEL_TGT_COMPOSE, rectangle);
}

/// The picture fills the frame, whose size may have grown around it.
static void fill_frame(const martlet_camera *camera) {
  struct v4l2_rect composed;
  const struct v4l2_rect frame = {.width = (uint32_t)camera->format.width, .height = (uint32_t)camera->format.height};
  if (!get_selection(camera, V4L2_SEL_TGT_COMPOSE, &composed)) return;
  if (composed.width != frame.width || composed.height != frame.height)
    set_selection(camera, V4L2_SEL_TGT_COMPOSE, frame);
}

static bool is_cropped(const martlet_camera *camera) {
  struct v4l2_rect whole, seen;
  return get_selection(camera, V4L2_SEL_TGT_CROP_DEFAULT, &whole) && get_selection(camera, V4L2_SEL_TGT_CROP, &seen) &&
         (seen.width < whole.width || seen.height < whole.height);
}

bool martlet_camera_whole_size(const martlet_camera *camera, int32_t *width, int32_t *height) {
  struct v4l2_rect whole;
  struct v4l2_dv_timings timings;
  v4l2_std_id standard = 0;
  memset(&timings, 0, sizeof timings);
  if (get_selection(camera, V4L2_SEL_TGT_CROP_DEFAULT, &whole) ||
      get_selection(camera, V4L2_SEL_TGT_CROP_BOUNDS, &whole)) {
    *width = (int32_t)whole.width;
    *height = (int32_t)whole.height;
  } else if (martlet_camera_ioctl(camera, VIDIOC_G_DV_TIMINGS, &timings) == 0 && timings.bt.width > 0) {
    *width = (int32_t)timings.bt.width;
    *height = (int32_t)timings.bt.height;
  } else if (martlet_camera_ioctl(camera, VIDIOC_G_STD, &standard) == 0 && standard != 0) {
    *width = 720;
    *height = standard & V4L2_STD_525_60 ? 480 : 576;
  } else {
    return false;
  }
  return *width > 0 && *height > 0;
}

bool martlet_camera_size_now(const martlet_camera *camera, int32_t *width, int32_t *height) {
  struct v4l2_format format;
  memset(&format, 0, sizeof format);
  format.type = camera->type;
  if (martlet_camera_ioctl(camera, VIDIOC_G_FMT, &format) != 0) return false;
  bool is_planar = martlet_camera_is_multi_planar(camera);
  *width = (int32_t)(is_planar ? format.fmt.pix_mp.width : format.fmt.pix.width);
  *height = (int32_t)(is_planar ? format.fmt.pix_mp.height : format.fmt.pix.height);
  return *width > 0 && *height > 0;
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
  if (martlet_camera_is_multi_planar(camera)) {
    const struct v4l2_pix_format_mplane *pixels = &asked->fmt.pix_mp;
    // Planes in memory of their own cannot be one buffer.
    if (pixels->num_planes != 1) return ENOTSUP;
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
  reset_selections(camera);
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_G_FMT, &asked);
  if (error != 0) return error;
  if (martlet_camera_is_multi_planar(camera)) {
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
  if (error != 0) return error;
  fill_frame(camera);
  camera->is_cropped = is_cropped(camera);
  set_rate(camera, rate_frames, rate_seconds);
  return 0;
}

#define _GNU_SOURCE
#include "martlet_error.h"

#include <string.h>

bool martlet_is_disk_gone(martlet_error error) {
  return error == EIO || error == ENOENT || error == ESTALE || error == ENODEV || error == ENXIO;
}

bool martlet_is_transfer_error(martlet_error error) {
  return error == EIO || error == ENOSPC || error == EDQUOT || error == EFBIG || error == EPIPE || error == EBADF;
}

const char *martlet_error_text(martlet_error error) {
  if (error == MARTLET_NOT_A_FILE) return "it is not a regular file";
  if (error == MARTLET_OWN_SOURCE) return "it is what this command itself reads or has written";
  if (error == MARTLET_LOG_FOREIGN) return "it is not a decision log, and is left as it is: give the log another file";
  if (error == MARTLET_FRAME_NOT_WHOLE) return "the frame is not whole";
  if (error == MARTLET_NO_ROOM_TO_WAIT) return "the disk takes too long, and no more can wait for it";
  const char *text = strerrordesc_np(error);
  return text != NULL ? text : "unknown error";
}

// Adds a v4l2loopback device, or takes one away, while the module is loaded: a camera that is plugged in and out.
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>

#include "v4l2loopback.h"

int main(int argc, char **argv) {
  int adds = argc == 4 && strcmp(argv[1], "add") == 0, removes = argc == 3 && strcmp(argv[1], "remove") == 0;
  if (!adds && !removes) {
    fputs("usage: loop-control add NUMBER LABEL | loop-control remove NUMBER\n", stderr);
    return EX_USAGE;
  }
  int number = atoi(argv[2]), result;
  int control = open("/dev/v4l2loopback", O_RDWR | O_CLOEXEC);
  if (control < 0) {
    fprintf(stderr, "loop-control: /dev/v4l2loopback: %s: is the module loaded?\n", strerror(errno));
    return EX_UNAVAILABLE;
  }
  if (adds) {
    // A device with a writer is a camera and nothing else, as programs expect it.
    struct v4l2_loopback_config config = {.output_nr = number, .unused = number, .max_width = 8192, .max_height = 8192};
    strncpy(config.card_label, argv[3], sizeof config.card_label - 1);
    result = ioctl(control, V4L2LOOPBACK_CTL_ADD, &config);
  } else {
    result = ioctl(control, V4L2LOOPBACK_CTL_REMOVE, number);
  }
  if (result < 0) {
    fprintf(stderr, "loop-control: video%d: %s\n", number, strerror(errno));
    return EX_UNAVAILABLE;
  }
  return EX_OK;
}

// Feeds frames from files into a video output device, as v4l2loopback's or vivid's, at a rate: a camera whose
// pictures are known. With MJPG every file is one frame; with a raw format a file holds one frame or several, one
// after the other.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  unsigned char *bytes;
  size_t count;
} Frame;

static volatile sig_atomic_t stopped;

static void stop(int number) { (void)number, stopped = 1; }

static void fail(int status, const char *what, const char *where) {
  fprintf(stderr, "frame-feeder: %s: %s%s%s\n", where, what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(status);
}

static unsigned char *read_file(const char *path, size_t *count) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(EX_NOINPUT, "cannot be opened", path);
  size_t room = 1 << 16, used = 0;
  unsigned char *bytes = NULL;
  for (;;) {
    bytes = realloc(bytes, room);
    if (!bytes) fail(EX_OSERR, "does not fit into memory", path);
    used += fread(bytes + used, 1, room - used, file);
    if (used < room) break;
    room *= 2;
  }
  if (ferror(file)) fail(EX_IOERR, "cannot be read", path);
  fclose(file);
  *count = used;
  return bytes;
}

// set_format : agrees with the driver on the format; returns the bytes of a raw frame.
static size_t set_format(int device, const char *path, const char *fourcc, unsigned width, unsigned height,
                         size_t largest, double rate) {
  struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
  unsigned pixel_format = v4l2_fourcc(fourcc[0], fourcc[1], fourcc[2], fourcc[3]);
  format.fmt.pix.width = width;
  format.fmt.pix.height = height;
  format.fmt.pix.pixelformat = pixel_format;
  format.fmt.pix.field = V4L2_FIELD_NONE;
  format.fmt.pix.colorspace = pixel_format == V4L2_PIX_FMT_MJPEG ? V4L2_COLORSPACE_JPEG : V4L2_COLORSPACE_SRGB;
  if (pixel_format == V4L2_PIX_FMT_MJPEG || pixel_format == V4L2_PIX_FMT_JPEG) {
    size_t least = (size_t)width * height;
    format.fmt.pix.sizeimage = (unsigned)(largest > least ? largest : least);
  }
  if (ioctl(device, VIDIOC_S_FMT, &format) != 0) fail(EX_IOERR, "does not take the format", path);
  errno = 0;
  if (format.fmt.pix.pixelformat != pixel_format || format.fmt.pix.width != width || format.fmt.pix.height != height)
    fail(EX_UNAVAILABLE, "does not have that format and size", path);
  struct v4l2_streamparm parameters = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
  parameters.parm.output.timeperframe.numerator = 1000;
  parameters.parm.output.timeperframe.denominator = (unsigned)(rate * 1000 + 0.5);
  ioctl(device, VIDIOC_S_PARM, &parameters);  // What a driver makes of it is its own affair: we keep the time.
  errno = 0;
  return format.fmt.pix.sizeimage;
}

static const char usage[] =
    "usage: frame-feeder --device DEV --fourcc FOURCC --width W --height H [--fps F] [--loops N] [--hold S] FILE...\n"
    "  --fps F     frames a second, 10 unless told\n"
    "  --loops N   how often the files are gone through, 1 unless told; 0 for ever\n"
    "  --hold S    keeps the device open for S seconds after the last frame\n";

int main(int argc, char **argv) {
  static const struct option options[] = {{"device", 1, 0, 'd'}, {"fourcc", 1, 0, 'f'}, {"width", 1, 0, 'w'},
                                          {"height", 1, 0, 'h'}, {"fps", 1, 0, 'r'},    {"loops", 1, 0, 'n'},
                                          {"hold", 1, 0, 'o'},   {"help", 0, 0, '?'},   {0}};
  const char *path = NULL, *fourcc = NULL;
  unsigned width = 0, height = 0;
  double rate = 10, hold = 0;
  long loops = 1;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (option) {
      case 'd': path = optarg; break;
      case 'f': fourcc = optarg; break;
      case 'w': width = (unsigned)atoi(optarg); break;
      case 'h': height = (unsigned)atoi(optarg); break;
      case 'r': rate = atof(optarg); break;
      case 'n': loops = atol(optarg); break;
      case 'o': hold = atof(optarg); break;
      default: fputs(usage, stderr); return EX_USAGE;
    }
  if (!path || !fourcc || strlen(fourcc) != 4 || !width || !height || !(rate > 0) || loops < 0 || optind == argc) {
    fputs(usage, stderr);
    return EX_USAGE;
  }

  int files = argc - optind;
  Frame *frames = calloc((size_t)files, sizeof *frames);
  if (!frames) fail(EX_OSERR, "no memory", "frames");
  size_t largest = 0;
  for (int i = 0; i < files; ++i) {
    frames[i].bytes = read_file(argv[optind + i], &frames[i].count);
    if (!frames[i].count) fail(EX_DATAERR, "is empty", argv[optind + i]);
    if (frames[i].count > largest) largest = frames[i].count;
  }

  int device = open(path, O_WRONLY | O_CLOEXEC);
  if (device < 0) fail(EX_NOINPUT, "cannot be opened", path);
  int compressed = strcmp(fourcc, "MJPG") == 0 || strcmp(fourcc, "JPEG") == 0;
  size_t frame_size = set_format(device, path, fourcc, width, height, largest, rate);
  for (int i = 0; i < files && !compressed; ++i)
    if (frames[i].count % frame_size) {
      fprintf(stderr, "frame-feeder: %s: %zu bytes are not a number of whole frames of %zu bytes\n", argv[optind + i],
              frames[i].count, frame_size);
      return EX_DATAERR;
    }

  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  struct timespec due;
  clock_gettime(CLOCK_MONOTONIC, &due);
  unsigned long written = 0;
  for (long loop = 0; (loops == 0 || loop < loops) && !stopped; ++loop)
    for (int i = 0; i < files && !stopped; ++i)
      for (size_t at = 0; at < frames[i].count && !stopped; at += compressed ? frames[i].count : frame_size) {
        size_t count = compressed ? frames[i].count : frame_size;
        ssize_t done = write(device, frames[i].bytes + at, count);
        if (done < 0 && errno == EINTR) break;
        if (done < 0) fail(EX_IOERR, "does not take a frame", path);
        errno = 0;
        if ((size_t)done != count) fail(EX_IOERR, "took a part of a frame only", path);
        ++written;
        long long next = due.tv_nsec + (long long)(1e9 / rate);
        due.tv_sec += next / 1000000000, due.tv_nsec = next % 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
      }
  fprintf(stderr, "frame-feeder: %lu frames\n", written);
  if (!stopped && hold > 0) {
    struct timespec rest = {.tv_sec = (time_t)hold, .tv_nsec = (long)((hold - (double)(time_t)hold) * 1e9)};
    nanosleep(&rest, NULL);
  }
  return EX_OK;
}

/// The buffers of a stream: memory of the driver's that is mapped, and whether the processor caches it.
#include "camera_internal.h"

#include <linux/videodev2.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static martlet_error map_buffer(martlet_camera *camera, uint32_t index) {
  martlet_camera_request request;
  martlet_camera_describe(camera, &request, index);
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_QUERYBUF, &request.buffer);
  if (error != 0) return error;
  bool is_planar = martlet_camera_is_multi_planar(camera);
  size_t count = is_planar ? request.plane[0].length : request.buffer.length;
  off_t offset = is_planar ? (off_t)request.plane[0].m.mem_offset : (off_t)request.buffer.m.offset;
  void *bytes = camera->system->map(count, camera->descriptor, offset);
  if (bytes == MAP_FAILED) return errno;
  camera->buffers[index].bytes = bytes;
  camera->buffers[index].count = count;
  return 0;
}

/// `capabilities` is 0 where the kernel does not say.
static martlet_error ask_for_buffers(martlet_camera *camera, uint32_t count, bool is_cached, uint32_t *given,
                                     uint32_t *capabilities) {
  struct v4l2_requestbuffers asked;
  memset(&asked, 0, sizeof asked);
  asked.count = count;
  asked.type = camera->type;
  asked.memory = V4L2_MEMORY_MMAP;
  asked.flags = is_cached ? V4L2_MEMORY_FLAG_NON_COHERENT : 0;
  martlet_error error = martlet_camera_ioctl(camera, VIDIOC_REQBUFS, &asked);
  *given = asked.count;
  *capabilities = asked.capabilities;
  return error;
}

void martlet_camera_release_buffers(martlet_camera *camera) {
  bool had_buffers = camera->buffer_count > 0;
  for (uint32_t i = 0; i < camera->buffer_count; i++) {
    if (camera->buffers[i].bytes != NULL) camera->system->unmap(camera->buffers[i].bytes, camera->buffers[i].count);
    camera->buffers[i].bytes = NULL;
    camera->buffers[i].count = 0;
  }
  camera->buffer_count = 0;
  uint32_t given, capabilities;
  if (had_buffers) ask_for_buffers(camera, 0, false, &given, &capabilities);
}

static martlet_error map_buffers(martlet_camera *camera, bool is_cached, uint32_t *capabilities) {
  uint32_t given = 0;
  martlet_error error = ask_for_buffers(camera, MARTLET_CAMERA_BUFFERS, is_cached, &given, capabilities);
  if (error == 0 && given < 2) error = ENOMEM;
  camera->buffer_count = given < MARTLET_CAMERA_BUFFERS ? given : MARTLET_CAMERA_BUFFERS;
  for (uint32_t i = 0; i < camera->buffer_count && error == 0; i++) error = map_buffer(camera, i);
  return error;
}

// MARK: - Memory that the processor does not cache

/// Bytes that are read to find out, and how often: the shortest time counts, without page faults and interruptions.
enum { SAMPLE_BYTES = 16384, SAMPLE_READS = 6 };

static uint64_t read_ns(const uint8_t *bytes, size_t count) {
  uint64_t least = UINT64_MAX;
  for (int turn = 0; turn < SAMPLE_READS; turn++) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const volatile uint64_t *words = (const volatile uint64_t *)(const void *)bytes;
    for (size_t i = 0; i < count / sizeof *words; i++) (void)words[i];
    clock_gettime(CLOCK_MONOTONIC, &end);
    uint64_t ns = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000u + (uint64_t)end.tv_nsec - (uint64_t)begin.tv_nsec;
    if (ns < least) least = ns;
  }
  return least;
}

/// Whether the buffers read so much slower than ordinary memory that reading them once is better than twice.
static bool are_slow(const martlet_camera *camera) {
  uint64_t ordinary[SAMPLE_BYTES / sizeof(uint64_t)];
  const martlet_camera_buffer *buffer = &camera->buffers[0];
  size_t count = buffer->count < SAMPLE_BYTES ? buffer->count : SAMPLE_BYTES;
  memset(ordinary, 1, sizeof ordinary);
  return read_ns(buffer->bytes, count) > 4 * read_ns((const uint8_t *)ordinary, count) + 2000;
}

martlet_error martlet_camera_prepare(martlet_camera *camera) {
  uint32_t capabilities = 0;
  martlet_error error = map_buffers(camera, false, &capabilities);
  camera->is_slow = error == 0 && are_slow(camera);
  if (camera->is_slow && capabilities & V4L2_BUF_CAP_SUPPORTS_MMAP_CACHE_HINTS) {
    // Cached ones, which the kernel keeps in step with the device.
    martlet_camera_release_buffers(camera);
    error = map_buffers(camera, true, &capabilities);
    camera->is_slow = error == 0 && are_slow(camera);
  }
  if (error != 0) martlet_camera_release_buffers(camera);
  return error;
}

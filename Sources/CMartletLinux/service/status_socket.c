#define _GNU_SOURCE
#include "martlet_service.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static martlet_error fill_address(struct sockaddr_un *address, const char *path) {
  size_t length = strlen(path);
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (length == 0 || length >= sizeof address->sun_path) return ENAMETOOLONG;
  memcpy(address->sun_path, path, length);
  return 0;
}

static martlet_error fail(int descriptor) {
  martlet_error error = errno;
  if (descriptor >= 0) close(descriptor);
  return error;
}

/// Whether a process still listens at that address.
static bool answers(const struct sockaddr_un *address) {
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return false;
  bool does = connect(descriptor, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
  close(descriptor);
  return does;
}

// MARK: - Answering

martlet_error martlet_status_listen(const char *path, int *descriptor) {
  struct sockaddr_un address;
  struct stat status;
  *descriptor = -1;
  martlet_error error = fill_address(&address, path);
  if (error != 0) return error;
  if (lstat(path, &status) == 0) {
    // Only a socket is ours to remove.
    if (!S_ISSOCK(status.st_mode)) return EEXIST;
    if (answers(&address)) return EADDRINUSE;
    unlink(path);
  }
  int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0) return errno;
  if (bind(made, (const struct sockaddr *)&address, sizeof address) < 0) return fail(made);
  if (chmod(path, 0660) < 0 || listen(made, 8) < 0) {
    unlink(path);
    return fail(made);
  }
  *descriptor = made;
  return 0;
}

void martlet_status_unlisten(const char *path, int descriptor) {
  if (descriptor < 0) return;
  unlink(path);
  close(descriptor);
}

martlet_error martlet_status_accept(int descriptor, int *caller) {
  *caller = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return *caller < 0 ? errno : 0;
}

martlet_error martlet_status_receive(int descriptor, char *text, size_t capacity, size_t *count) {
  ssize_t got = recv(descriptor, text, capacity, MSG_DONTWAIT);
  *count = got > 0 ? (size_t)got : 0;
  if (got >= 0) return 0;
  return errno == EINTR ? EAGAIN : errno;
}

martlet_error martlet_status_send(int descriptor, const void *bytes, size_t count) {
  int room = 1 << 18;
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  ssize_t sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno;
  return (size_t)sent == count ? 0 : EMSGSIZE;
}

void martlet_status_hang_up(int descriptor) { close(descriptor); }

// MARK: - Asking

martlet_error martlet_status_ask(const char *path, const char *request, int seconds, char *answer, size_t capacity,
                                 size_t *count) {
  struct sockaddr_un address;
  *count = 0;
  martlet_error error = fill_address(&address, path);
  if (error != 0) return error;
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  struct timeval limit = {.tv_sec = seconds};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  size_t length = strlen(request);
  if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) < 0) return fail(descriptor);
  if (send(descriptor, request, length, MSG_NOSIGNAL) != (ssize_t)length) return fail(descriptor);
  while (error == 0) {
    if (*count == capacity) {
      error = EMSGSIZE;
      break;
    }
    ssize_t got = recv(descriptor, answer + *count, capacity - *count, 0);
    if (got == 0) break;
    if (got > 0) {
      *count += (size_t)got;
    } else if (errno != EINTR) {
      error = errno == EAGAIN ? ETIMEDOUT : errno;
    }
  }
  close(descriptor);
  return error;
}

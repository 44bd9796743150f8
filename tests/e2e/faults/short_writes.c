/* Preloaded: every write to a file or socket takes only a part of what it was given, and every
 * fourth to a file is interrupted. Only what goes through libc; Rust's standard library does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int calls;

/* Calls that never sleep are never interrupted: of a file only, as a network file system does it. */
static int interrupted(int fd) {
  struct stat stat;
  if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) return 0;
  return __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % 4 == 0;
}

static size_t part(size_t count) { return count > 1 ? count / 2 : count; }

ssize_t write(int fd, const void *bytes, size_t count) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  if (fd > 2 && interrupted(fd)) return errno = EINTR, -1;
  /* An event counter takes eight bytes or none. */
  return real(fd, bytes, fd > 2 && count != 8 ? part(count) : count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
  if (interrupted(fd)) return errno = EINTR, -1;
  return real(fd, bytes, part(count), offset);
}

ssize_t writev(int fd, const struct iovec *vectors, int count) {
  return write(fd, vectors[0].iov_base, vectors[0].iov_len);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
  static ssize_t (*real)(int, const void *, size_t, int);
  if (!real) real = dlsym(RTLD_NEXT, "send");
  return real(fd, bytes, part(count), flags);
}

/* Preloaded under a program: one of its calls on files fails, or all from that one on, as if the disk were full, broken,
 * or the process had no descriptors left. A library for LD_PRELOAD, no part of weir.
 *
 *   WEIR_TEST_IO_UNDER=/folder   only calls on what lies below it count; required
 *   WEIR_TEST_IO_FAIL=WHAT:N     the N-th call fails: WHAT is ENOSPC, EIO, EMFILE, EINTR (once, as if by a signal) or
 *                                SHORT (a write of half of it); with a + behind (EIO:7+) all from there fail
 *
 * ENOSPC counts what may take room: writes, creating opens, renames, syncs, mkdir. EMFILE counts opens. EIO counts
 * everything, reads too. EINTR counts what a signal may interrupt; SHORT counts writes. What failed is named on standard
 * error: "io-shim: EIO at pwrite epoch-1.tmp". Any thread. SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, CREATE = 2, WRITE = 4, SYNC = 8, RENAME = 16, READ = 32, OTHER = 64 };

static const struct {
  const char *name;
  int code;
  int counts;
} kinds[] = {
  { "ENOSPC", ENOSPC, CREATE | WRITE | SYNC | RENAME },
  { "EIO", EIO, OPEN | CREATE | WRITE | SYNC | RENAME | READ | OTHER },
  { "EMFILE", EMFILE, OPEN | CREATE },
  { "EINTR", EINTR, WRITE | SYNC | READ },
  { "SHORT", 0, WRITE },
};

static atomic_long n_calls;

#define REAL(name) ((__typeof__ (name) *) dlsym (RTLD_NEXT, #name))

static int
is_under (const char *path)
{
  const char *under = getenv ("WEIR_TEST_IO_UNDER");

  return under != NULL && strncmp (path, under, strlen (under)) == 0;
}

/* -1: this call goes through; else the error that it fails with, 0: a short write. */
static int
verdict (int call, const char *name, const char *path)
{
  const char *what = getenv ("WEIR_TEST_IO_FAIL"), *colon = what != NULL ? strchr (what, ':') : NULL;
  long n = colon != NULL ? strtol (colon + 1, NULL, 10) : 0, now;

  if (colon == NULL || !is_under (path))
    return -1;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strncmp (what, kinds[i].name, (size_t) (colon - what)) != 0 || (kinds[i].counts & call) == 0)
      continue;
    now = atomic_fetch_add (&n_calls, 1) + 1;
    if (now != n && !(now > n && what[strlen (what) - 1] == '+'))
      return -1;
    dprintf (STDERR_FILENO, "io-shim: %s at %s %s\n", kinds[i].name, name, strrchr (path, '/') + 1);
    return kinds[i].code;
  }
  return -1;
}

static int
verdict_fd (int call, const char *name, int fd)
{
  char link[40], path[PATH_MAX];
  ssize_t n;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink (link, path, sizeof path - 1);
  if (n <= 0 || path[0] != '/')
    return -1;
  path[n] = '\0';
  return verdict (call, name, path);
}

/* Of a path that may be relative to a folder's descriptor. */
static int
verdict_at (int call, const char *name, int folder, const char *path)
{
  char link[40], whole[2 * PATH_MAX];
  ssize_t n;

  if (path[0] == '/')
    return verdict (call, name, path);
  if (folder == AT_FDCWD)
    return -1;
  snprintf (link, sizeof link, "/proc/self/fd/%d", folder);
  n = readlink (link, whole, PATH_MAX - 1);
  if (n <= 0 || whole[0] != '/')
    return -1;
  snprintf (whole + n, sizeof whole - (size_t) n, "/%.*s", PATH_MAX - 1, path);
  return verdict (call, name, whole);
}

static int
failed (int code)
{
  errno = code;
  return -1;
}

static ssize_t
write_some (int fd, const void *data, size_t size, off_t offset)
{
  int code = verdict_fd (WRITE, "pwrite", fd);

  if (code > 0)
    return failed (code);
  return REAL (pwrite64) (fd, data, code == 0 && size > 1 ? size / 2 : size, offset);
}

ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  return write_some (fd, data, size, offset);
}

ssize_t
pwrite64 (int fd, const void *data, size_t size, off64_t offset)
{
  return write_some (fd, data, size, offset);
}

ssize_t
write (int fd, const void *data, size_t size)
{
  int code = verdict_fd (WRITE, "write", fd);

  if (code > 0)
    return failed (code);
  return REAL (write) (fd, data, code == 0 && size > 1 ? size / 2 : size);
}

ssize_t
writev (int fd, const struct iovec *pieces, int n)
{
  int code = verdict_fd (WRITE, "writev", fd);

  return code > 0 ? failed (code) : REAL (writev) (fd, pieces, code == 0 ? 1 : n);
}

ssize_t
read (int fd, void *data, size_t size)
{
  int code = verdict_fd (READ, "read", fd);

  return code > 0 ? failed (code) : REAL (read) (fd, data, size);
}

ssize_t
pread (int fd, void *data, size_t size, off_t offset)
{
  int code = verdict_fd (READ, "pread", fd);

  return code > 0 ? failed (code) : REAL (pread64) (fd, data, size, offset);
}

ssize_t
pread64 (int fd, void *data, size_t size, off64_t offset)
{
  return pread (fd, data, size, offset);
}

int
fsync (int fd)
{
  int code = verdict_fd (SYNC, "fsync", fd);

  return code > 0 ? failed (code) : REAL (fsync) (fd);
}

int
fdatasync (int fd)
{
  int code = verdict_fd (SYNC, "fdatasync", fd);

  return code > 0 ? failed (code) : REAL (fdatasync) (fd);
}

int
ftruncate (int fd, off_t size)
{
  int code = verdict_fd (OTHER, "ftruncate", fd);

  return code > 0 ? failed (code) : REAL (ftruncate64) (fd, size);
}

int
ftruncate64 (int fd, off64_t size)
{
  return ftruncate (fd, size);
}

int
rename (const char *from, const char *to)
{
  int code = verdict (RENAME, "rename", to);

  return code > 0 ? failed (code) : REAL (rename) (from, to);
}

int
renameat (int from_folder, const char *from, int to_folder, const char *to)
{
  int code = verdict_at (RENAME, "renameat", to_folder, to);

  return code > 0 ? failed (code) : REAL (renameat) (from_folder, from, to_folder, to);
}

int
unlink (const char *path)
{
  int code = verdict (OTHER, "unlink", path);

  return code > 0 ? failed (code) : REAL (unlink) (path);
}

int
unlinkat (int folder, const char *path, int flags)
{
  int code = verdict_at (OTHER, "unlinkat", folder, path);

  return code > 0 ? failed (code) : REAL (unlinkat) (folder, path, flags);
}

int
mkdir (const char *path, mode_t mode)
{
  int code = verdict (CREATE, "mkdir", path);

  return code > 0 ? failed (code) : REAL (mkdir) (path, mode);
}

static int
open_in (int folder, const char *path, int flags, va_list more)
{
  mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg (more, mode_t) : 0;
  int code = verdict_at ((flags & O_CREAT) != 0 ? CREATE : OPEN, "open", folder, path);

  return code > 0 ? failed (code) : REAL (openat64) (folder, path, flags, mode);
}

#define OPENS(name)                                                                                                    \
  int name (const char *path, int flags, ...)                                                                          \
  {                                                                                                                    \
    va_list more;                                                                                                      \
    int fd;                                                                                                            \
    va_start (more, flags);                                                                                            \
    fd = open_in (AT_FDCWD, path, flags, more);                                                                        \
    va_end (more);                                                                                                     \
    return fd;                                                                                                         \
  }
#define OPENS_AT(name)                                                                                                 \
  int name (int folder, const char *path, int flags, ...)                                                              \
  {                                                                                                                    \
    va_list more;                                                                                                      \
    int fd;                                                                                                            \
    va_start (more, flags);                                                                                            \
    fd = open_in (folder, path, flags, more);                                                                          \
    va_end (more);                                                                                                     \
    return fd;                                                                                                         \
  }

OPENS (open)
OPENS (open64)
OPENS_AT (openat)
OPENS_AT (openat64)

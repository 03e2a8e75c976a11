/* Preloaded under a program: one of its calls on files fails, or all from that one on, as if the disk were full, broken,
 * or the process had no descriptors left. A library for LD_PRELOAD, no part of weir.
 *
 *   WEIR_TEST_IO_UNDER=/folder   only calls on what lies below it count; required
 *   WEIR_TEST_IO_FAIL=WHAT:N     the N-th call fails: WHAT is ENOSPC, EIO, EMFILE, EINTR (once, as if by a signal) or
 *                                SHORT (a write of half of it); with a + behind (EIO:7+) all from there fail
 *
 * ENOSPC counts what may take room: writes, creating opens, renames, syncs, mkdir. EMFILE counts opens. EIO counts
 * everything, reads too. EINTR counts what a signal may interrupt; SHORT counts writes. What failed is named on standard
 * error: "io-shim: EIO at pwrite epoch-1.tmp".
 *
 *   WEIR_TEST_IO_RECORD=/file    all that changes something below the folder, and what write () says on standard output, is
 *                                appended to that file (tests/shims/record.h), for tests/shims/power-cut.c
 *
 * Any thread, one process. SPDX-License-Identifier: Apache-2.0
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

#include "tests/shims/record.h"

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
path_of (int fd, char path[PATH_MAX])
{
  char link[40];
  ssize_t n;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink (link, path, PATH_MAX - 1);
  path[n > 0 ? n : 0] = '\0';
  return path[0] == '/' && strstr (path, " (deleted)") == NULL;
}

/* Of a path that may be relative to a folder's descriptor. */
static int
path_at (int folder, const char *name, char path[2 * PATH_MAX])
{
  if (name[0] == '/') {
    snprintf (path, 2 * PATH_MAX, "%s", name);
    return 1;
  }
  if (folder == AT_FDCWD || !path_of (folder, path))
    return 0;
  snprintf (path + strlen (path), PATH_MAX, "/%s", name);
  return 1;
}

static int
verdict_fd (int call, const char *name, int fd)
{
  char path[PATH_MAX];

  return path_of (fd, path) ? verdict (call, name, path) : -1;
}

static int
verdict_at (int call, const char *name, int folder, const char *below)
{
  char path[2 * PATH_MAX];

  return path_at (folder, below, path) ? verdict (call, name, path) : -1;
}

static void
put_record (RecordHeader header, const char *path, const char *to, const void *data)
{
  const char *name = getenv ("WEIR_TEST_IO_RECORD");
  struct iovec pieces[4] = { { &header, sizeof header } };
  int fd;

  if (name == NULL || (header.kind != RECORD_SAID && !is_under (path)))
    return;
  header.path_size = (uint32_t) strlen (path);
  header.to_size = (uint32_t) strlen (to);
  pieces[1] = (struct iovec){ (void *) path, header.path_size };
  pieces[2] = (struct iovec){ (void *) to, header.to_size };
  pieces[3] = (struct iovec){ (void *) data, header.data_size };
  fd = REAL (open64) (name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (REAL (writev) (fd, pieces, 4) < 0)
    dprintf (STDERR_FILENO, "io-shim: cannot record\n");
  close (fd);
}

static void
record_at (RecordKind kind, int folder, const char *name)
{
  int before = errno;
  char path[2 * PATH_MAX];

  if (path_at (folder, name, path))
    put_record ((RecordHeader){ .kind = kind }, path, "", NULL);
  errno = before;
}

static void
record_rename (int from_folder, const char *from, int to_folder, const char *to)
{
  char old[2 * PATH_MAX], new[2 * PATH_MAX];

  if (path_at (from_folder, from, old) && path_at (to_folder, to, new))
    put_record ((RecordHeader){ .kind = RECORD_RENAME }, old, new, NULL);
}

static void
record_fd (RecordKind kind, int fd, uint64_t offset, const void *data, size_t size)
{
  RecordHeader header = { .kind = kind, .offset = offset, .data_size = (uint32_t) size };
  char path[PATH_MAX];

  if (fd == STDOUT_FILENO && kind == RECORD_WRITE)
    header.kind = RECORD_SAID;
  if (path_of (fd, path) || header.kind == RECORD_SAID)
    put_record (header, path, "", data);
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
  ssize_t n;

  if (code > 0)
    return failed (code);
  n = REAL (pwrite64) (fd, data, code == 0 && size > 1 ? size / 2 : size, offset);
  if (n > 0)
    record_fd (RECORD_WRITE, fd, (uint64_t) offset, data, (size_t) n);
  return n;
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
  ssize_t n;

  if (code > 0)
    return failed (code);
  n = REAL (write) (fd, data, code == 0 && size > 1 ? size / 2 : size);
  if (n > 0)
    record_fd (RECORD_WRITE, fd, fd == STDOUT_FILENO ? 0 : (uint64_t) (lseek (fd, 0, SEEK_CUR) - n), data, (size_t) n);
  return n;
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

  if (code > 0)
    return failed (code);
  code = REAL (fsync) (fd);
  if (code == 0)
    record_fd (RECORD_SYNC, fd, 0, NULL, 0);
  return code;
}

int
fdatasync (int fd)
{
  int code = verdict_fd (SYNC, "fdatasync", fd);

  if (code > 0)
    return failed (code);
  code = REAL (fdatasync) (fd);
  if (code == 0)
    record_fd (RECORD_SYNC, fd, 0, NULL, 0);
  return code;
}

int
ftruncate (int fd, off_t size)
{
  int code = verdict_fd (OTHER, "ftruncate", fd);

  if (code > 0)
    return failed (code);
  code = REAL (ftruncate64) (fd, size);
  if (code == 0)
    record_fd (RECORD_TRUNCATE, fd, (uint64_t) size, NULL, 0);
  return code;
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

  if (code > 0)
    return failed (code);
  code = REAL (rename) (from, to);
  if (code == 0)
    record_rename (AT_FDCWD, from, AT_FDCWD, to);
  return code;
}

int
renameat (int from_folder, const char *from, int to_folder, const char *to)
{
  int code = verdict_at (RENAME, "renameat", to_folder, to);

  if (code > 0)
    return failed (code);
  code = REAL (renameat) (from_folder, from, to_folder, to);
  if (code == 0)
    record_rename (from_folder, from, to_folder, to);
  return code;
}

int
unlink (const char *path)
{
  int code = verdict (OTHER, "unlink", path);

  if (code > 0)
    return failed (code);
  code = REAL (unlink) (path);
  if (code == 0)
    record_at (RECORD_UNLINK, AT_FDCWD, path);
  return code;
}

int
unlinkat (int folder, const char *path, int flags)
{
  int code = verdict_at (OTHER, "unlinkat", folder, path);

  if (code > 0)
    return failed (code);
  code = REAL (unlinkat) (folder, path, flags);
  if (code == 0)
    record_at (RECORD_UNLINK, folder, path);
  return code;
}

int
rmdir (const char *path)
{
  int code = verdict (OTHER, "rmdir", path);

  if (code > 0)
    return failed (code);
  code = REAL (rmdir) (path);
  if (code == 0)
    record_at (RECORD_UNLINK, AT_FDCWD, path);
  return code;
}

int
mkdir (const char *path, mode_t mode)
{
  int code = verdict (CREATE, "mkdir", path);

  if (code > 0)
    return failed (code);
  code = REAL (mkdir) (path, mode);
  if (code == 0)
    record_at (RECORD_MKDIR, AT_FDCWD, path);
  return code;
}

static int
open_in (int folder, const char *path, int flags, va_list more)
{
  mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg (more, mode_t) : 0;
  int code = verdict_at ((flags & O_CREAT) != 0 ? CREATE : OPEN, "open", folder, path);

  int is_new = (flags & O_CREAT) != 0 && faccessat (folder, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
  int fd;

  if (code > 0)
    return failed (code);
  fd = REAL (openat64) (folder, path, flags, mode);
  if (fd >= 0 && is_new)
    record_at (RECORD_CREATE, folder, path);
  else if (fd >= 0 && (flags & O_TRUNC) != 0)
    record_fd (RECORD_TRUNCATE, fd, 0, NULL, 0);
  return fd;
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

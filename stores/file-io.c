/* Owns the system calls on a checkpoint's files. Must not know what the files hold. Any thread.
 *
 * All goes through the folder's descriptor: if somebody moves or replaces the folder, nothing lands in another one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/file-io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/kill-point.h"

#define MOST_AT_ONCE ((gsize) 1 << 30) /* below what a system call takes */

typedef struct {
  WeirError code;
  const char *advice;
} Verdict;

/* What may pass by itself is retriable, and therefore SINK. */
static Verdict
judge (int code)
{
  switch (code) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return (Verdict){ WEIR_ERROR_SINK, "make room there" };
  case EMFILE:
  case ENFILE:
    return (Verdict){ WEIR_ERROR_SINK, "raise the limit of open files (ulimit -n)" };
  case EIO:
    return (Verdict){ WEIR_ERROR_SINK, "look at the disk and the system's log" };
  case EACCES:
  case EPERM:
  case EROFS:
    return (Verdict){ WEIR_ERROR_FAILED, "give the job's user the right to write there, or take another directory" };
  case ENOTDIR:
  case ELOOP:
  case ENAMETOOLONG:
    return (Verdict){ WEIR_ERROR_FAILED, "take another directory for the checkpoint" };
  default:
    return (Verdict){ WEIR_ERROR_SINK, "see that the directory is there and can be written" };
  }
}

gboolean
weir_folder_fail (const WeirFolder *folder, const char *name, const char *what, int code, GError **error)
{
  Verdict verdict = judge (code);

  g_set_error (error, WEIR_ERROR, (int) verdict.code, "cannot %s %s%s%s: %s: %s", what, folder->path,
               name != NULL ? "/" : "", name != NULL ? name : "", g_strerror (code), verdict.advice);
  return FALSE;
}

gboolean
weir_folder_corrupt (const WeirFolder *folder, const char *name, guint64 offset, const char *why, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "%s/%s at %" G_GUINT64_FORMAT ": %s", folder->path,
               name, offset, why);
  return FALSE;
}

gboolean
weir_folder_refuse (const WeirFolder *folder, const char *name, guint64 offset, const GError *why, GError **error)
{
  g_set_error (error, why->domain, why->code, "%s/%s at %" G_GUINT64_FORMAT ": %s", folder->path, name, offset,
               why->message);
  return FALSE;
}

static gboolean
sync_path (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int code = fd < 0 ? errno : weir_file_sync (fd, FALSE);

  if (fd >= 0)
    close (fd);
  errno = code;
  return code == 0;
}

/* FALSE: errno says why. */
static gboolean
make_folder (const char *path)
{
  g_autofree char *parent = g_path_get_dirname (path);

  if (mkdir (path, 0700) == 0)
    return sync_path (parent);
  if (errno == EEXIST)
    return TRUE;
  if (errno != ENOENT || g_str_equal (parent, path))
    return FALSE;
  return make_folder (parent) && mkdir (path, 0700) == 0 && sync_path (parent);
}

gboolean
weir_folder_open (WeirFolder *folder, const char *path, gboolean must_exist, GError **error)
{
  gsize n = strlen (path);

  while (n > 1 && path[n - 1] == '/')
    n--;
  folder->path = g_strndup (path, n);
  folder->fd = -1;
  if (!must_exist && !make_folder (folder->path))
    return weir_folder_fail (folder, NULL, "create the directory", errno, error);
  folder->fd = open (folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return folder->fd >= 0 || weir_folder_fail (folder, NULL, "open the directory", errno, error);
}

void
weir_folder_close (WeirFolder *folder)
{
  if (folder->path != NULL && folder->fd >= 0)
    close (folder->fd);
  folder->fd = -1;
  g_clear_pointer (&folder->path, g_free);
}

int
weir_folder_open_file (const WeirFolder *folder, const char *name, int flags, GError **error)
{
  int fd = openat (folder->fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    weir_folder_fail (folder, name, "open", errno, error);
  return fd;
}

int
weir_folder_create (const WeirFolder *folder, const char *name, GError **error)
{
  int fd = openat (folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    weir_folder_fail (folder, name, "create", errno, error);
  return fd;
}

gboolean
weir_folder_rename (const WeirFolder *folder, const char *from, const char *to, GError **error)
{
  if (renameat (folder->fd, from, folder->fd, to) == 0)
    return TRUE;
  return weir_folder_fail (folder, to, "put in place", errno, error);
}

gboolean
weir_folder_unlink (const WeirFolder *folder, const char *name, GError **error)
{
  if (unlinkat (folder->fd, name, 0) == 0 || errno == ENOENT)
    return TRUE;
  return weir_folder_fail (folder, name, "remove", errno, error);
}

gboolean
weir_folder_sync (const WeirFolder *folder, GError **error)
{
  int code = weir_file_sync (folder->fd, FALSE);

  return code == 0 || weir_folder_fail (folder, NULL, "sync the directory", code, error);
}

GPtrArray *
weir_folder_list (const WeirFolder *folder, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  int fd = weir_folder_open_file (folder, ".", O_RDONLY | O_DIRECTORY, error);
  DIR *entries = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;

  if (fd < 0)
    return NULL;
  if (entries == NULL) {
    weir_folder_fail (folder, NULL, "list", errno, error);
    close (fd);
    return NULL;
  }
  while (errno = 0, (entry = readdir (entries)) != NULL)
    g_ptr_array_add (names, g_strdup (entry->d_name));
  if (errno != 0 && !weir_folder_fail (folder, NULL, "list", errno, error))
    g_clear_pointer (&names, g_ptr_array_unref);
  closedir (entries);
  return g_steal_pointer (&names);
}

int
weir_file_write (int fd, guint64 offset, gconstpointer data, gsize size)
{
  const guint8 *at = data;

  while (size > 0) {
    gssize n = pwrite (fd, at, MIN (size, MOST_AT_ONCE), (off_t) offset);

    if (n < 0 && errno != EINTR)
      return errno;
    if (n == 0)
      return ENOSPC;
    n = MAX (n, 0);
    at += n;
    offset += (gsize) n;
    size -= (gsize) n;
  }
  return 0;
}

int
weir_file_sync (int fd, gboolean data_only)
{
  int result;

  do
    result = data_only ? fdatasync (fd) : fsync (fd);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

int
weir_file_read (int fd, guint64 offset, gpointer data, gsize size, gsize *n_read)
{
  gssize n = 1;

  *n_read = 0;
  while (*n_read < size && n != 0) {
    n = pread (fd, (guint8 *) data + *n_read, MIN (size - *n_read, MOST_AT_ONCE), (off_t) (offset + *n_read));
    if (n < 0 && errno != EINTR)
      return errno;
    *n_read += (gsize) MAX (n, 0);
  }
  return 0;
}

gboolean
weir_bytes_resize (GByteArray *data, guint64 size)
{
  gpointer room = NULL;

  if (size > G_MAXUINT)
    return FALSE;
  if (size > data->len && (room = g_try_malloc (size)) == NULL)
    return FALSE;
  g_free (room);
  g_byte_array_set_size (data, (guint) size);
  return TRUE;
}

static gboolean
load_open (const WeirFolder *folder, const char *name, int fd, GByteArray *data, GError **error)
{
  struct stat about;
  gsize n_read = 0;
  int code;

  if (fstat (fd, &about) != 0)
    return weir_folder_fail (folder, name, "look at", errno, error);
  if (!weir_bytes_resize (data, (guint64) about.st_size))
    return weir_folder_fail (folder, name, "find memory to read", ENOMEM, error);
  code = weir_file_read (fd, 0, data->data, data->len, &n_read);
  if (code != 0)
    return weir_folder_fail (folder, name, "read", code, error);
  g_byte_array_set_size (data, (guint) n_read);
  return TRUE;
}

gboolean
weir_folder_load (const WeirFolder *folder, const char *name, GByteArray *data, gboolean *found, GError **error)
{
  int fd = openat (folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  gboolean ok;

  *found = fd >= 0;
  if (fd < 0)
    return errno == ENOENT || weir_folder_fail (folder, name, "open", errno, error);
  ok = load_open (folder, name, fd, data, error);
  close (fd);
  return ok;
}

static gboolean
write_new (const WeirFolder *folder, const char *name, gconstpointer data, gsize size, GError **error)
{
  int fd = weir_folder_create (folder, name, error);
  int code;

  if (fd < 0)
    return FALSE;
  code = weir_file_write (fd, 0, data, size);
  if (code == 0)
    code = weir_file_sync (fd, FALSE);
  if (close (fd) != 0 && code == 0)
    code = errno;
  return code == 0 || weir_folder_fail (folder, name, "write", code, error);
}

gboolean
weir_folder_replace (const WeirFolder *folder, const char *name, gconstpointer data, gsize size, GError **error)
{
  g_autofree char *temporary = g_strconcat (name, ".tmp", NULL);

  weir_kill_point ("store-replace");
  if (!weir_folder_unlink (folder, temporary, error) || !write_new (folder, temporary, data, size, error))
    return FALSE;
  weir_kill_point ("store-replace-rename");
  if (!weir_folder_rename (folder, temporary, name, error))
    return FALSE;
  weir_kill_point ("store-replace-rename-done");
  if (!weir_folder_sync (folder, error))
    return FALSE;
  weir_kill_point ("store-replace-done");
  return TRUE;
}

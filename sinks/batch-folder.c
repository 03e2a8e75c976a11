/* Owns the appearing of folders. Must not know what is in them.
 * Runner thread; files are written by whoever opens them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/batch-folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/error.h>

static const char *
advice (int code)
{
  switch (code) {
  case ENOSPC:
  case EDQUOT:
    return "free some space there, or save elsewhere";
  case EACCES:
  case EPERM:
  case EROFS:
    return "give the job's user the right to write there, or save elsewhere";
  case ENOTDIR:
  case EEXIST:
    return "something else stands in the way: move it, or save elsewhere";
  case ENAMETOOLONG:
    return "use a shorter prefix or suffix";
  default:
    return "see that the folder is there and can be written";
  }
}

void
weir_batch_folder_set_error (GError **error, const char *what, const char *path, int code)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "cannot %s %s: %s: %s", what, path, g_strerror (code),
               advice (code));
}

static gboolean
fail (GError **error, const char *what, const char *path)
{
  weir_batch_folder_set_error (error, what, path, errno);
  return FALSE;
}

void
weir_batch_folder_init (WeirBatchFolder *folder, const char *prefix, const char *suffix, WeirTime time)
{
  gboolean has_prefix = prefix != NULL && prefix[0] != '\0', has_suffix = suffix != NULL && suffix[0] != '\0';
  g_autofree char *base = NULL;
  g_autofree char *folder_name = NULL;

  folder->final = g_strdup_printf ("%s%s%" G_GINT64_FORMAT "%s%s", has_prefix ? prefix : "", has_prefix ? "-" : "",
                                   time / 1000, has_suffix ? "." : "", has_suffix ? suffix : "");
  base = g_path_get_basename (folder->final);
  folder_name = g_path_get_dirname (folder->final);
  folder->temporary = g_strdup_printf ("%s/.%s.tmp", folder_name, base);
}

void
weir_batch_folder_clear (WeirBatchFolder *folder)
{
  g_free (folder->final);
  g_free (folder->temporary);
}

/* Removes a folder of plain files; TRUE if there is none any more. */
static gboolean
remove_folder (const char *path)
{
  DIR *entries = opendir (path);
  struct dirent *entry;

  if (entries == NULL)
    return errno == ENOENT || unlink (path) == 0;
  while ((entry = readdir (entries)) != NULL)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      unlinkat (dirfd (entries), entry->d_name, 0);
  closedir (entries);
  return rmdir (path) == 0;
}

gboolean
weir_batch_folder_begin (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder->final);

  if (g_mkdir_with_parents (parent, 0777) != 0)
    return fail (error, "create the folder", parent);
  if (!remove_folder (folder->temporary))
    return fail (error, "remove the leftover folder", folder->temporary);
  if (mkdir (folder->temporary, 0777) != 0)
    return fail (error, "create the folder", folder->temporary);
  return TRUE;
}

static gboolean
sync_folder (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (!ok)
    fail (error, "sync the folder", path);
  if (fd >= 0)
    close (fd);
  return ok;
}

/* Renames over what stands there; *old: where that went, NULL if there was nothing. */
static gboolean
put_in_place (const WeirBatchFolder *folder, char **old, GError **error)
{
  *old = NULL;
  if (rename (folder->temporary, folder->final) == 0)
    return TRUE;
  if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
    return fail (error, "put in place the folder", folder->final);
  *old = g_strdup_printf ("%s.old", folder->temporary);
  if (!remove_folder (*old) || rename (folder->final, *old) != 0)
    return fail (error, "move away the older output", folder->final);
  if (rename (folder->temporary, folder->final) != 0)
    return fail (error, "put in place the folder", folder->final);
  return TRUE;
}

gboolean
weir_batch_folder_commit (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder->final);
  g_autofree char *old = NULL;

  if (!sync_folder (folder->temporary, error) || !put_in_place (folder, &old, error))
    return FALSE;
  if (old != NULL)
    remove_folder (old);
  return sync_folder (parent, error);
}

void
weir_batch_folder_abort (const WeirBatchFolder *folder)
{
  remove_folder (folder->temporary);
}

static gboolean
write_all (int fd, const char *text)
{
  gsize size = strlen (text), done = 0;

  while (done < size) {
    gssize n = write (fd, text + done, size - done);

    if (n < 0 && errno != EINTR)
      return FALSE;
    done += n > 0 ? (gsize) n : 0;
  }
  return TRUE;
}

gboolean
weir_batch_folder_write_file (const WeirBatchFolder *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder->temporary, name, NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  gboolean ok;

  if (fd < 0)
    return fail (error, "create", path);
  ok = write_all (fd, text) && fsync (fd) == 0;
  if (!ok)
    fail (error, "write", path);
  close (fd);
  return ok;
}

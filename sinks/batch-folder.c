/* Owns the appearing of folders: names, replacing, syncing. Must not know what is written into them.
 *
 * What is deleted is only what such a folder holds (part files and _SUCCESS), and nothing is reached through a symbolic
 * link at the temporary name, which strangers may have put there where they may write.
 * Runner thread; part files are written by workers.
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

#include "engine/kill-point.h"

static const char *
advice (int code)
{
  switch (code) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return "make room there, or save elsewhere";
  case EACCES:
  case EPERM:
  case EROFS:
    return "give the job's user the right to write there, or save elsewhere";
  case ENOTDIR:
  case EEXIST:
  case ENOTEMPTY:
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
weir_batch_folder_init (WeirBatchFolder *folder, const char *prefix, const char *suffix, WeirTime time, const char *run)
{
  gboolean has_prefix = prefix != NULL && prefix[0] != '\0', has_suffix = suffix != NULL && suffix[0] != '\0';
  g_autofree char *base = NULL;
  g_autofree char *folder_name = NULL;

  folder->final = g_strdup_printf ("%s%s%" G_GINT64_FORMAT "%s%s", has_prefix ? prefix : "", has_prefix ? "-" : "",
                                   time / 1000, has_suffix ? "." : "", has_suffix ? suffix : "");
  base = g_path_get_basename (folder->final);
  folder_name = g_path_get_dirname (folder->final);
  folder->temporary =
      g_strdup_printf ("%s/.%s%s%s.tmp", folder_name, base, run != NULL ? "." : "", run != NULL ? run : "");
}

void
weir_batch_folder_clear (WeirBatchFolder *folder)
{
  g_free (folder->final);
  g_free (folder->temporary);
}

static gboolean
is_own (const char *name)
{
  return g_str_equal (name, WEIR_BATCH_FOLDER_SUCCESS) ||
         (g_str_has_prefix (name, "part-") && strspn (name + 5, "0123456789") == strlen (name + 5));
}

/* Removes what a batch left in a folder, through @fd. 0, or what went wrong. */
static int
empty_folder (int fd)
{
  DIR *entries = fdopendir (fd);
  struct dirent *entry;
  int code = 0;

  if (entries == NULL) {
    code = errno;
    close (fd);
    return code;
  }
  while ((entry = readdir (entries)) != NULL)
    if (is_own (entry->d_name) && unlinkat (fd, entry->d_name, 0) != 0)
      code = errno;
  closedir (entries);
  return code;
}

/* TRUE if nothing is there any more; else errno says why. What stands there and is no folder goes, too. */
static gboolean
remove_folder (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int code;

  if (fd < 0)
    return errno == ENOENT || ((errno == ENOTDIR || errno == ELOOP) && unlink (path) == 0);
  code = empty_folder (fd);
  if (code == 0 && rmdir (path) == 0)
    return TRUE;
  errno = code != 0 ? code : errno;
  return FALSE;
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

/* With those that it is in, each of which lasts before something is put into it. */
static gboolean
make_folder (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (!g_str_equal (parent, path) && !make_folder (parent, error))
    return FALSE;
  if (mkdir (path, 0777) == 0)
    return sync_folder (parent, error);
  if (errno == EEXIST && g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  errno = errno == EEXIST ? ENOTDIR : errno;
  return fail (error, "create the folder", path);
}

gboolean
weir_batch_folder_begin (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder->final);

  if (!make_folder (parent, error))
    return FALSE;
  if (!remove_folder (folder->temporary))
    return fail (error, "remove the leftover folder", folder->temporary);
  if (mkdir (folder->temporary, 0777) != 0)
    return fail (error, "create the folder", folder->temporary);
  return TRUE;
}

/* An output of a batch, which may be replaced? Anything else is not ours to remove. */
static gboolean
check_replaceable (const char *path, GError **error)
{
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
  const char *name;

  if (entries == NULL)
    return fail (error, "read the older output", path);
  while ((name = g_dir_read_name (entries)) != NULL) {
    if (is_own (name))
      continue;
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK,
                 "cannot replace the older output %s: it holds %s, which is no part of one: move it, or save elsewhere",
                 path, name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
replace (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *old = g_strdup_printf ("%s.old", folder->temporary);

  if (!check_replaceable (folder->final, error))
    return FALSE;
  if (!remove_folder (old))
    return fail (error, "remove the leftover folder", old);
  if (rename (folder->final, old) != 0)
    return fail (error, "move away the older output", folder->final);
  if (rename (folder->temporary, folder->final) != 0) {
    fail (error, "put in place the folder", folder->final);
    rename (old, folder->final);
    return FALSE;
  }
  return remove_folder (old) || fail (error, "remove the older output", old);
}

static gboolean
put_in_place (const WeirBatchFolder *folder, GError **error)
{
  weir_kill_point ("folder-rename");
  if (rename (folder->temporary, folder->final) == 0)
    return TRUE;
  if (errno == ENOTEMPTY || errno == EEXIST)
    return replace (folder, error);
  return fail (error, "put in place the folder", folder->final);
}

gboolean
weir_batch_folder_commit (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder->final);

  return sync_folder (folder->temporary, error) && put_in_place (folder, error) && sync_folder (parent, error);
}

gboolean
weir_batch_folder_sync (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder->final);

  return sync_folder (folder->temporary, error) && sync_folder (parent, error);
}

static gboolean
is_in_place (const WeirBatchFolder *folder)
{
  return !g_file_test (folder->temporary, G_FILE_TEST_IS_DIR) && g_file_test (folder->final, G_FILE_TEST_IS_DIR);
}

gboolean
weir_batch_folder_is_taken (const WeirBatchFolder *folder)
{
  g_autofree char *parent = g_path_get_dirname (folder->final);

  return g_file_test (parent, G_FILE_TEST_IS_DIR) && !g_file_test (folder->temporary, G_FILE_TEST_EXISTS) &&
         !g_file_test (folder->final, G_FILE_TEST_EXISTS);
}

/* A process that was stopped in the middle of the rename, and from which this one has taken over, may end it meanwhile. */
gboolean
weir_batch_folder_put (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder->final);
  g_autoptr (GError) failure = NULL;

  if (is_in_place (folder))
    return TRUE;
  if (put_in_place (folder, &failure) || is_in_place (folder))
    return sync_folder (parent, error);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* ".<base>-<ms>[.suffix][.run].tmp[.old]"? *@is_own: the run is @run. */
static gboolean
is_leftover (const char *name, const char *base, const char *suffix, const char *run, gboolean *is_own)
{
  g_autofree char *start = g_strdup_printf (".%s%s", base, base[0] != '\0' ? "-" : "");
  g_autofree char *end = g_strdup_printf ("%s%s.", suffix[0] != '\0' ? "." : "", suffix);
  const char *rest;
  gsize n_hex;

  if (!g_str_has_prefix (name, start))
    return FALSE;
  rest = name + strlen (start);
  if (!g_ascii_isdigit (*rest))
    return FALSE;
  rest += strspn (rest, "0123456789");
  if (!g_str_has_prefix (rest, end))
    return FALSE;
  rest += strlen (end);
  n_hex = strspn (rest, "0123456789abcdef");
  *is_own = g_str_has_prefix (rest, run) && n_hex == strlen (run);
  if (n_hex == WEIR_BATCH_FOLDER_RUN_SIZE && rest[n_hex] == '.')
    rest += n_hex + 1;
  return g_str_equal (rest, "tmp") || g_str_equal (rest, "tmp.old");
}

static gboolean
is_before (const char *path, gint64 time)
{
  struct stat status;

  return lstat (path, &status) == 0 &&
         (gint64) status.st_mtim.tv_sec * G_USEC_PER_SEC + status.st_mtim.tv_nsec / 1000 < time;
}

void
weir_batch_folder_sweep (const char *prefix, const char *suffix, const char *run, gint64 since)
{
  g_autofree char *parent = g_path_get_dirname (prefix);
  const char *slash = strrchr (prefix, '/');
  g_autoptr (GDir) entries = g_dir_open (prefix[0] != '\0' ? parent : ".", 0, NULL);
  const char *name;

  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL) {
    g_autofree char *path = g_build_filename (parent, name, NULL);
    gboolean is_own = FALSE;

    if (is_leftover (name, slash != NULL ? slash + 1 : prefix, suffix, run, &is_own) &&
        (is_own || is_before (path, since)))
      remove_folder (path);
  }
}

void
weir_batch_folder_abort (const WeirBatchFolder *folder)
{
  remove_folder (folder->temporary);
}

int
weir_batch_folder_create (const WeirBatchFolder *folder, const char *name, char **path)
{
  *path = g_build_filename (folder->temporary, name, NULL);
  return open (*path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

gboolean
weir_batch_folder_mark_success (const WeirBatchFolder *folder, GError **error)
{
  g_autofree char *path = NULL;
  int fd = weir_batch_folder_create (folder, WEIR_BATCH_FOLDER_SUCCESS, &path);
  gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (!ok)
    fail (error, fd < 0 ? "create" : "sync", path);
  if (fd >= 0)
    close (fd);
  return ok;
}

/* folder-scan.c: a folder against what is known of it.
 *
 * Owns the names that are known. A file is stat'ed once, when it is new, so that a look costs little more than listing
 * the folder; so is a folder of parts, which never changes once it is there. Must not know who reads the files, and what
 * is in them.
 * Threads: one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/folder-scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/error.h>

#define SUCCESS "_SUCCESS"
#define PART    "part-"

typedef struct {
  char *name;
  guint round; /* in which it was last there */
} Known;

typedef struct {
  guint round;
  GPtrArray *parts; /* of Known, which `known` owns */
} Folder;

struct _WeirFolderScan {
  WeirFolderScanSettings settings;
  char *path;
  GHashTable *known;   /* name -> Known */
  GHashTable *folders; /* of parts: name -> Folder */
  GHashTable *refused; /* names of files that cannot be read, as the log has said */
  guint round;
  dev_t device; /* on which the folder was first seen */
  gboolean has_device, says_other;
};

/* One look. */
typedef struct {
  WeirFolderScan *scan;
  GArray *news;
  int fd;              /* of the folder that is listed */
  const char *prefix;  /* of names in it: "" or "folder/" */
  GPtrArray *parts;    /* of a folder of parts */
  gboolean is_partial; /* something could not be looked at: what is not seen may be there */
} Look;

static void
news_clear (gpointer data)
{
  g_free (((WeirFolderNews *) data)->name);
}

GArray *
weir_folder_news_new (void)
{
  GArray *news = g_array_new (FALSE, FALSE, sizeof (WeirFolderNews));

  g_array_set_clear_func (news, news_clear);
  return news;
}

static void
known_free (gpointer data)
{
  g_free (((Known *) data)->name);
  g_free (data);
}

static void
folder_free (gpointer data)
{
  g_ptr_array_unref (((Folder *) data)->parts);
  g_free (data);
}

gboolean
weir_folder_scan_is_plain (const char *name)
{
  return name[0] != '.' && name[0] != '_' && !g_str_has_suffix (name, ".tmp") && !g_str_has_suffix (name, "._COPYING_");
}

WeirFolderScan *
weir_folder_scan_new (const WeirFolderScanSettings *settings)
{
  WeirFolderScan *scan = g_new0 (WeirFolderScan, 1);

  scan->settings = *settings;
  scan->path = g_strdup (settings->path);
  scan->known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, known_free);
  scan->folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, folder_free);
  scan->refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return scan;
}

void
weir_folder_scan_free (WeirFolderScan *scan)
{
  g_hash_table_unref (scan->folders);
  g_hash_table_unref (scan->known);
  g_hash_table_unref (scan->refused);
  g_free (scan->path);
  g_free (scan);
}

const char *
weir_folder_scan_path (const WeirFolderScan *scan)
{
  return scan->path;
}

const WeirLog *
weir_folder_scan_log (const WeirFolderScan *scan)
{
  return scan->settings.log;
}

static Known *
know (WeirFolderScan *scan, const char *name)
{
  Known *known = g_hash_table_lookup (scan->known, name);

  if (known == NULL) {
    known = g_new (Known, 1);
    known->name = g_strdup (name);
    g_hash_table_insert (scan->known, known->name, known);
  }
  known->round = scan->round;
  return known;
}

void
weir_folder_scan_know (WeirFolderScan *scan, const char *name)
{
  know (scan, name);
}

GHashTable *
weir_folder_scan_refused (const WeirFolderScan *scan)
{
  return scan->refused;
}

void
weir_folder_scan_forget_all (WeirFolderScan *scan)
{
  g_hash_table_remove_all (scan->folders);
  g_hash_table_remove_all (scan->known);
}

static gboolean
is_wanted (const WeirFolderScan *scan, const char *name)
{
  if (scan->settings.filter != NULL)
    return scan->settings.filter (name, scan->settings.user_data);
  return weir_folder_scan_is_plain (name);
}

/* It is looked at again each time: the right to read it may be given, and then nothing is lost. */
static void
refuse (const Look *look, const char *name, int code)
{
  if (g_hash_table_contains (look->scan->refused, name))
    return;
  g_hash_table_add (look->scan->refused, g_strdup (name));
  weir_log (look->scan->settings.log, WEIR_LOG_WARNING,
            "%s/%s cannot be read and is left out: %s: give the job's user the right to read it", look->scan->path,
            name, g_strerror (code));
}

/* Is there such an entry that may be read, of that type? What vanishes meanwhile is not there. */
static gboolean
look_at (const Look *look, const char *entry, const char *name, struct stat *status)
{
  int code = 0;

  if (fstatat (look->fd, entry, status, 0) != 0)
    code = errno;
  else if (S_ISREG (status->st_mode) && faccessat (look->fd, entry, R_OK, AT_EACCESS) != 0)
    code = errno;
  if (code != 0 && code != ENOENT && code != ENOTDIR && code != ELOOP)
    refuse (look, name, code);
  return code == 0;
}

static Known *
add_file (const Look *look, const char *name, guint64 size)
{
  WeirFolderNews one = { .name = g_strdup (name), .size = size };

  g_hash_table_remove (look->scan->refused, name);
  g_array_append_val (look->news, one);
  return know (look->scan, name);
}

/* NULL: it is new. */
static Known *
meet (WeirFolderScan *scan, const char *name)
{
  Known *known = g_hash_table_lookup (scan->known, name);

  if (known != NULL)
    known->round = scan->round;
  return known;
}

static void
look_at_part (Look *look, const struct dirent *one)
{
  const char *entry = one->d_name;
  g_autofree char *name = g_strconcat (look->prefix, entry, NULL);
  Known *known = meet (look->scan, name);
  struct stat status;

  if (!g_str_has_prefix (entry, PART))
    return;
  if (known == NULL && look_at (look, entry, name, &status) && S_ISREG (status.st_mode))
    known = add_file (look, name, (guint64) status.st_size);
  if (known != NULL)
    g_ptr_array_add (look->parts, known);
  else
    look->is_partial = TRUE;
}

/* Closes the folder. */
static gboolean
list (Look *look, void (*each) (Look *look, const struct dirent *one))
{
  DIR *entries = fdopendir (look->fd);
  const struct dirent *entry;
  int code;

  if (entries == NULL) {
    code = errno;
    close (look->fd);
    errno = code;
    return FALSE;
  }
  errno = 0;
  while ((entry = readdir (entries)) != NULL) {
    each (look, entry);
    errno = 0;
  }
  code = errno;
  closedir (entries);
  errno = code;
  return code == 0;
}

/* The folder was renamed when it was complete, so it is listed once; again if not all of it could be read. */
static void
add_folder (Look *look, const char *entry)
{
  g_autofree char *prefix = g_strconcat (entry, "/", NULL);
  Look inside = { .scan = look->scan, .news = look->news, .prefix = prefix };
  Folder *folder;

  inside.fd = openat (look->fd, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (inside.fd < 0 && errno != ENOENT && errno != ENOTDIR) {
    look->is_partial = TRUE;
    refuse (look, entry, errno);
  }
  if (inside.fd < 0)
    return;
  if (faccessat (inside.fd, SUCCESS, F_OK, 0) != 0) {
    close (inside.fd);
    return;
  }
  inside.parts = g_ptr_array_new ();
  if (!list (&inside, look_at_part) || inside.is_partial) {
    look->is_partial = TRUE;
    g_ptr_array_unref (inside.parts);
    return;
  }
  folder = g_new (Folder, 1);
  *folder = (Folder){ .round = look->scan->round, .parts = inside.parts };
  g_hash_table_insert (look->scan->folders, g_strdup (entry), folder);
}

static gboolean
meet_folder (WeirFolderScan *scan, const char *entry)
{
  Folder *folder = g_hash_table_lookup (scan->folders, entry);

  if (folder == NULL)
    return FALSE;
  folder->round = scan->round;
  for (guint i = 0; i < folder->parts->len; i++)
    ((Known *) g_ptr_array_index (folder->parts, i))->round = scan->round;
  return TRUE;
}

/* Folders that do not count are told by what the listing says, where it does. */
static void
look_at_entry (Look *look, const struct dirent *one)
{
  WeirFolderScan *scan = look->scan;
  const char *entry = one->d_name;
  struct stat status;

  if (g_str_equal (entry, ".") || g_str_equal (entry, "..") || meet (scan, entry) != NULL || meet_folder (scan, entry))
    return;
  if (one->d_type == DT_DIR && !scan->settings.with_folders)
    return;
  if (!is_wanted (scan, entry) || !look_at (look, entry, entry, &status))
    return;
  if (S_ISREG (status.st_mode))
    add_file (look, entry, (guint64) status.st_size);
  else if (S_ISDIR (status.st_mode) && scan->settings.with_folders)
    add_folder (look, entry);
}

/* Is this the folder that was first seen? What lacks names because something is not mounted has not lost its files, and
 * when they are back they must not be read again. */
static gboolean
is_the_same (WeirFolderScan *scan, int fd)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    return FALSE;
  if (!scan->has_device)
    scan->device = status.st_dev;
  scan->has_device = TRUE;
  if (status.st_dev != scan->device && !scan->says_other)
    weir_log (scan->settings.log, WEIR_LOG_WARNING,
              "the folder %s is on another device than before: the names of the files that were there are kept",
              scan->path);
  scan->says_other = status.st_dev != scan->device;
  return !scan->says_other;
}

static gboolean
is_gone_folder (gpointer name, gpointer folder, gpointer scan)
{
  return ((Folder *) folder)->round != ((WeirFolderScan *) scan)->round;
}

static void
note_gone (WeirFolderScan *scan, GArray *news)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_foreach_remove (scan->folders, is_gone_folder, scan);
  g_hash_table_iter_init (&iter, scan->known);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    WeirFolderNews one = { .is_gone = TRUE };

    if (((Known *) value)->round == scan->round)
      continue;
    one.name = g_strdup (name);
    g_array_append_val (news, one);
    g_hash_table_iter_remove (&iter);
  }
}

gboolean
weir_folder_scan_look (WeirFolderScan *scan, GArray *news, GError **error)
{
  int fd = open (scan->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Look look = { .scan = scan, .news = news, .fd = fd, .prefix = "" };
  gboolean is_whole = fd >= 0 && is_the_same (scan, fd);

  scan->round++;
  if (fd < 0 || !list (&look, look_at_entry)) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "cannot list the folder %s: %s: %s", scan->path,
                 g_strerror (errno),
                 errno == EACCES ? "give the job's user the right to read it" : "see that it is there");
    return FALSE;
  }
  if (is_whole && !look.is_partial)
    note_gone (scan, news);
  return TRUE;
}

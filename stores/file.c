/* The store file:///dir: checkpoints in a directory of their own.
 *
 *   lock       held by the owner (flock) as long as it lives; says who that is
 *   current    the number of the sealed epoch; replaced as a whole
 *   epoch-<n>  blobs, manifest, footer; there once the epoch is prepared (stores/file-epoch.c)
 *   plans-<n>  what the batches of the epoch read (stores/file-plans.c)
 *
 * Owns the lock, the current epoch and what is forgotten. Must not know what blobs, manifests and plans say.
 * All of it belongs to the thread that calls, but for the plans' writer, which is append_plan's.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/frame.h"
#include "engine/kill-point.h"
#include "stores/file-epoch.h"
#include "stores/file-plans.h"

#define LOCK    "lock"
#define CURRENT "current"

typedef struct {
  WeirStore store;
  WeirFolder folder;
  int lock; /* -1: none: read only */
  gboolean is_open;
  gboolean read_only;
  WeirFileEpochWriter writer;
  WeirFileEpochReader reader;
  WeirFilePlansWriter plans;
} FileStore;

static gboolean
refuse (FileStore *self, const char *what, guint64 epoch, const char *why, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
               "cannot %s epoch %" G_GUINT64_FORMAT " of %s: %s: this is a mistake of weir: please report it", what,
               epoch, self->folder.path, why);
  return FALSE;
}

static char *
parse_uri (const char *uri, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *host = NULL;
  g_autofree char *path = g_filename_from_uri (uri, &host, &cause);

  if (path != NULL && (host == NULL || g_str_equal (host, "localhost")) && path[0] == '/')
    return g_steal_pointer (&path);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
               "'%s' names no directory of this machine%s%s: write file:///path/of/the/directory", uri,
               cause != NULL ? ": " : "", cause != NULL ? cause->message : "");
  return NULL;
}

/* --- the lock --- */

static gboolean
report_owner (FileStore *self, GError **error)
{
  g_autoptr (GByteArray) owner = g_byte_array_new ();
  gboolean found = FALSE;
  gsize n;

  if (!weir_folder_load (&self->folder, LOCK, owner, &found, NULL) || owner->len == 0)
    g_byte_array_append (owner, (const guint8 *) "another process", sizeof "another process");
  g_byte_array_append (owner, (const guint8 *) "", 1);
  n = strcspn ((char *) owner->data, "\n");
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_LOCKED,
               "the checkpoint %s is in use by %.*s: stop that, or give this job another directory", self->folder.path,
               (int) MIN (n, 200), (char *) owner->data);
  return FALSE;
}

static int
write_owner (int fd)
{
  g_autofree char *owner = g_strdup_printf ("process %d on host %s\n", (int) getpid (), g_get_host_name ());

  if (ftruncate (fd, 0) != 0)
    return errno;
  return weir_file_write (fd, 0, owner, strlen (owner));
}

static gboolean
is_ours (FileStore *self)
{
  struct stat ours, there;

  return fstat (self->lock, &ours) == 0 && fstatat (self->folder.fd, LOCK, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static void
drop_lock (FileStore *self)
{
  if (self->lock >= 0)
    close (self->lock);
  self->lock = -1;
}

static gboolean
take_lock (FileStore *self, GError **error)
{
  int code;

  do { /* the file may be removed between opening and locking it */
    drop_lock (self);
    self->lock = weir_folder_open_file (&self->folder, LOCK, O_RDWR | O_CREAT, error);
    if (self->lock < 0)
      return FALSE;
    if (flock (self->lock, LOCK_EX | LOCK_NB) != 0)
      return errno == EWOULDBLOCK ? report_owner (self, error)
                                  : weir_folder_fail (&self->folder, LOCK, "lock", errno, error);
  } while (!is_ours (self));
  code = write_owner (self->lock);
  return code == 0 || weir_folder_fail (&self->folder, LOCK, "write", code, error);
}

/* Before all that changes something. */
static gboolean
check_owner (FileStore *self, GError **error)
{
  if (self->read_only)
    return refuse (self, "change", 0, "it was opened for reading", error);
  if (is_ours (self))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FENCED,
               "the checkpoint %s is no longer this process's: its lock file was removed or replaced: nothing more is "
               "written there; start the job again if no other instance of it runs",
               self->folder.path);
  return FALSE;
}

/* --- the current epoch --- */

static gboolean
parse_current (FileStore *self, const GByteArray *data, guint64 *sealed, GError **error)
{
  g_autoptr (GError) why = NULL;
  const guint8 *payload;
  gsize size;
  WeirTaker taker;

  if (!weir_frame_open (data->data, data->len, WEIR_FRAME_CURRENT, &payload, &size, &why))
    return weir_folder_refuse (&self->folder, CURRENT, 0, why, error);
  weir_taker_init (&taker, payload, size);
  *sealed = weir_take_u64 (&taker);
  if (!weir_taker_is_done (&taker) || weir_frame_size (size) != data->len)
    return weir_folder_corrupt (&self->folder, CURRENT, weir_frame_size (size), "it is too long", error);
  return TRUE;
}

static gboolean
read_current (FileStore *self, guint64 *sealed, gboolean *found, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();

  *sealed = 0;
  return weir_folder_load (&self->folder, CURRENT, data, found, error) &&
         (!*found || parse_current (self, data, sealed, error));
}

static gboolean
write_current (FileStore *self, guint64 epoch, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  guint start = weir_frame_begin (data);

  weir_put_u64 (data, epoch);
  weir_frame_end (data, start, WEIR_FRAME_CURRENT);
  return weir_folder_replace (&self->folder, CURRENT, data->data, data->len, error);
}

static gint
compare_epochs (gconstpointer a, gconstpointer b)
{
  guint64 left = *(const guint64 *) a, right = *(const guint64 *) b;

  return left < right ? -1 : left > right;
}

static gboolean
list_numbers (FileStore *self, const char *prefix, GArray *epochs, GError **error)
{
  g_autoptr (GPtrArray) names = weir_folder_list (&self->folder, error);
  guint64 epoch;

  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    if (weir_file_epoch_parse_name (g_ptr_array_index (names, i), prefix, &epoch))
      g_array_append_val (epochs, epoch);
  g_array_sort (epochs, compare_epochs);
  return TRUE;
}

static gboolean
file_list (WeirStore *store, GArray *epochs, GError **error)
{
  return list_numbers ((FileStore *) store, "epoch-", epochs, error);
}

static gboolean
file_find (WeirStore *store, guint64 *sealed, guint64 *prepared, GError **error)
{
  FileStore *self = (FileStore *) store;
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  gboolean found;
  guint64 last;

  *prepared = 0;
  if (!read_current (self, sealed, &found, error) || !file_list (store, epochs, error))
    return FALSE;
  last = epochs->len > 0 ? g_array_index (epochs, guint64, epochs->len - 1) : 0;
  if (!found && last > 0)
    return weir_folder_corrupt (&self->folder, CURRENT, 0, "it is missing, and epochs are there", error);
  if (last > *sealed)
    *prepared = last;
  return TRUE;
}

/* --- opening --- */

static gboolean
clear_leftovers (FileStore *self, GError **error)
{
  g_autoptr (GPtrArray) names = weir_folder_list (&self->folder, error);

  for (guint i = 0; names != NULL && i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);

    if (g_str_has_suffix (name, ".tmp") && (g_str_has_prefix (name, "epoch-") || g_str_has_prefix (name, CURRENT)) &&
        !weir_folder_unlink (&self->folder, name, error))
      return FALSE;
  }
  return names != NULL;
}

/* A new store says from the beginning that nothing is sealed: so a file that is missing later is known to be lost. */
static gboolean
make_current (FileStore *self, GError **error)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));

  if (faccessat (self->folder.fd, CURRENT, F_OK, 0) == 0 || !list_numbers (self, "epoch-", epochs, NULL))
    return TRUE;
  return epochs->len > 0 || write_current (self, 0, error);
}

static void
file_close (WeirStore *store)
{
  FileStore *self = (FileStore *) store;

  if (!self->is_open)
    return;
  self->is_open = FALSE;
  weir_file_epoch_discard (&self->writer, &self->folder);
  weir_file_epoch_reader_close (&self->reader);
  weir_file_plans_writer_close (&self->plans);
  drop_lock (self);
  weir_folder_close (&self->folder);
}

static gboolean
file_open (WeirStore *store, const WeirStoreSettings *settings, GError **error)
{
  FileStore *self = (FileStore *) store;
  g_autofree char *path = parse_uri (settings->uri, error);

  if (path == NULL)
    return FALSE;
  self->is_open = TRUE;
  self->read_only = settings->read_only;
  self->lock = -1;
  weir_file_epoch_writer_init (&self->writer);
  weir_file_epoch_reader_init (&self->reader);
  weir_file_plans_writer_init (&self->plans);
  if (weir_folder_open (&self->folder, path, self->read_only, error) &&
      (self->read_only || (take_lock (self, error) && clear_leftovers (self, error) && make_current (self, error))))
    return TRUE;
  file_close (store);
  return FALSE;
}

/* --- reading --- */

static gboolean
file_read_manifest (WeirStore *store, guint64 epoch, GByteArray *manifest, GError **error)
{
  FileStore *self = (FileStore *) store;

  return weir_file_epoch_open (&self->reader, &self->folder, epoch, error) &&
         weir_file_epoch_read_manifest (&self->reader, &self->folder, manifest, error);
}

static gboolean
file_read (WeirStore *store, const WeirBlob *blob, GByteArray *data, GError **error)
{
  FileStore *self = (FileStore *) store;

  return weir_file_epoch_read (&self->reader, &self->folder, blob, data, error);
}

static gboolean
file_read_plans (WeirStore *store, guint64 epoch, GPtrArray *plans, GError **error)
{
  return weir_file_plans_load (&((FileStore *) store)->folder, epoch, plans, error);
}

static char *
file_describe (WeirStore *store, guint64 epoch, const WeirBlob *blob)
{
  FileStore *self = (FileStore *) store;
  char name[WEIR_FILE_EPOCH_NAME_SIZE];

  weir_file_epoch_name (epoch, name);
  if (blob == NULL)
    return g_strdup_printf ("%s/%s, the manifest", self->folder.path, name);
  return g_strdup_printf ("%s/%s at %" G_GUINT64_FORMAT, self->folder.path, name, blob->offset);
}

/* --- writing --- */

static gboolean
file_append_plan (WeirStore *store, guint64 epoch, gconstpointer data, gsize size, GError **error)
{
  FileStore *self = (FileStore *) store;

  return check_owner (self, error) && weir_file_plans_append (&self->plans, &self->folder, epoch, data, size, error);
}

/* An epoch that is sealed, or older than that, is never written again. */
static gboolean
check_newer (FileStore *self, const char *what, guint64 epoch, GError **error)
{
  guint64 sealed;
  gboolean found;

  if (!check_owner (self, error) || !read_current (self, &sealed, &found, error))
    return FALSE;
  return epoch > sealed || refuse (self, what, epoch, "a newer one is sealed, or it is itself", error);
}

static gboolean
file_begin (WeirStore *store, guint64 epoch, GError **error)
{
  FileStore *self = (FileStore *) store;

  if (!check_newer (self, "begin", epoch, error))
    return FALSE;
  if (self->reader.epoch == epoch)
    weir_file_epoch_reader_close (&self->reader);
  weir_kill_point ("store-begin");
  return weir_file_epoch_begin (&self->writer, &self->folder, epoch, error);
}

static gboolean
file_put (WeirStore *store, gconstpointer data, gsize size, WeirBlob *blob, GError **error)
{
  FileStore *self = (FileStore *) store;

  *blob = (WeirBlob){ .epoch = self->writer.epoch, .offset = self->writer.size, .size = size };
  weir_kill_point ("store-put");
  if (!weir_file_epoch_put (&self->writer, &self->folder, data, size, error))
    return FALSE;
  weir_kill_point ("store-put-done");
  return TRUE;
}

static gboolean
file_prepare (WeirStore *store, gconstpointer manifest, gsize size, GError **error)
{
  FileStore *self = (FileStore *) store;

  return check_owner (self, error) && weir_file_epoch_finish (&self->writer, &self->folder, manifest, size, error);
}

static gboolean
file_seal (WeirStore *store, guint64 epoch, GError **error)
{
  FileStore *self = (FileStore *) store;
  guint64 sealed;
  gboolean found;

  if (!check_owner (self, error) || !read_current (self, &sealed, &found, error))
    return FALSE;
  if (epoch < sealed)
    return refuse (self, "seal", epoch, "a newer one is sealed", error);
  if (!weir_file_epoch_open (&self->reader, &self->folder, epoch, error))
    return FALSE;
  weir_kill_point ("store-seal");
  if (!write_current (self, epoch, error))
    return FALSE;
  weir_kill_point ("store-seal-done");
  return TRUE;
}

static gboolean
unlink_number (FileStore *self, const char *prefix, guint64 epoch, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%s%" G_GUINT64_FORMAT, prefix, epoch);

  return weir_folder_unlink (&self->folder, name, error);
}

/* Synced, so that what was dropped does not come back with a power cut. */
static gboolean
file_drop_prepared (WeirStore *store, guint64 epoch, GError **error)
{
  FileStore *self = (FileStore *) store;

  if (!check_newer (self, "drop", epoch, error))
    return FALSE;
  if (self->reader.epoch == epoch)
    weir_file_epoch_reader_close (&self->reader);
  weir_kill_point ("store-drop");
  return unlink_number (self, "epoch-", epoch, error) && weir_folder_sync (&self->folder, error);
}

static gboolean
is_kept (guint64 epoch, const guint64 *keep, gsize n)
{
  return n > 0 && bsearch (&epoch, keep, n, sizeof *keep, compare_epochs) != NULL;
}

static gboolean
forget_numbers (FileStore *self, const char *prefix, const GArray *keep, GError **error)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 sealed = g_array_index (keep, guint64, keep->len - 1);

  if (!list_numbers (self, prefix, epochs, error))
    return FALSE;
  for (guint i = 0; i < epochs->len; i++) {
    guint64 epoch = g_array_index (epochs, guint64, i);

    if (epoch <= sealed && !is_kept (epoch, (guint64 *) keep->data, keep->len) &&
        !unlink_number (self, prefix, epoch, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
file_forget (WeirStore *store, const guint64 *keep, gsize n, GError **error)
{
  FileStore *self = (FileStore *) store;
  g_autoptr (GArray) kept = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 sealed;
  gboolean found;

  if (!check_owner (self, error) || !read_current (self, &sealed, &found, error))
    return FALSE;
  for (gsize i = 0; i < n && keep[i] < sealed; i++)
    g_array_append_val (kept, keep[i]);
  g_array_append_val (kept, sealed);
  weir_kill_point ("store-forget");
  weir_file_epoch_reader_close (&self->reader);
  return forget_numbers (self, "epoch-", kept, error) && forget_numbers (self, "plans-", kept, error);
}

static gboolean
file_renew (WeirStore *store, GError **error)
{
  return check_owner ((FileStore *) store, error);
}

const WeirStoreKlass weir_file_store_class = {
  .scheme = "file",
  .instance_size = sizeof (FileStore),
  .open = file_open,
  .find = file_find,
  .list = file_list,
  .read_manifest = file_read_manifest,
  .read = file_read,
  .read_plans = file_read_plans,
  .describe = file_describe,
  .append_plan = file_append_plan,
  .begin = file_begin,
  .put = file_put,
  .prepare = file_prepare,
  .seal = file_seal,
  .drop_prepared = file_drop_prepared,
  .forget = file_forget,
  .renew = file_renew,
  .close = file_close,
};

/* Owns the form of an epoch's file. Must not know which epoch is current, nor what the blobs mean. One thread.
 *
 * A file gets its name only when all of it is on the disk; one without a whole footer has been damaged since.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/file-epoch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/frame.h"
#include "engine/kill-point.h"

#define FOOTER_SIZE (WEIR_FRAME_HEADER + 3 * sizeof (guint64)) /* the epoch, the manifest's place and size */

void
weir_file_epoch_name (guint64 epoch, char name[WEIR_FILE_EPOCH_NAME_SIZE])
{
  g_snprintf (name, WEIR_FILE_EPOCH_NAME_SIZE, "epoch-%" G_GUINT64_FORMAT, epoch);
}

static void
temporary_name (guint64 epoch, char name[WEIR_FILE_EPOCH_NAME_SIZE])
{
  g_snprintf (name, WEIR_FILE_EPOCH_NAME_SIZE, "epoch-%" G_GUINT64_FORMAT ".tmp", epoch);
}

gboolean
weir_file_epoch_parse_name (const char *name, const char *prefix, guint64 *epoch)
{
  const char *number = g_str_has_prefix (name, prefix) ? name + strlen (prefix) : "";

  return number[0] != '0' && g_ascii_string_to_unsigned (number, 10, 1, G_MAXUINT64, epoch, NULL);
}

void
weir_file_epoch_writer_init (WeirFileEpochWriter *writer)
{
  *writer = (WeirFileEpochWriter){ .fd = -1 };
}

void
weir_file_epoch_discard (WeirFileEpochWriter *writer, const WeirFolder *folder)
{
  char name[WEIR_FILE_EPOCH_NAME_SIZE];

  if (writer->fd < 0)
    return;
  close (writer->fd);
  writer->fd = -1;
  temporary_name (writer->epoch, name);
  weir_folder_unlink (folder, name, NULL); /* it gives its room back; what stays is cleared at the next begin */
}

gboolean
weir_file_epoch_begin (WeirFileEpochWriter *writer, const WeirFolder *folder, guint64 epoch, GError **error)
{
  char name[WEIR_FILE_EPOCH_NAME_SIZE], temporary[WEIR_FILE_EPOCH_NAME_SIZE];

  weir_file_epoch_discard (writer, folder);
  weir_file_epoch_name (epoch, name);
  temporary_name (epoch, temporary);
  if (!weir_folder_unlink (folder, temporary, error) || !weir_folder_unlink (folder, name, error))
    return FALSE;
  writer->fd = weir_folder_create (folder, temporary, error);
  writer->epoch = epoch;
  writer->size = 0;
  return writer->fd >= 0;
}

static gboolean
check_begun (const WeirFileEpochWriter *writer, const WeirFolder *folder, GError **error)
{
  if (writer->fd >= 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
               "cannot add to an epoch of %s: none is begun, or a write to it failed: begin it again", folder->path);
  return FALSE;
}

static gboolean
give_up (WeirFileEpochWriter *writer, const WeirFolder *folder, const char *what, int code, GError **error)
{
  char name[WEIR_FILE_EPOCH_NAME_SIZE];

  temporary_name (writer->epoch, name);
  weir_folder_fail (folder, name, what, code, error);
  weir_file_epoch_discard (writer, folder);
  return FALSE;
}

gboolean
weir_file_epoch_put (WeirFileEpochWriter *writer, const WeirFolder *folder, gconstpointer data, gsize size,
                     GError **error)
{
  int code;

  if (!check_begun (writer, folder, error))
    return FALSE;
  code = weir_file_write (writer->fd, writer->size, data, size);
  if (code != 0)
    return give_up (writer, folder, "write", code, error);
  writer->size += size;
  return TRUE;
}

static gboolean
put_footer (WeirFileEpochWriter *writer, const WeirFolder *folder, gsize manifest_size, GError **error)
{
  g_autoptr (GByteArray) footer = g_byte_array_new ();
  guint start = weir_frame_begin (footer);

  weir_put_u64 (footer, writer->epoch);
  weir_put_u64 (footer, writer->size - manifest_size);
  weir_put_u64 (footer, manifest_size);
  weir_frame_end (footer, start, WEIR_FRAME_FOOTER);
  return weir_file_epoch_put (writer, folder, footer->data, footer->len, error);
}

/* A sync that failed is not tried again: the system may have dropped what it could not write. */
static gboolean
sync_and_close (WeirFileEpochWriter *writer, const WeirFolder *folder, GError **error)
{
  int code = weir_file_sync (writer->fd, FALSE);
  int fd = writer->fd;

  if (code != 0)
    return give_up (writer, folder, "sync", code, error);
  writer->fd = -1;
  return close (fd) == 0 || give_up (writer, folder, "close", errno, error);
}

gboolean
weir_file_epoch_finish (WeirFileEpochWriter *writer, const WeirFolder *folder, gconstpointer manifest, gsize size,
                        GError **error)
{
  char name[WEIR_FILE_EPOCH_NAME_SIZE], temporary[WEIR_FILE_EPOCH_NAME_SIZE];

  weir_file_epoch_name (writer->epoch, name);
  temporary_name (writer->epoch, temporary);
  weir_kill_point ("store-prepare");
  if (!weir_file_epoch_put (writer, folder, manifest, size, error) || !put_footer (writer, folder, size, error))
    return FALSE;
  weir_kill_point ("store-prepare-sync");
  if (!sync_and_close (writer, folder, error))
    return FALSE;
  weir_kill_point ("store-prepare-rename");
  if (!weir_folder_rename (folder, temporary, name, error))
    return FALSE;
  weir_kill_point ("store-prepare-rename-done");
  if (!weir_folder_sync (folder, error))
    return FALSE;
  weir_kill_point ("store-prepare-done");
  return TRUE;
}

void
weir_file_epoch_reader_init (WeirFileEpochReader *reader)
{
  *reader = (WeirFileEpochReader){ .fd = -1 };
}

void
weir_file_epoch_reader_close (WeirFileEpochReader *reader)
{
  if (reader->fd >= 0)
    close (reader->fd);
  reader->fd = -1;
}

static gboolean
read_piece (WeirFileEpochReader *reader, const WeirFolder *folder, guint64 offset, guint64 size, GByteArray *data,
            GError **error)
{
  char name[WEIR_FILE_EPOCH_NAME_SIZE];
  gsize n_read;
  int code;

  weir_file_epoch_name (reader->epoch, name);
  if (!weir_bytes_resize (data, size))
    return weir_folder_fail (folder, name, "find memory to read", ENOMEM, error);
  code = weir_file_read (reader->fd, offset, data->data, size, &n_read);
  if (code != 0)
    return weir_folder_fail (folder, name, "read", code, error);
  return n_read == size || weir_folder_corrupt (folder, name, offset, "it ends too early", error);
}

/* NULL: it is whole. */
static const char *
take_footer (WeirFileEpochReader *reader, const GByteArray *footer, guint64 footer_at, GError **why)
{
  const guint8 *payload;
  gsize size;
  WeirTaker taker;
  guint64 epoch;

  if (!weir_frame_open (footer->data, footer->len, WEIR_FRAME_FOOTER, &payload, &size, why))
    return (*why)->message;
  weir_taker_init (&taker, payload, size);
  epoch = weir_take_u64 (&taker);
  reader->manifest_at = weir_take_u64 (&taker);
  reader->manifest_size = weir_take_u64 (&taker);
  if (!weir_taker_is_done (&taker) || weir_frame_size (size) != footer->len)
    return "its footer does not have the size of one";
  if (epoch != reader->epoch)
    return "it is the file of another epoch, under this name";
  if (reader->manifest_at > footer_at || reader->manifest_size != footer_at - reader->manifest_at)
    return "its footer does not fit its size";
  return NULL;
}

static gboolean
read_footer (WeirFileEpochReader *reader, const WeirFolder *folder, GError **error)
{
  g_autoptr (GByteArray) footer = g_byte_array_new ();
  g_autoptr (GError) why = NULL;
  char name[WEIR_FILE_EPOCH_NAME_SIZE];
  struct stat about;
  const char *reason;
  guint64 at;

  weir_file_epoch_name (reader->epoch, name);
  if (fstat (reader->fd, &about) != 0)
    return weir_folder_fail (folder, name, "look at", errno, error);
  if ((guint64) about.st_size < FOOTER_SIZE)
    return weir_folder_corrupt (folder, name, (guint64) about.st_size, "it ends too early", error);
  at = (guint64) about.st_size - FOOTER_SIZE;
  if (!read_piece (reader, folder, at, FOOTER_SIZE, footer, error))
    return FALSE;
  reason = take_footer (reader, footer, at, &why);
  if (why != NULL)
    return weir_folder_refuse (folder, name, at, why, error);
  return reason == NULL || weir_folder_corrupt (folder, name, at, reason, error);
}

gboolean
weir_file_epoch_open (WeirFileEpochReader *reader, const WeirFolder *folder, guint64 epoch, GError **error)
{
  char name[WEIR_FILE_EPOCH_NAME_SIZE];

  if (reader->fd >= 0 && reader->epoch == epoch)
    return TRUE;
  weir_file_epoch_reader_close (reader);
  weir_file_epoch_name (epoch, name);
  reader->epoch = epoch;
  reader->fd = openat (folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (reader->fd < 0 && errno == ENOENT)
    return weir_folder_corrupt (folder, name, 0, "there is no such file any more", error);
  if (reader->fd < 0)
    return weir_folder_fail (folder, name, "open", errno, error);
  if (read_footer (reader, folder, error))
    return TRUE;
  weir_file_epoch_reader_close (reader);
  return FALSE;
}

gboolean
weir_file_epoch_read (WeirFileEpochReader *reader, const WeirFolder *folder, const WeirBlob *blob, GByteArray *data,
                      GError **error)
{
  char name[WEIR_FILE_EPOCH_NAME_SIZE];

  if (!weir_file_epoch_open (reader, folder, blob->epoch, error))
    return FALSE;
  weir_file_epoch_name (blob->epoch, name);
  if (blob->offset > reader->manifest_at || blob->size > reader->manifest_at - blob->offset)
    return weir_folder_corrupt (folder, name, blob->offset, "the file ends before this piece does", error);
  return read_piece (reader, folder, blob->offset, blob->size, data, error);
}

gboolean
weir_file_epoch_read_manifest (WeirFileEpochReader *reader, const WeirFolder *folder, GByteArray *manifest,
                               GError **error)
{
  return read_piece (reader, folder, reader->manifest_at, reader->manifest_size, manifest, error);
}

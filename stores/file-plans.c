/* Owns the form of the files of plans, and what a torn end is. Must not know what a plan says.
 *
 * An append that was cut short by a crash leaves a torn end, which nobody was told to be safe: it is cut off. Damage with
 * a whole entry behind it is no torn end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/file-plans.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/frame.h"
#include "engine/kill-point.h"

typedef struct {
  const guint8 *data;
  gsize size;
  guint64 epoch;
  gsize at; /* all before it is whole */
  guint32 n_plans;
} Scan;

void
weir_file_plans_name (guint64 epoch, char name[WEIR_FILE_PLANS_NAME_SIZE])
{
  g_snprintf (name, WEIR_FILE_PLANS_NAME_SIZE, "plans-%" G_GUINT64_FORMAT, epoch);
}

void
weir_file_plans_writer_init (WeirFilePlansWriter *writer)
{
  *writer = (WeirFilePlansWriter){ .fd = -1 };
}

static void
close_file (WeirFilePlansWriter *writer)
{
  if (writer->fd >= 0)
    close (writer->fd);
  writer->fd = -1;
}

void
weir_file_plans_writer_close (WeirFilePlansWriter *writer)
{
  close_file (writer);
  g_clear_pointer (&writer->buffer, g_byte_array_unref);
}

/* The next entry. FALSE: there is no whole one here; @why is set unless it is the end. */
static gboolean
next_plan (Scan *scan, GPtrArray *plans, GError **why)
{
  const guint8 *payload;
  gsize size;
  WeirTaker taker;

  if (scan->at == scan->size)
    return FALSE;
  if (!weir_frame_open (scan->data + scan->at, scan->size - scan->at, WEIR_FRAME_RECORD, &payload, &size, why))
    return FALSE;
  weir_taker_init (&taker, payload, size);
  if (weir_take_u64 (&taker) != scan->epoch || weir_take_u32 (&taker) != scan->n_plans || taker.has_failed) {
    g_set_error_literal (why, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "the plan is not the one that belongs here");
    return FALSE;
  }
  if (plans != NULL)
    g_ptr_array_add (plans, g_bytes_new (taker.data, (gsize) (taker.end - taker.data)));
  scan->at += weir_frame_size (size);
  scan->n_plans++;
  return TRUE;
}

/* Is there a whole entry anywhere behind the damage? */
static gboolean
is_followed (const Scan *scan)
{
  const guint8 *payload;
  gsize size;

  for (gsize at = scan->at; at + WEIR_FRAME_HEADER <= scan->size; at++)
    if (weir_frame_open (scan->data + at, scan->size - at, WEIR_FRAME_RECORD, &payload, &size, NULL))
      return TRUE;
  return FALSE;
}

static gboolean
scan_plans (Scan *scan, const WeirFolder *folder, GPtrArray *plans, GError **error)
{
  g_autoptr (GError) why = NULL;
  char name[WEIR_FILE_PLANS_NAME_SIZE];

  while (next_plan (scan, plans, &why))
    continue;
  if (why == NULL || (why->code == WEIR_ERROR_CHECKPOINT_CORRUPT && !is_followed (scan)))
    return TRUE;
  weir_file_plans_name (scan->epoch, name);
  return weir_folder_refuse (folder, name, scan->at, why, error);
}

gboolean
weir_file_plans_load (const WeirFolder *folder, guint64 epoch, GPtrArray *plans, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  char name[WEIR_FILE_PLANS_NAME_SIZE];
  gboolean found;

  weir_file_plans_name (epoch, name);
  if (!weir_folder_load (folder, name, data, &found, error))
    return FALSE;
  return scan_plans (&(Scan){ .data = data->data, .size = data->len, .epoch = epoch }, folder, plans, error);
}

/* A file that is there already was left by an earlier process: it is gone on with. */
static gboolean
find_end (WeirFilePlansWriter *writer, const WeirFolder *folder, const char *name, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  Scan scan = { .epoch = writer->epoch };
  gboolean found;

  if (!weir_folder_load (folder, name, data, &found, error))
    return FALSE;
  scan.data = data->data;
  scan.size = data->len;
  if (!scan_plans (&scan, folder, NULL, error))
    return FALSE;
  writer->size = scan.at;
  writer->n_plans = scan.n_plans;
  writer->has_tail = scan.at < scan.size;
  return scan.size > 0 || weir_folder_sync (folder, error); /* an empty one may have been made just now */
}

static gboolean
switch_to (WeirFilePlansWriter *writer, const WeirFolder *folder, guint64 epoch, GError **error)
{
  char name[WEIR_FILE_PLANS_NAME_SIZE];

  if (writer->fd >= 0 && writer->epoch == epoch)
    return TRUE;
  close_file (writer);
  weir_file_plans_name (epoch, name);
  writer->epoch = epoch;
  writer->fd = weir_folder_open_file (folder, name, O_WRONLY | O_CREAT, error);
  if (writer->fd < 0)
    return FALSE;
  if (find_end (writer, folder, name, error))
    return TRUE;
  close_file (writer);
  return FALSE;
}

static void
encode (WeirFilePlansWriter *writer, gconstpointer plan, gsize size)
{
  guint start;

  if (writer->buffer == NULL)
    writer->buffer = g_byte_array_new ();
  g_byte_array_set_size (writer->buffer, 0);
  start = weir_frame_begin (writer->buffer);
  weir_put_u64 (writer->buffer, writer->epoch);
  weir_put_u32 (writer->buffer, writer->n_plans);
  if (size > 0)
    g_byte_array_append (writer->buffer, plan, (guint) size);
  weir_frame_end (writer->buffer, start, WEIR_FRAME_RECORD);
}

/* 0, or what went wrong. Whatever got there then is cut off, at the latest before the next append. */
static int
write_entry (WeirFilePlansWriter *writer)
{
  int code;

  if (writer->has_tail && ftruncate (writer->fd, (off_t) writer->size) != 0)
    return errno;
  writer->has_tail = TRUE;
  weir_kill_point ("store-plan");
  code = weir_file_write (writer->fd, writer->size, writer->buffer->data, writer->buffer->len);
  weir_kill_point ("store-plan-sync");
  if (code == 0)
    code = weir_file_sync (writer->fd, TRUE);
  writer->has_tail = code != 0 && ftruncate (writer->fd, (off_t) writer->size) != 0;
  return code;
}

gboolean
weir_file_plans_append (WeirFilePlansWriter *writer, const WeirFolder *folder, guint64 epoch, gconstpointer plan,
                        gsize size, GError **error)
{
  char name[WEIR_FILE_PLANS_NAME_SIZE];
  int code;

  if (!switch_to (writer, folder, epoch, error))
    return FALSE;
  encode (writer, plan, size);
  code = write_entry (writer);
  if (code != 0) {
    weir_file_plans_name (epoch, name);
    return weir_folder_fail (folder, name, "append to", code, error);
  }
  writer->size += writer->buffer->len;
  writer->n_plans++;
  weir_kill_point ("store-plan-done");
  return TRUE;
}

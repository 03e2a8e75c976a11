/* Logs of what was received, in files: engine/block-log.h says what they promise.
 *
 *   lock            held by the owner (flock) as long as it lives
 *   blocks-<n>      a segment, whose first block is n (stores/block-log-scan.c)
 *
 * Owns appending and forgetting. Must not know what blocks hold. Threads: the opener's, then the appender's;
 * weir_block_log_read () touches only what is constant.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/kill-point.h"
#include "stores/block-log-scan.h"

#define SEGMENT_SIZE ((gsize) 16 * 1024 * 1024)
#define LOCK         "lock"

struct _WeirBlockLog {
  /* Constant. */
  WeirFolder folder;
  int lock;
  char *form;
  gsize segment_size;
  const WeirLog *log;

  GArray *segments;         /* guint64: their first blocks, oldest first; the last one is appended to */
  int fd;                   /* of the last one; -1: it is not open, or there is none */
  guint64 size;             /* of it: so much is whole and on the disk */
  gboolean has_tail;        /* there may be more behind, to be cut off */
  gboolean is_entry_synced; /* and its name is on the disk */
  guint64 next;
};

char *
weir_block_log_place (const char *checkpoint, const char *directory, GError **error)
{
  g_autofree char *path = NULL;

  if (checkpoint == NULL) {
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                         "receiver.wal=true needs a checkpoint, which says what of the log has been processed: set "
                         "--checkpoint=file:///dir, or receiver.wal=false");
    return NULL;
  }
  if (directory != NULL && g_path_is_absolute (directory))
    return g_strdup (directory);
  if (directory == NULL)
    path = g_filename_from_uri (checkpoint, NULL, NULL);
  if (path != NULL)
    return g_build_filename (path, "receivers", NULL);
  if (directory != NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "receiver.wal.directory: '%s' is no absolute path: write /path/of/the/directory", directory);
  else
    g_set_error_literal (
        error, WEIR_ERROR, WEIR_ERROR_OPTION,
        "receiver.wal=true needs a directory, and the checkpoint is in none: name one of this machine with "
        "--receiver.wal.directory=/dir");
  return NULL;
}

gboolean
weir_block_log_is_there (const char *folder)
{
  WeirFolder place;
  g_autoptr (GArray) firsts = NULL;

  if (weir_folder_open (&place, folder, TRUE, NULL))
    firsts = weir_segments_list (&place, NULL);
  weir_folder_close (&place);
  return firsts != NULL && firsts->len > 0;
}

static gboolean
take_lock (WeirBlockLog *log, GError **error)
{
  log->lock = weir_folder_open_file (&log->folder, LOCK, O_RDWR | O_CREAT, error);
  if (log->lock < 0)
    return FALSE;
  if (flock (log->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno != EWOULDBLOCK)
    return weir_folder_fail (&log->folder, LOCK, "lock", errno, error);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_LOCKED,
               "the log %s is in use by another process: stop that, or give this job another directory",
               log->folder.path);
  return FALSE;
}

static int
cut_to (const WeirFolder *folder, const char *name, gsize size, GError **error)
{
  int fd = weir_folder_open_file (folder, name, O_WRONLY, error);
  int code = 0;

  if (fd < 0)
    return -1;
  if (ftruncate (fd, (off_t) size) != 0)
    code = errno;
  if (code == 0)
    code = weir_file_sync (fd, FALSE);
  if (code == 0)
    return fd;
  close (fd);
  weir_folder_fail (folder, name, "cut the torn end off", code, error);
  return -1;
}

/* What the last process left behind its last whole group. What is whole is synced, even if that process did not live to do
 * it: it will be processed. A segment without even a head is as good as none. */
static gboolean
mend_last (WeirBlockLog *log, const WeirSegmentScan *scan, GError **error)
{
  guint64 first = g_array_index (log->segments, guint64, log->segments->len - 1);
  char name[WEIR_SEGMENT_NAME_SIZE];

  weir_segment_name (first, name);
  if (scan->n_cut > 0)
    weir_log (log->log, WEIR_LOG_INFO,
              "%s/%s at %" G_GSIZE_FORMAT ": the last %" G_GSIZE_FORMAT
              " bytes were being written when the job ended, and were acknowledged to nobody: they are cut off",
              log->folder.path, name, scan->size, scan->n_cut);
  if (scan->size == 0) {
    g_array_set_size (log->segments, log->segments->len - 1);
    return weir_folder_unlink (&log->folder, name, error) && weir_folder_sync (&log->folder, error);
  }
  log->fd = cut_to (&log->folder, name, scan->size, error);
  log->size = scan->size;
  log->is_entry_synced = log->fd >= 0 && weir_folder_sync (&log->folder, error);
  return log->is_entry_synced;
}

static gboolean
scan_all (WeirBlockLog *log, GArray *found, GError **error)
{
  WeirSegmentScan scan = { .folder = &log->folder, .form = log->form, .found = found };
  guint n;

  log->segments = weir_segments_list (&log->folder, error);
  if (log->segments == NULL)
    return FALSE;
  n = log->segments->len;
  for (guint i = 0; i < n; i++)
    if (!weir_segment_scan (&scan, g_array_index (log->segments, guint64, i), i + 1 == n, error))
      return FALSE;
  log->next = MAX (scan.next, 1);
  return n == 0 || mend_last (log, &scan, error);
}

WeirBlockLog *
weir_block_log_open (const WeirBlockLogSettings *settings, GArray *found, GError **error)
{
  WeirBlockLog *log = g_new0 (WeirBlockLog, 1);

  log->form = g_strdup (settings->form);
  log->segment_size = settings->segment_size != 0 ? settings->segment_size : SEGMENT_SIZE;
  log->log = settings->log;
  log->lock = log->fd = -1;
  log->next = 1;
  if (weir_folder_open (&log->folder, settings->folder, FALSE, error) && take_lock (log, error) &&
      scan_all (log, found, error))
    return log;
  weir_block_log_close (log);
  return NULL;
}

static void
close_segment (WeirBlockLog *log)
{
  if (log->fd >= 0)
    close (log->fd);
  log->fd = -1;
}

void
weir_block_log_close (WeirBlockLog *log)
{
  if (log == NULL)
    return;
  close_segment (log);
  if (log->lock >= 0)
    close (log->lock);
  g_clear_pointer (&log->segments, g_array_unref);
  weir_folder_close (&log->folder);
  g_free (log->form);
  g_free (log);
}

const char *
weir_block_log_path (const WeirBlockLog *log)
{
  return log->folder.path;
}

guint64
weir_block_log_first (const WeirBlockLog *log)
{
  return log->segments->len > 0 ? g_array_index (log->segments, guint64, 0) : log->next;
}

guint64
weir_block_log_next (const WeirBlockLog *log)
{
  return log->next;
}

/* Writes the head of a segment, not synced yet. 0, or what went wrong. */
static int
write_head (WeirBlockLog *log)
{
  g_autoptr (GByteArray) head = g_byte_array_new ();
  guint start = weir_frame_begin (head);

  weir_put_u64 (head, log->next);
  weir_put_string (head, log->form);
  weir_frame_end (head, start, WEIR_FRAME_SEGMENT);
  log->size = head->len;
  return weir_file_write (log->fd, 0, head->data, head->len);
}

/* One that could not be begun leaves nothing: its number is that of the next attempt. */
static gboolean
begin_segment (WeirBlockLog *log, GError **error)
{
  char name[WEIR_SEGMENT_NAME_SIZE];
  int code;

  close_segment (log);
  weir_segment_name (log->next, name);
  weir_kill_point ("log-segment");
  if (!weir_folder_unlink (&log->folder, name, error))
    return FALSE;
  log->fd = weir_folder_create (&log->folder, name, error);
  if (log->fd < 0)
    return FALSE;
  log->has_tail = log->is_entry_synced = FALSE;
  code = write_head (log);
  if (code != 0) {
    close_segment (log);
    weir_folder_unlink (&log->folder, name, NULL);
    return weir_folder_fail (&log->folder, name, "write", code, error);
  }
  g_array_append_val (log->segments, log->next);
  weir_kill_point ("log-segment-done");
  return TRUE;
}

/* 0, or what went wrong. */
static int
write_block (WeirBlockLog *log, const WeirLogEntry *entry, guint i, guint64 *offset)
{
  guint64 fields[3] = { GUINT64_TO_LE (log->next + i), GUINT64_TO_LE (log->next),
                        GUINT64_TO_LE ((guint64) entry->n_records) };
  guint8 head[WEIR_FRAME_HEADER + WEIR_BLOCK_HEAD];
  int code;

  memcpy (head + WEIR_FRAME_HEADER, fields, sizeof fields);
  weir_frame_head (head, WEIR_FRAME_BLOCK, (WeirPiece){ head + WEIR_FRAME_HEADER, WEIR_BLOCK_HEAD },
                   (WeirPiece){ entry->data, entry->size });
  code = weir_file_write (log->fd, *offset, head, sizeof head);
  if (code == 0)
    code = weir_file_write (log->fd, *offset + sizeof head, entry->data, entry->size);
  *offset += sizeof head + entry->size;
  return code;
}

/* 0, or what went wrong. Whatever got there then is written anew: after a sync that failed nobody knows what the disk
 * has. */
static int
write_group (WeirBlockLog *log, const WeirLogEntry *entries, guint n, guint64 *end)
{
  int code = 0;

  if (log->has_tail && ftruncate (log->fd, (off_t) log->size) != 0)
    return errno;
  log->has_tail = TRUE;
  *end = log->size;
  weir_kill_point ("log-write");
  for (guint i = 0; i < n && code == 0; i++)
    code = write_block (log, &entries[i], i, end);
  weir_kill_point ("log-sync");
  if (code == 0)
    code = weir_file_sync (log->fd, TRUE);
  if (code != 0)
    log->has_tail = ftruncate (log->fd, (off_t) log->size) != 0;
  return code;
}

gboolean
weir_block_log_append (WeirBlockLog *log, const WeirLogEntry *entries, guint n, GError **error)
{
  char name[WEIR_SEGMENT_NAME_SIZE];
  guint64 end = 0;
  int code;

  if ((log->fd < 0 || log->size >= log->segment_size) && !begin_segment (log, error))
    return FALSE;
  code = write_group (log, entries, n, &end);
  if (code != 0) {
    weir_segment_name (g_array_index (log->segments, guint64, log->segments->len - 1), name);
    return weir_folder_fail (&log->folder, name, "append to", code, error);
  }
  if (!log->is_entry_synced && !weir_folder_sync (&log->folder, error))
    return FALSE;
  log->is_entry_synced = TRUE;
  log->has_tail = FALSE;
  log->size = end;
  log->next += n;
  weir_kill_point ("log-sync-done");
  return TRUE;
}

gboolean
weir_block_log_forget (WeirBlockLog *log, guint64 number, GError **error)
{
  char name[WEIR_SEGMENT_NAME_SIZE];

  while (log->segments->len > 1 && g_array_index (log->segments, guint64, 1) <= number) {
    weir_segment_name (g_array_index (log->segments, guint64, 0), name);
    weir_kill_point ("log-forget");
    if (!weir_folder_unlink (&log->folder, name, error))
      return FALSE;
    g_array_remove_index (log->segments, 0);
    if (!weir_folder_sync (&log->folder, error)) /* or a power cut may bring it back and not the next one: a gap */
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_frame (const WeirBlockLog *log, int fd, const char *name, const WeirLoggedBlock *block, guint8 *frame,
            GError **error)
{
  gsize size = weir_frame_size (WEIR_BLOCK_HEAD + block->size), n_read, payload_size;
  g_autoptr (GError) damage = NULL;
  const guint8 *payload;
  int code = weir_file_read (fd, block->offset, frame, size, &n_read);

  if (code != 0)
    return weir_folder_fail (&log->folder, name, "read", code, error);
  if (!weir_frame_open (frame, n_read, WEIR_FRAME_BLOCK, &payload, &payload_size, &damage))
    return weir_folder_corrupt (&log->folder, name, block->offset, damage->message, error);
  return payload_size == WEIR_BLOCK_HEAD + block->size ||
         weir_folder_corrupt (&log->folder, name, block->offset, "the block is not the one that was here", error);
}

GBytes *
weir_block_log_read (const WeirBlockLog *log, const WeirLoggedBlock *block, GError **error)
{
  gsize head = weir_frame_size (WEIR_BLOCK_HEAD);
  guint8 *frame = g_try_malloc (head + block->size);
  g_autoptr (GBytes) whole = NULL;
  char name[WEIR_SEGMENT_NAME_SIZE];
  gboolean ok;
  int fd;

  weir_segment_name (block->segment, name);
  if (frame == NULL) {
    weir_folder_fail (&log->folder, name, "find memory to read", ENOMEM, error);
    return NULL;
  }
  whole = g_bytes_new_take (frame, head + block->size);
  fd = weir_folder_open_file (&log->folder, name, O_RDONLY, error);
  if (fd < 0)
    return NULL;
  ok = read_frame (log, fd, name, block, frame, error);
  close (fd);
  return ok ? g_bytes_new_from_bytes (whole, head, block->size) : NULL;
}

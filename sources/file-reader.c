/* file-reader.c: a piece of a file, read by a worker.
 *
 * Owns the descriptor and the block that is being filled. Memory is bounded: a block that is full belongs to the task's
 * memory from then on, and goes with it as soon as nothing that was emitted is needed any more. Must not know folders
 * or batches.
 * Threads: one worker each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/file-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Behind the end of a piece only the rest of a line is wanted. */
#define TAIL_BYTES ((gsize) 16 * 1024)

int
weir_file_piece_open (WeirTask *task, const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

  if (fd >= 0)
    return fd;
  if (errno == ENOENT || errno == ENOTDIR)
    weir_task_fail (task, WEIR_ERROR_DATA_LOSS,
                    "the file %s belongs to this batch and has gone: bring it back; files may be moved away when the "
                    "epoch of their batch is sealed",
                    path);
  else
    weir_task_fail (task, WEIR_ERROR_SOURCE, "cannot open the file %s: %s: see that the job's user may read it", path,
                    g_strerror (errno));
  return -1;
}

gsize
weir_file_piece_pread (WeirTask *task, int fd, const WeirFilePiece *piece, gpointer at, gsize most, guint64 offset)
{
  gssize n;

  do
    n = pread (fd, at, MIN (most, piece->size - offset), (off_t) offset);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    weir_task_fail (task, WEIR_ERROR_SOURCE,
                    "cannot read the file %s at byte %" G_GUINT64_FORMAT ": %s: see to its disk", piece->path, offset,
                    g_strerror (errno));
  else if (n == 0)
    weir_task_fail (task, WEIR_ERROR_DATA_LOSS,
                    "the file %s ends at byte %" G_GUINT64_FORMAT ", and had %" G_GUINT64_FORMAT
                    " bytes when it was found: bring it back as it was; files must not change once they are there",
                    piece->path, offset, piece->size);
  return (gsize) MAX (n, 0);
}

void
weir_file_piece_check_end (int fd, const WeirFilePiece *piece)
{
  struct stat status;

  if (fstat (fd, &status) == 0 && (guint64) status.st_size > piece->size)
    weir_log (
        piece->log, WEIR_LOG_WARNING,
        "the file %s had %" G_GUINT64_FORMAT " bytes when it was found and has %" G_GINT64_FORMAT
        " now: what came later is not read. Write files elsewhere on the same disk, and rename them when they are "
        "complete",
        piece->path, piece->size, (gint64) status.st_size);
}

static gboolean
is_delimited (const WeirFraming *framing)
{
  return framing->kind <= WEIR_FRAMING_DELIMITER;
}

/* No more than there is to read: blocks may be kept, and files may be many and small. */
static gsize
block_size (const WeirFilePiece *piece)
{
  return (gsize) CLAMP (piece->size - piece->from, WEIR_BLOCK_MIN, WEIR_FRAMER_BLOCK);
}

/* A piece in the middle begins behind the first end of a line that stands at or after the byte before it. */
static gboolean
open_piece (WeirTask *task, WeirFileCursor *cursor, const WeirFilePiece *piece, const WeirFraming *framing)
{
  cursor->is_open = TRUE;
  cursor->fd = weir_file_piece_open (task, piece->path);
  weir_framer_init (&cursor->framer, framing, task->task_run->run->memory, block_size (piece));
  if (cursor->fd < 0)
    return FALSE;
  cursor->is_entering = piece->from > 0 && is_delimited (framing);
  cursor->framer.is_skipping = cursor->is_entering;
  cursor->offset = piece->from - (cursor->is_entering ? 1 : 0);
  if (piece->from == 0)
    posix_fadvise (cursor->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return TRUE;
}

/* A block that the framer has left goes to the task's memory: what was emitted points into it. */
static void
hold_block (WeirTask *task, WeirFileCursor *cursor)
{
  WeirBlock *old = cursor->block;

  if (old == cursor->framer.block)
    return;
  cursor->block = cursor->framer.block != NULL ? weir_block_ref (cursor->framer.block) : NULL;
  if (old != NULL)
    weir_arena_adopt (&task->task_run->scratch, old);
}

static void
reject (WeirTask *task, const char *reason, guint64 n)
{
  weir_run_count_reject (task->task_run->run, task->op->name, reason, n);
}

/* What is complete is staged, and at the end of the file what is not. */
static void
took (WeirTask *task, WeirFileCursor *cursor, const WeirFilePiece *piece, gsize n)
{
  WeirFramer *framer = &cursor->framer;

  cursor->offset += n;
  weir_framer_took (framer, n);
  cursor->is_entering = cursor->is_entering && framer->is_skipping && framer->n_too_long == 0;
  if (cursor->offset < piece->size)
    return;
  cursor->is_over = TRUE;
  weir_file_piece_check_end (cursor->fd, piece);
  if (weir_framer_finish (framer) > 0)
    reject (task, "the file ends inside a record", 1);
}

/* Behind the piece: up to the end of the line that began in it. */
static gsize
cut_tail (WeirFileCursor *cursor, const WeirFraming *framing, const char *at, gsize n)
{
  const char *found = memchr (at, framing->delimiter, n);

  cursor->is_over = found != NULL;
  return found != NULL ? (gsize) (found + 1 - at) : n;
}

/* Has the piece no record that is still to be completed? */
static gboolean
is_whole (const WeirFileCursor *cursor)
{
  return cursor->is_entering || (!cursor->framer.is_skipping && weir_framer_pending (&cursor->framer) == 0);
}

static void
fill (WeirTask *task, WeirFileCursor *cursor, const WeirFilePiece *piece, const WeirFraming *framing)
{
  gboolean is_tail = cursor->offset >= piece->until;
  gsize room, n;
  char *at;

  if (!weir_framer_room (&cursor->framer, &at, &room)) {
    weir_task_fail_memory (task);
    return;
  }
  hold_block (task, cursor);
  room = (gsize) MIN (room, is_tail ? TAIL_BYTES : piece->until - cursor->offset);
  n = weir_file_piece_pread (task, cursor->fd, piece, at, room, cursor->offset);
  if (n == 0)
    return;
  took (task, cursor, piece, is_tail ? cut_tail (cursor, framing, at, n) : n);
  if (cursor->offset >= piece->until && is_whole (cursor))
    cursor->is_over = TRUE;
}

static void
stage (WeirTask *task, WeirFileCursor *cursor, const char *reason)
{
  gsize n_bytes;

  if (cursor->framer.n_too_long > 0)
    reject (task, reason, cursor->framer.n_too_long);
  cursor->framer.n_too_long = 0;
  g_clear_pointer (&cursor->ranges, g_array_unref);
  cursor->range = 0;
  cursor->at = NULL;
  if (cursor->framer.ranges->len > 0)
    cursor->ranges = weir_framer_steal (&cursor->framer, &n_bytes);
}

static void
emit_chunk (WeirTask *task, WeirFileCursor *cursor, const WeirFraming *framing, const char *reason)
{
  const WeirRange *range = &g_array_index (cursor->ranges, WeirRange, cursor->range);
  WeirRun *run = task->task_run->run;
  WeirFramingTally tally = { 0 };

  if (cursor->at == NULL)
    cursor->at = range->from;
  weir_task_reserve (task, FALSE);
  task->head.n_elements =
      weir_framing_read (framing, &cursor->at, range->to, task->head.values, task->head.capacity, &tally);
  __atomic_add_fetch (&run->n_records, task->head.n_elements, __ATOMIC_RELAXED);
  if (G_UNLIKELY (tally.n_invalid_utf8 > 0))
    __atomic_add_fetch (&run->n_invalid_utf8, tally.n_invalid_utf8, __ATOMIC_RELAXED);
  if (G_UNLIKELY (tally.n_too_long > 0))
    reject (task, reason, tally.n_too_long);
  weir_task_flush (task);
  if (cursor->at < range->to)
    return;
  cursor->at = NULL;
  if (++cursor->range == cursor->ranges->len)
    g_clear_pointer (&cursor->ranges, g_array_unref);
}

gboolean
weir_file_cursor_read (WeirTask *task, WeirFileCursor *cursor, const WeirFilePiece *piece, const WeirFraming *framing,
                       const char *reason)
{
  if (!cursor->is_open && !open_piece (task, cursor, piece, framing))
    return FALSE;
  if (cursor->ranges != NULL) {
    emit_chunk (task, cursor, framing, reason);
    return TRUE;
  }
  if (piece->size == 0)
    weir_file_piece_check_end (cursor->fd, piece);
  if (cursor->is_over || piece->size == 0)
    return FALSE;
  fill (task, cursor, piece, framing);
  stage (task, cursor, reason);
  return weir_task_is_going (task);
}

/* What was emitted may be kept: the last block goes the way of the others. */
void
weir_file_cursor_end (WeirTask *task, WeirFileCursor *cursor)
{
  if (!cursor->is_open)
    return;
  g_clear_pointer (&cursor->ranges, g_array_unref);
  weir_framer_clear (&cursor->framer);
  hold_block (task, cursor);
  if (cursor->fd >= 0)
    close (cursor->fd);
}

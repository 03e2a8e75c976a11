/* object-reader.c: a file of values, read by a worker.
 *
 * Owns the descriptor and the block that is read; values are copied out of it into the task's memory. Must not know
 * folders or batches.
 * Threads: one worker each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/object-reader.h"

#include <unistd.h>

#include "engine/wire.h"

static void
refuse (WeirTask *task, const WeirObjectCursor *cursor, const WeirFilePiece *piece, const char *fault)
{
  weir_task_fail (task, WEIR_ERROR_SOURCE,
                  "the object file %s is damaged in the block at byte %" G_GUINT64_FORMAT
                  ": %s. Bring it back from a copy, or take it out of the folder and begin with another checkpoint",
                  piece->path, cursor->offset, fault);
}

/* FALSE: the task has failed. */
static gboolean
read_all (WeirTask *task, const WeirObjectCursor *cursor, const WeirFilePiece *piece, guint8 *at, guint64 offset,
          gsize size)
{
  while (size > 0) {
    gsize n = weir_file_piece_pread (task, cursor->fd, piece, at, size, offset);

    if (n == 0)
      return FALSE;
    at += n;
    offset += n;
    size -= n;
  }
  return TRUE;
}

static gboolean
read_head (WeirTask *task, const WeirObjectCursor *cursor, const WeirFilePiece *piece, WeirObjectHead *head)
{
  guint64 left = piece->size - cursor->offset;
  guint8 header[WEIR_OBJECT_HEADER];
  const char *fault = "the file ends before its last block: it was cut off";

  if (left >= sizeof header) {
    if (!read_all (task, cursor, piece, header, cursor->offset, sizeof header))
      return FALSE;
    fault = weir_object_head_open (header, head);
  }
  if (fault == NULL && head->size > left - sizeof header)
    fault = "the file ends inside of it: it was cut off";
  if (fault != NULL)
    refuse (task, cursor, piece, fault);
  return fault == NULL;
}

/* Room for a payload; what is there is used again where it is large enough. */
static gboolean
make_room (WeirTask *task, WeirObjectCursor *cursor, gsize size)
{
  if (cursor->payload != NULL && weir_block_capacity (cursor->payload) >= size)
    return TRUE;
  g_clear_pointer (&cursor->payload, weir_block_unref);
  cursor->payload = weir_block_new (task->task_run->run->memory, MAX (size, 2 * WEIR_OBJECT_BLOCK));
  if (cursor->payload == NULL)
    weir_task_fail_memory (task);
  return cursor->payload != NULL;
}

/* What the file says as a whole, once a block is known to be good by itself. */
static const char *
check_place (WeirObjectCursor *cursor, guint64 end, guint64 size)
{
  cursor->n_values += cursor->block.n_left;
  cursor->is_over = cursor->block.n_left == 0;
  if (cursor->block.number != cursor->number)
    return "another block belongs there";
  if (cursor->is_over && cursor->block.n_values != cursor->n_values)
    return "the file does not have as many values as its end says";
  if (cursor->is_over && end != size)
    return "something follows the last block";
  return NULL;
}

static void
next_block (WeirTask *task, WeirObjectCursor *cursor, const WeirFilePiece *piece)
{
  const guint64 offset = cursor->offset + WEIR_OBJECT_HEADER;
  WeirObjectHead head;
  const char *fault;
  guint8 *payload;

  if (!read_head (task, cursor, piece, &head) || !make_room (task, cursor, head.size))
    return;
  payload = (guint8 *) cursor->payload->data;
  if (!read_all (task, cursor, piece, payload, offset, head.size))
    return;
  fault = weir_object_block_open (&head, payload, &cursor->block);
  if (fault == NULL)
    fault = check_place (cursor, offset + head.size, piece->size);
  if (fault != NULL)
    refuse (task, cursor, piece, fault);
  cursor->offset = offset + head.size;
  cursor->number++;
}

static void
emit_one (WeirTask *task, WeirObjectCursor *cursor, const WeirFilePiece *piece)
{
  WeirObjectBlock *block = &cursor->block;
  g_autoptr (GError) error = NULL;
  WeirValue value;
  gsize n;

  if (weir_decode_prefix (task, block->at, (gsize) (block->end - block->at), &n, &value, &error)) {
    block->at += n;
    block->n_left--;
    weir_task_emit_returned (task, value);
  } else {
    refuse (task, cursor, piece, error->message);
  }
  if (block->n_left == 0 && block->at != block->end)
    refuse (task, cursor, piece, "a block has more bytes than values");
}

static void
emit_chunk (WeirTask *task, WeirObjectCursor *cursor, const WeirFilePiece *piece)
{
  guint n = MIN (cursor->block.n_left, WEIR_CHUNK_SIZE);

  for (guint i = 0; i < n && weir_task_is_going (task); i++)
    emit_one (task, cursor, piece);
  __atomic_add_fetch (&task->task_run->run->n_records, n, __ATOMIC_RELAXED);
}

gboolean
weir_object_cursor_read (WeirTask *task, WeirObjectCursor *cursor, const WeirFilePiece *piece)
{
  if (!cursor->is_open) {
    cursor->is_open = TRUE;
    cursor->fd = weir_file_piece_open (task, piece->path);
    if (cursor->fd < 0)
      return FALSE;
  }
  if (cursor->block.n_left > 0)
    emit_chunk (task, cursor, piece);
  else if (!cursor->is_over)
    next_block (task, cursor, piece);
  return weir_task_is_going (task) && !(cursor->is_over && cursor->block.n_left == 0);
}

void
weir_object_cursor_end (WeirObjectCursor *cursor)
{
  g_clear_pointer (&cursor->payload, weir_block_unref);
  if (cursor->is_open && cursor->fd >= 0)
    close (cursor->fd);
}

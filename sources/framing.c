/* framing.c: the receiving side: bytes into blocks, and how far they are complete records.
 *
 * Owns the block being filled and the ranges that nobody has taken yet. Bytes stay where they were received; only what
 * follows the last complete record moves, when its block is full. Must not know where the bytes come from.
 * Threads: a framer belongs to one thread. Workers read ranges of a block whose rest is still being written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/framing.h"

#include <string.h>

#include <weir/error.h>

#define LENGTH_SIZE  4
#define MAX_MAX_SIZE ((gsize) 1024 * 1024 * 1024)

/* Less room than this part of a block is not worth a system call. */
#define MIN_ROOM_PART 16

gboolean
weir_framing_resolve (WeirFraming *framing, GError **error)
{
  const char *mistake = NULL;

  if (framing->kind == WEIR_FRAMING_LINES) {
    framing->delimiter = '\n';
    framing->text = TRUE;
  } else if (framing->kind == WEIR_FRAMING_FIXED && framing->size == 0) {
    mistake = "has a FIXED framing of size 0: set `size` to the bytes of a record";
  } else if (framing->kind == WEIR_FRAMING_FIXED && framing->max_size != 0 && framing->size > framing->max_size) {
    mistake = "has a FIXED framing whose size is above its max_size: leave max_size at 0";
  } else if (framing->kind > WEIR_FRAMING_LENGTH32) {
    mistake = "has a framing of a kind that is none of LINES, DELIMITER, FIXED and LENGTH32";
  }
  if (framing->kind == WEIR_FRAMING_FIXED && framing->max_size == 0)
    framing->max_size = framing->size;
  if (mistake == NULL && framing->max_size > MAX_MAX_SIZE)
    mistake = "has a framing for records above 1 GB, the most of a socket: lower the framing's max_size or size";
  if (mistake != NULL)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_GRAPH, mistake);
  return mistake == NULL;
}

void
weir_range_clear (WeirRange *range)
{
  weir_block_unref (range->block);
}

static GArray *
new_ranges (void)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (WeirRange));

  g_array_set_clear_func (ranges, (GDestroyNotify) weir_range_clear);
  return ranges;
}

void
weir_framer_init (WeirFramer *framer, const WeirFraming *framing, WeirMemory *memory, gsize block_payload)
{
  *framer =
      (WeirFramer){ .framing = framing, .memory = memory, .block_payload = block_payload, .ranges = new_ranges () };
}

void
weir_framer_clear (WeirFramer *framer)
{
  g_clear_pointer (&framer->ranges, g_array_unref);
  g_clear_pointer (&framer->block, weir_block_unref);
}

gsize
weir_framer_pending (const WeirFramer *framer)
{
  return (gsize) (framer->end - framer->start);
}

/* The most that an incomplete record may hold: its content, and what may come before a terminator or payload. */
static gsize
most_pending (const WeirFraming *framing)
{
  if (framing->kind == WEIR_FRAMING_LINES)
    return framing->max_size + 1;
  return framing->max_size + (framing->kind == WEIR_FRAMING_LENGTH32 ? LENGTH_SIZE : 0);
}

/* A block for what is pending and more to come: twice as large where a long record needs it. */
static gboolean
change_block (WeirFramer *framer, gsize min_room)
{
  gsize pending = weir_framer_pending (framer);
  gsize wanted = MIN (2 * pending, most_pending (framer->framing) + min_room);
  WeirBlock *block;

  wanted = MAX (wanted, framer->block_payload);
  block = weir_block_new (framer->memory, wanted + WEIR_FRAMING_SLACK);
  if (block == NULL)
    return FALSE;
  if (pending > 0)
    memcpy (block->data, framer->start, pending);
  g_clear_pointer (&framer->block, weir_block_unref);
  framer->block = block;
  framer->start = block->data;
  framer->end = block->data + pending;
  framer->limit = block->data + wanted;
  return TRUE;
}

gboolean
weir_framer_room (WeirFramer *framer, char **at, gsize *size)
{
  gsize min_room = framer->block_payload / MIN_ROOM_PART + 1;

  if (framer->limit - framer->end < (gssize) min_room && !change_block (framer, min_room))
    return FALSE;
  *at = framer->end;
  *size = (gsize) (framer->limit - framer->end);
  return TRUE;
}

/* What stands before @to is complete; it joins the last range where it continues it. */
static void
stage (WeirFramer *framer, char *to)
{
  WeirRange range = { framer->block, framer->start, to };
  WeirRange *last;

  if (to == framer->start)
    return;
  framer->start = to;
  framer->n_bytes += (gsize) (to - range.from);
  if (framer->ranges->len > 0) {
    last = &g_array_index (framer->ranges, WeirRange, framer->ranges->len - 1);
    if (last->block == range.block && last->to == range.from) {
      last->to = to;
      return;
    }
  }
  weir_block_ref (range.block);
  g_array_append_val (framer->ranges, range);
}

static void
start_skipping (WeirFramer *framer)
{
  framer->is_skipping = TRUE;
  framer->n_too_long++;
  framer->end = framer->start;
}

/* FALSE: the line goes on; its room is used again. */
static gboolean
skip_line (WeirFramer *framer)
{
  char *found = memchr (framer->start, framer->framing->delimiter, weir_framer_pending (framer));

  framer->is_skipping = found == NULL;
  if (found == NULL)
    framer->end = framer->start;
  else
    framer->start = found + 1;
  return found != NULL;
}

static void
took_delimited (WeirFramer *framer, char *fresh)
{
  const WeirFraming *framing = framer->framing;
  char *found;

  if (framer->is_skipping && !skip_line (framer))
    return;
  fresh = MAX (fresh, framer->start);
  found = memrchr (fresh, framing->delimiter, (gsize) (framer->end - fresh));
  if (found != NULL)
    stage (framer, found + 1);
  if (weir_framer_pending (framer) > most_pending (framing))
    start_skipping (framer);
}

static void
took_fixed (WeirFramer *framer)
{
  gsize pending = weir_framer_pending (framer);

  stage (framer, framer->start + pending - pending % framer->framing->size);
}

/* Leaves out what has come of a frame that is too long; its room is used again. */
static void
skip_frame (WeirFramer *framer)
{
  gsize n = MIN (framer->skip_left, weir_framer_pending (framer));

  framer->skip_left -= n;
  framer->is_skipping = framer->skip_left > 0;
  if (framer->is_skipping)
    framer->end = framer->start;
  else
    framer->start += n;
}

static gsize
frame_length (const char *frame)
{
  guint32 length;

  memcpy (&length, frame, LENGTH_SIZE);
  return GUINT32_FROM_BE (length);
}

/* The frames from `start` on that are complete and not too long. */
static char *
end_of_frames (const WeirFramer *framer)
{
  char *at = framer->start;

  while (framer->end - at >= LENGTH_SIZE) {
    gsize length = frame_length (at);

    if (length > framer->framing->max_size || (gsize) (framer->end - at) - LENGTH_SIZE < length)
      break;
    at += LENGTH_SIZE + length;
  }
  return at;
}

static void
took_frames (WeirFramer *framer)
{
  for (;;) {
    if (framer->is_skipping)
      skip_frame (framer);
    stage (framer, end_of_frames (framer));
    if (weir_framer_pending (framer) < LENGTH_SIZE || frame_length (framer->start) <= framer->framing->max_size)
      return;
    framer->skip_left = LENGTH_SIZE + (guint64) frame_length (framer->start);
    framer->is_skipping = TRUE;
    framer->n_too_long++;
  }
}

void
weir_framer_took (WeirFramer *framer, gsize n)
{
  char *fresh = framer->end;

  framer->end += n;
  if (framer->framing->kind == WEIR_FRAMING_FIXED)
    took_fixed (framer);
  else if (framer->framing->kind == WEIR_FRAMING_LENGTH32)
    took_frames (framer);
  else
    took_delimited (framer, fresh);
}

gsize
weir_framer_drop (WeirFramer *framer)
{
  gsize pending = weir_framer_pending (framer);

  framer->end = framer->start;
  framer->is_skipping = FALSE;
  framer->skip_left = 0;
  return pending;
}

gsize
weir_framer_finish (WeirFramer *framer)
{
  gboolean is_delimited = framer->framing->kind <= WEIR_FRAMING_DELIMITER;

  if (!is_delimited || weir_framer_pending (framer) == 0)
    return weir_framer_drop (framer);
  *framer->end++ = framer->framing->delimiter; /* there is slack for it */
  stage (framer, framer->end);
  return 0;
}

GArray *
weir_framer_steal (WeirFramer *framer, gsize *n_bytes)
{
  GArray *ranges = framer->ranges;

  *n_bytes = framer->n_bytes;
  framer->ranges = new_ranges ();
  framer->n_bytes = 0;
  return ranges;
}

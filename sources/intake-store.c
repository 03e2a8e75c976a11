/* Owns how bytes become blocks: values of receivers are encoded into the open one, ranges of sockets are blocks as they
 * are. Must not know the log, nor batches. Threads: any stores; see intake.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/intake.h"

#include <string.h>

#include <weir/error.h>

#include "engine/wire.h"

#define BLOCK_PAYLOAD ((gsize) 256 * 1024 - sizeof (WeirBlock))

/* Under lock. */
static void
add_pending (WeirIntake *intake, const WeirReceived *block)
{
  g_array_append_val (intake->pending, *block);
  intake->n_added++;
}

/* Under lock: something came that is not durable. */
static void
note_bytes (WeirIntake *intake, gsize n)
{
  intake->n_waiting += n;
  intake->n_pending += n;
  if (intake->log == NULL || intake->pending_since != 0)
    return;
  intake->pending_since = g_get_monotonic_time ();
  pthread_cond_broadcast (&intake->changed);
}

/* Under lock. FALSE: there is no memory. */
static gboolean
begin_block (WeirIntake *intake, gsize payload, WeirReceived *block)
{
  *block = (WeirReceived){ .block = weir_block_new (intake->memory, payload + WEIR_FRAMING_SLACK) };
  if (block->block == NULL)
    return FALSE;
  block->from = block->to = block->block->data;
  return TRUE;
}

/* Under lock: the bytes of @n records, for which there is room. */
static void
fill_block (WeirReceived *block, gconstpointer data, gsize size, gint64 n)
{
  memcpy ((char *) block->to, data, size);
  block->to += size;
  block->size += size;
  block->n_records += n;
}

/* Under lock: one that was made for much and has little gives the memory back, if there is some for the little. */
static void
trim (WeirIntake *intake, WeirReceived *block)
{
  WeirReceived small;

  if (block->size >= weir_block_capacity (block->block) / 4 || !begin_block (intake, block->size, &small))
    return;
  fill_block (&small, block->from, block->size, block->n_records);
  weir_block_unref (block->block);
  *block = small;
}

void
weir_intake_close_block (WeirIntake *intake)
{
  if (intake->open.block == NULL)
    return;
  trim (intake, &intake->open);
  add_pending (intake, &intake->open);
  intake->open = (WeirReceived){ 0 };
}

static gsize
room_in (const WeirReceived *block)
{
  if (block->block == NULL)
    return 0;
  return weir_block_capacity (block->block) - WEIR_FRAMING_SLACK - block->size;
}

/* Under lock. Is the open block as old as a block may be? With a log the writer looks after that. */
static gboolean
is_old (const WeirIntake *intake)
{
  return intake->log == NULL && intake->open.block != NULL &&
         weir_intake_now (intake) - intake->open_since >= intake->interval;
}

/* Under lock: has @size bytes' room in the open block, which may be a new one. FALSE: there is none now. */
static gboolean
make_room (WeirIntake *intake, gsize size)
{
  if (room_in (&intake->open) >= size && !is_old (intake))
    return TRUE;
  if (weir_intake_looks_full (intake))
    return FALSE;
  weir_intake_close_block (intake);
  intake->open_since = weir_intake_now (intake);
  return begin_block (intake, MAX (size, BLOCK_PAYLOAD), &intake->open);
}

/* Under lock: what cannot be kept is left out and counted. */
static gboolean
encode (WeirIntake *intake, WeirValue value)
{
  g_byte_array_set_size (intake->scratch, 0);
  if (!weir_encode_bounded (value, intake->scratch)) {
    intake->n_too_deep++;
    return FALSE;
  }
  if (intake->scratch->len <= intake->most_bytes)
    return TRUE;
  intake->n_too_large++;
  g_byte_array_set_size (intake->scratch, 0);
  return FALSE;
}

/* Under lock: the encoded value. FALSE: it has to wait. */
static gboolean
put_encoded (WeirIntake *intake)
{
  const GByteArray *bytes = intake->scratch;

  if (!make_room (intake, bytes->len))
    return FALSE;
  fill_block (&intake->open, bytes->data, bytes->len, 1);
  note_bytes (intake, bytes->len);
  return TRUE;
}

gboolean
weir_intake_put (WeirIntake *intake, WeirValue value)
{
  gboolean is_taken = FALSE, is_fit = TRUE;

  pthread_mutex_lock (&intake->lock);
  while (!intake->is_closing && !is_taken && is_fit) {
    is_fit = encode (intake, value);
    is_taken = is_fit && put_encoded (intake);
    if (is_fit && !is_taken)
      weir_intake_wait_for_room (intake);
  }
  pthread_mutex_unlock (&intake->lock);
  return is_taken;
}

static gboolean
encode_all (const WeirIntake *intake, const WeirValue *values, gsize n, GByteArray *bytes, GError **error)
{
  for (gsize i = 0; i < n; i++) {
    if (!weir_encode_bounded (values[i], bytes)) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_KIND,
                   "value %" G_GSIZE_FORMAT " of the block cannot be kept: values may be nested up to 64 deep, and a "
                   "block may have up to 2 GiB",
                   i);
      return FALSE;
    }
    if (bytes->len > intake->most_bytes) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                   "the block has more than %" G_GSIZE_FORMAT
                   " bytes, a quarter of memory.limit: store smaller blocks, or raise memory.limit",
                   intake->most_bytes);
      return FALSE;
    }
  }
  return TRUE;
}

/* Under lock: a block of its own, behind what came before. FALSE: the intake closes. */
static gboolean
add_block (WeirIntake *intake, const GByteArray *bytes, gsize n)
{
  WeirReceived block = { 0 };

  while (!intake->is_closing && (weir_intake_looks_full (intake) || !begin_block (intake, bytes->len, &block)))
    weir_intake_wait_for_room (intake);
  if (intake->is_closing)
    return FALSE;
  fill_block (&block, bytes->data, bytes->len, (gint64) n);
  weir_intake_close_block (intake);
  add_pending (intake, &block);
  note_bytes (intake, bytes->len);
  return TRUE;
}

/* Under lock. */
static gboolean
await_durable (WeirIntake *intake, guint64 ticket)
{
  if (intake->log == NULL)
    return TRUE;
  intake->is_urgent = TRUE;
  pthread_cond_broadcast (&intake->changed);
  while (intake->n_durable < ticket && !intake->has_failed)
    pthread_cond_wait (&intake->changed, &intake->lock);
  return !intake->has_failed;
}

gboolean
weir_intake_put_block (WeirIntake *intake, const WeirValue *values, gsize n, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gboolean ok;

  if (!encode_all (intake, values, n, bytes, error))
    return FALSE;
  if (n == 0)
    return TRUE;
  pthread_mutex_lock (&intake->lock);
  ok = add_block (intake, bytes, n) && await_durable (intake, intake->n_added);
  pthread_mutex_unlock (&intake->lock);
  if (!ok)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CLOSED,
                         "the context stops, and the block is not known to be safe: do not acknowledge it");
  return ok;
}

/* Ranges that lie behind each other are one block, as long as nobody has taken the first. */
static gboolean
extend_last (WeirIntake *intake, const WeirRange *range)
{
  WeirReceived *last;

  if (intake->pending->len == 0)
    return FALSE;
  last = &g_array_index (intake->pending, WeirReceived, intake->pending->len - 1);
  if (last->block != range->block || last->to != range->from)
    return FALSE;
  last->to = range->to;
  last->size += (gsize) (range->to - range->from);
  return TRUE;
}

void
weir_intake_add (WeirIntake *intake, const WeirRange *range)
{
  WeirReceived block = { .from = range->from, .to = range->to, .n_records = -1 };

  block.size = (gsize) (range->to - range->from);
  pthread_mutex_lock (&intake->lock);
  if (!extend_last (intake, range)) {
    block.block = weir_block_ref (range->block);
    add_pending (intake, &block);
  }
  note_bytes (intake, block.size);
  pthread_mutex_unlock (&intake->lock);
}

/* Owns the layout of records in blocks, and what is published of them. Must not know consumers, nor who takes.
 *
 * Records are copied out of what librdkafka allocated, once: they lie side by side, are counted against memory.limit, and
 * live as long as their batch, while the client's memory is used again at once. Measured against keeping its messages
 * until the batch is over, this is as fast or faster, at a fifth of the memory.
 * Threads: see kafka-stage.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-stage.h"

#include <string.h>

#include "engine/hash.h"

/* Blocks grow with what a partition gives: many that give little must not hold much. */
#define BLOCK_FIRST ((guint) 8 * 1024)
#define BLOCK_MOST  ((guint) 256 * 1024)

static void
piece_clear (gpointer piece)
{
  WeirBlock *block = ((WeirKafkaPiece *) piece)->block;

  if (block != NULL)
    weir_block_unref (block);
}

static GArray *
pieces_new (void)
{
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (WeirKafkaPiece));

  g_array_set_clear_func (pieces, piece_clear);
  return pieces;
}

#define piece_at(pieces, i) (&g_array_index ((pieces), WeirKafkaPiece, (i)))

void
weir_kafka_stage_init (WeirKafkaStage *stage, WeirKafkaStaging *staging)
{
  *stage = (WeirKafkaStage){ .staging = staging, .block_size = BLOCK_FIRST };
  pthread_mutex_init (&stage->lock, NULL);
  stage->pieces = pieces_new ();
}

static void
drop_pending (WeirKafkaStage *stage)
{
  g_clear_pointer (&stage->open, weir_block_unref);
  stage->pending = (WeirKafkaPiece){ 0 };
}

static gsize
piece_bytes (const WeirKafkaPiece *piece)
{
  return piece->to - piece->from;
}

void
weir_kafka_stage_clear (WeirKafkaStage *stage)
{
  drop_pending (stage);
  g_clear_pointer (&stage->pieces, g_array_unref);
  pthread_mutex_destroy (&stage->lock);
}

void
weir_kafka_stage_reset (WeirKafkaStage *stage, gint64 next)
{
  drop_pending (stage);
  for (guint i = 0; i < stage->pieces->len; i++)
    __atomic_sub_fetch (&stage->staging->n_bytes, piece_bytes (piece_at (stage->pieces, i)), __ATOMIC_RELAXED);
  g_array_set_size (stage->pieces, 0);
  stage->n = 0;
  stage->until = stage->pending_until = next;
}

static gsize
size_of (const WeirKafkaStage *stage, const WeirKafkaIncoming *record)
{
  gsize size = sizeof (WeirKafkaHead) + record->key_size + record->value_size;

  if (stage->staging->has_extras)
    size = ((size + 7) & ~(gsize) 7) + sizeof (WeirKafkaExtras) + (record->headers != NULL ? record->headers->len : 0);
  return (size + 7) & ~(gsize) 7;
}

static gboolean
open_block (WeirKafkaStage *stage, gsize size, gint64 offset)
{
  WeirBlock *fresh;

  if (size > G_MAXINT32)
    return FALSE;
  fresh = weir_block_new (stage->staging->memory, MAX (size, stage->block_size - sizeof (WeirBlock)));
  if (fresh == NULL)
    return FALSE;
  weir_kafka_stage_publish (stage);
  if (stage->open != NULL)
    weir_block_unref (stage->open);
  stage->open = fresh;
  stage->open_base = offset;
  stage->at = 0;
  stage->block_size = MIN (2 * stage->block_size, BLOCK_MOST);
  return TRUE;
}

static gboolean
fits (const WeirKafkaStage *stage, gsize size, gint64 offset)
{
  return stage->open != NULL && weir_block_capacity (stage->open) - stage->at >= size &&
         offset - stage->open_base < (gint64) G_MAXUINT32;
}

static char *
put_bytes (char *at, gconstpointer data, gsize size)
{
  if (size > 0)
    memcpy (at, data, size);
  return at + size;
}

static void
put_extras (WeirKafkaHead *head, const WeirKafkaIncoming *record)
{
  WeirKafkaExtras *extras = (WeirKafkaExtras *) (head + 1);

  extras->timestamp_ms = record->timestamp_ms;
  extras->n_headers = record->n_headers;
  extras->headers_size = record->headers != NULL ? record->headers->len : 0;
}

static void
put_record (const WeirKafkaStage *stage, WeirKafkaHead *head, const WeirKafkaIncoming *record, gsize size)
{
  char *at = (char *) weir_kafka_key_of (head, stage->staging->has_extras);

  head->size = (guint32) size;
  head->delta = (guint32) (record->offset - stage->open_base);
  head->key_size = record->key != NULL ? (guint32) record->key_size : WEIR_KAFKA_NO_BYTES;
  head->value_size = record->value != NULL ? (guint32) record->value_size : WEIR_KAFKA_NO_BYTES;
  at = put_bytes (at, record->key, record->key_size);
  at = put_bytes (at, record->value, record->value_size);
  if (!stage->staging->has_extras)
    return;
  put_extras (head, record);
  if (record->headers != NULL) {
    at = (char *) (((gsize) at + 7) & ~(gsize) 7);
    put_bytes (at, record->headers->data, record->headers->len);
  }
}

gboolean
weir_kafka_stage_append (WeirKafkaStage *stage, const WeirKafkaIncoming *record)
{
  gsize size = size_of (stage, record);
  WeirKafkaPiece *pending = &stage->pending;

  if (G_UNLIKELY (!fits (stage, size, record->offset)) && !open_block (stage, size, record->offset))
    return FALSE;
  if (pending->n == 0)
    *pending = (WeirKafkaPiece){ .block = stage->open, .base = stage->open_base, .from = stage->at };
  put_record (stage, (WeirKafkaHead *) (gpointer) (stage->open->data + stage->at), record, size);
  pending->last = stage->newest = stage->at;
  pending->timestamp_ms = stage->newest_timestamp_ms = record->timestamp_ms;
  pending->n++;
  stage->at += (guint32) size;
  pending->to = stage->at;
  stage->pending_until = record->offset + 1;
  return TRUE;
}

static WeirKafkaPiece *
last_piece (const WeirKafkaStage *stage)
{
  return stage->pieces->len > 0 ? piece_at (stage->pieces, stage->pieces->len - 1) : NULL;
}

static void
publish_piece (WeirKafkaStage *stage)
{
  const WeirKafkaPiece *pending = &stage->pending;
  WeirKafkaPiece *last = last_piece (stage);

  stage->n += pending->n;
  if (last != NULL && last->block == pending->block && last->to == pending->from) {
    last->to = pending->to;
    last->last = pending->last;
    last->timestamp_ms = pending->timestamp_ms;
    last->n += pending->n;
    return;
  }
  weir_block_ref (pending->block);
  g_array_append_vals (stage->pieces, pending, 1);
}

static void
publish (WeirKafkaStage *stage)
{
  if (stage->pending.n > 0)
    publish_piece (stage);
  __atomic_add_fetch (&stage->staging->n_bytes, piece_bytes (&stage->pending), __ATOMIC_RELAXED);
  stage->pending = (WeirKafkaPiece){ 0 };
  stage->until = stage->pending_until;
}

void
weir_kafka_stage_publish (WeirKafkaStage *stage)
{
  pthread_mutex_lock (&stage->lock);
  publish (stage);
  pthread_mutex_unlock (&stage->lock);
}

void
weir_kafka_stage_skip (WeirKafkaStage *stage, gint64 next)
{
  stage->pending_until = MAX (stage->pending_until, next);
}

void
weir_kafka_stage_break (WeirKafkaStage *stage, gint64 next)
{
  const WeirKafkaPiece mark = { .base = next };

  pthread_mutex_lock (&stage->lock);
  publish (stage);
  g_clear_pointer (&stage->open, weir_block_unref);
  g_array_append_val (stage->pieces, mark);
  stage->until = stage->pending_until = next;
  pthread_mutex_unlock (&stage->lock);
}

/* --- taking --- */

void
weir_kafka_taken_clear (WeirKafkaTaken *taken)
{
  g_clear_pointer (&taken->pieces, g_array_unref);
}

/* A range goes on over no break: the loop has then left what came before, and begins with it. */
static gint64
skip_breaks (WeirKafkaStage *stage, gint64 from)
{
  guint n = 0;

  for (; n < stage->pieces->len && piece_at (stage->pieces, n)->block == NULL; n++)
    from = piece_at (stage->pieces, n)->base;
  g_array_remove_range (stage->pieces, 0, n);
  return from;
}

static void
account (WeirKafkaStage *stage, const WeirKafkaPiece *piece, WeirKafkaTaken *taken)
{
  taken->n += piece->n;
  taken->n_bytes += piece_bytes (piece);
  stage->n -= piece->n;
  __atomic_sub_fetch (&stage->staging->n_bytes, piece_bytes (piece), __ATOMIC_RELAXED);
  taken->until = weir_kafka_offset_at (piece, weir_kafka_head_at (piece, piece->last)) + 1;
}

/* Whole pieces from the front, as long as they have room and lie before @until; returns how many. */
static guint
count_whole (const WeirKafkaStage *stage, guint64 most, gint64 until)
{
  guint n = 0;

  for (; n < stage->pieces->len; n++) {
    const WeirKafkaPiece *piece = piece_at (stage->pieces, n);

    if (piece->block == NULL || piece->n > most ||
        weir_kafka_offset_at (piece, weir_kafka_head_at (piece, piece->last)) >= until)
      break;
    most -= piece->n;
  }
  return n;
}

static void
take_whole (WeirKafkaStage *stage, guint n, WeirKafkaTaken *taken)
{
  if (n == 0)
    return;
  taken->pieces = pieces_new ();
  g_array_append_vals (taken->pieces, stage->pieces->data, n);
  for (guint i = 0; i < n; i++) {
    account (stage, piece_at (taken->pieces, i), taken);
    weir_block_ref (piece_at (taken->pieces, i)->block); /* the array lets go of the others */
  }
  g_array_remove_range (stage->pieces, 0, n);
}

/* The front of a piece: up to @most records before @until. */
static WeirKafkaPiece
cut (const WeirKafkaPiece *piece, guint64 most, gint64 until)
{
  WeirKafkaPiece front = *piece;
  guint32 at = piece->from;

  front.n = 0;
  while (at < piece->to && front.n < most) {
    const WeirKafkaHead *head = weir_kafka_head_at (piece, at);

    if (weir_kafka_offset_at (piece, head) >= until)
      break;
    front.last = at;
    front.n++;
    at += head->size;
  }
  front.to = at;
  return front;
}

static void
take_part (WeirKafkaStage *stage, guint64 most, gint64 until, WeirKafkaTaken *taken)
{
  WeirKafkaPiece *piece = stage->pieces->len > 0 ? piece_at (stage->pieces, 0) : NULL;
  WeirKafkaPiece front;

  if (piece == NULL || piece->block == NULL || most == 0)
    return;
  front = cut (piece, most, until);
  if (front.n == 0)
    return;
  if (taken->pieces == NULL)
    taken->pieces = pieces_new ();
  weir_block_ref (front.block);
  g_array_append_val (taken->pieces, front);
  account (stage, &front, taken);
  piece->from = front.to;
  piece->n -= front.n;
  taken->is_cut = TRUE;
}

void
weir_kafka_stage_take (WeirKafkaStage *stage, gint64 from, guint64 most, WeirKafkaTaken *taken)
{
  pthread_mutex_lock (&stage->lock);
  from = skip_breaks (stage, from);
  *taken = (WeirKafkaTaken){ .from = from, .until = from };
  take_whole (stage, count_whole (stage, most, G_MAXINT64), taken);
  if (taken->n < most)
    take_part (stage, most - taken->n, G_MAXINT64, taken);
  if (stage->pieces->len == 0)
    taken->until = MAX (taken->until, stage->until);
  pthread_mutex_unlock (&stage->lock);
}

/* What lies behind a break is not what was there before: it is left to a batch that is new. */
void
weir_kafka_stage_take_until (WeirKafkaStage *stage, gint64 from, gint64 until, WeirKafkaTaken *taken)
{
  pthread_mutex_lock (&stage->lock);
  *taken = (WeirKafkaTaken){ .from = from, .until = from };
  take_whole (stage, count_whole (stage, G_MAXUINT64, until), taken);
  take_part (stage, G_MAXUINT64, until, taken);
  taken->until = until;
  pthread_mutex_unlock (&stage->lock);
}

gboolean
weir_kafka_stage_reaches (WeirKafkaStage *stage, gint64 until)
{
  gboolean does;

  pthread_mutex_lock (&stage->lock);
  does = stage->until >= until;
  for (guint i = 0; i < stage->pieces->len && !does; i++)
    does = piece_at (stage->pieces, i)->block == NULL;
  pthread_mutex_unlock (&stage->lock);
  return does;
}

guint64
weir_kafka_stage_count (WeirKafkaStage *stage)
{
  guint64 n;

  pthread_mutex_lock (&stage->lock);
  n = stage->n;
  pthread_mutex_unlock (&stage->lock);
  return n;
}

gint64
weir_kafka_stage_until (WeirKafkaStage *stage)
{
  gint64 until;

  pthread_mutex_lock (&stage->lock);
  until = stage->until;
  pthread_mutex_unlock (&stage->lock);
  return until;
}

/* --- witnesses --- */

guint64
weir_kafka_hash (gconstpointer key, gsize key_size, gconstpointer value, gsize value_size)
{
  WeirSeed seed = { 0 };

  seed.long_seed = weir_hash_long (key != NULL ? key : "", key_size, &seed) ^ key_size;
  return weir_hash_long (value != NULL ? value : "", value_size, &seed);
}

WeirKafkaWitness
weir_kafka_piece_witness (const WeirKafkaPiece *piece, gboolean has_extras, gboolean is_cut)
{
  const WeirKafkaHead *head = weir_kafka_head_at (piece, piece->last);
  const char *key = weir_kafka_key_of (head, has_extras);
  gsize key_size = weir_kafka_size_of (head->key_size), value_size = weir_kafka_size_of (head->value_size);
  WeirKafkaWitness witness = { .offset = weir_kafka_offset_at (piece, head), .timestamp_ms = -1 };

  if (has_extras)
    witness.timestamp_ms = ((const WeirKafkaExtras *) (head + 1))->timestamp_ms;
  else if (!is_cut)
    witness.timestamp_ms = piece->timestamp_ms;
  witness.hash = weir_kafka_hash (key, key_size, key + key_size, value_size);
  return witness;
}

WeirKafkaWitness
weir_kafka_stage_newest (const WeirKafkaStage *stage)
{
  WeirKafkaPiece piece = { .block = stage->open, .base = stage->open_base, .last = stage->newest };

  piece.timestamp_ms = stage->newest_timestamp_ms;
  if (stage->open == NULL || stage->at == 0)
    return (WeirKafkaWitness){ .offset = -1 };
  return weir_kafka_piece_witness (&piece, stage->staging->has_extras, FALSE);
}

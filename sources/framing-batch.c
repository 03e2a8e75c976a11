/* framing-batch.c: the ranges of a batch as partitions.
 *
 * Owns the ranges, and by them the blocks, until the batch is freed. A range is never divided, so a partition's bounds
 * are those of blocks. Must not know where the bytes came from or who works on the records.
 * Threads: made and freed by one, read by many in between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/framing-batch.h"

/* Less is not worth a task. */
#define PARTITION_BYTES ((gsize) 256 * 1024)

static const WeirRange *
range_at (const WeirFramedBatch *batch, guint i)
{
  return &g_array_index (batch->ranges, WeirRange, i);
}

/* The partition of a range is where its first byte lies when the bytes are divided into @n_wanted equal parts. Parts in
 * which no range begins are no partitions. */
static void
divide (WeirFramedBatch *batch, gsize n_bytes, guint n_wanted)
{
  guint last = G_MAXUINT;
  gsize before = 0;

  for (guint i = 0; i < batch->ranges->len; i++) {
    guint part = (guint) ((gdouble) before / (gdouble) n_bytes * n_wanted);

    if (part != last)
      batch->starts[batch->n_partitions++] = i;
    last = part;
    before += (gsize) (range_at (batch, i)->to - range_at (batch, i)->from);
  }
  batch->starts[batch->n_partitions] = batch->ranges->len;
}

WeirFramedBatch *
weir_framed_batch_new (GArray *ranges, gsize n_bytes, guint most)
{
  WeirFramedBatch *batch = g_new (WeirFramedBatch, 1);
  guint n_wanted = (guint) CLAMP (n_bytes / PARTITION_BYTES, 1, most);

  *batch = (WeirFramedBatch){ .ranges = ranges, .starts = g_new (guint, n_wanted + 1) };
  divide (batch, n_bytes, n_wanted);
  return batch;
}

void
weir_framed_batch_free (WeirFramedBatch *batch)
{
  g_array_unref (batch->ranges);
  g_free (batch->starts);
  g_free (batch);
}

gboolean
weir_framed_cursor_open (WeirFramedCursor *cursor, const WeirFramedBatch *batch, guint partition)
{
  if (cursor->at == NULL) {
    cursor->range = batch->starts[partition];
    cursor->end = batch->starts[partition + 1];
    cursor->at = range_at (batch, cursor->range)->from;
  }
  return cursor->range < cursor->end;
}

guint
weir_framed_cursor_read (WeirFramedCursor *cursor, const WeirFramedBatch *batch, const WeirFraming *framing,
                         WeirValue *values, guint capacity, WeirFramingTally *tally)
{
  const WeirRange *range = range_at (batch, cursor->range);
  guint n = weir_framing_read (framing, &cursor->at, range->to, values, capacity, tally);

  if (cursor->at == range->to && ++cursor->range < cursor->end)
    cursor->at = range_at (batch, cursor->range)->from;
  return n;
}

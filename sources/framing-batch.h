/* What a batch has of a stream of bytes: complete records in ranges, divided into partitions by bytes, and the reading
 * of one partition. Constant once made; any thread reads. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/framing.h"

typedef struct {
  GArray *ranges; /* of WeirRange */
  guint n_partitions;
  guint *starts; /* by partition, its first range; one more at the end */
} WeirFramedBatch;

/* Where the reading of a partition stands. Begins zeroed. */
typedef struct {
  guint range;
  guint end;
  const char *at; /* NULL before the first step */
} WeirFramedCursor;

/* @ranges: transfer full, @n_bytes in all. Neighbouring ranges form a partition; there are at most @most, each of about
 * a block or more, and their bounds depend on nothing else. */
WeirFramedBatch *weir_framed_batch_new (GArray *ranges, gsize n_bytes, guint most);
void weir_framed_batch_free (WeirFramedBatch *batch);

/* FALSE: the partition is at its end. */
gboolean weir_framed_cursor_open (WeirFramedCursor *cursor, const WeirFramedBatch *batch, guint partition);
/* Up to @capacity records; moves the cursor on. */
guint weir_framed_cursor_read (WeirFramedCursor *cursor, const WeirFramedBatch *batch, const WeirFraming *framing,
                               WeirValue *values, guint capacity, WeirFramingTally *tally);

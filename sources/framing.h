/* Framing: where one record of a byte stream ends and the next begins.
 *
 * The receiving side (WeirFramer) only finds the end of the last complete record: it has to keep up with the network.
 * Cutting records out of what is complete (weir_framing_read) is the workers' part. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/input.h>

#include "engine/memory.h"

/* Complete records in a block. Whoever holds the range holds a reference to the block, of which later bytes may still
 * be written. */
typedef struct {
  WeirBlock *block;
  const char *from, *to;
} WeirRange;

/* One stream's bytes on their way to records; one thread. */
typedef struct {
  const WeirFraming *framing; /* resolved */
  WeirMemory *memory;
  gsize block_payload;
  WeirBlock *block;     /* being filled; NULL before the first byte */
  char *start;          /* of the record that is not complete */
  char *end;            /* of what was received */
  char *limit;          /* of what may be received into the block */
  gboolean is_skipping; /* a record that is too long: nothing of it is kept */
  guint64 skip_left;    /* LENGTH32: bytes of it that are still to come */
  guint64 n_too_long;   /* for the owner to take */
  GArray *ranges;       /* of WeirRange: complete, not stolen yet */
  gsize n_bytes;        /* in them */
} WeirFramer;

/* Loads of 64 bytes may begin at any byte of a range. */
#define WEIR_FRAMING_SLACK 64

#define WEIR_FRAMER_BLOCK ((gsize) 256 * 1024 - sizeof (WeirBlock) - WEIR_FRAMING_SLACK)

/* What of a read was not a record, or an odd one. */
typedef struct {
  guint64 n_too_long;
  guint64 n_invalid_utf8;
} WeirFramingTally;

/* Fills in what a kind of framing implies; FALSE with @error (code GRAPH) where the job asked for what cannot be. */
gboolean weir_framing_resolve (WeirFraming *framing, GError **error);

void weir_framer_init (WeirFramer *framer, const WeirFraming *framing, WeirMemory *memory, gsize block_payload);
void weir_framer_clear (WeirFramer *framer);
gboolean weir_framer_room (WeirFramer *framer, char **at, gsize *size); /* where to receive to; FALSE: no memory */
void weir_framer_took (WeirFramer *framer, gsize n);                    /* @n bytes were received there */
gsize weir_framer_pending (const WeirFramer *framer);                   /* bytes of the record that is not complete */
/* The peer has ended the stream: an unfinished line is a line. Returns the bytes of another unfinished record, which is
 * dropped. */
gsize weir_framer_finish (WeirFramer *framer);
gsize weir_framer_drop (WeirFramer *framer);                    /* the same where the stream broke off */
GArray *weir_framer_steal (WeirFramer *framer, gsize *n_bytes); /* transfer full: the complete records */
void weir_range_clear (WeirRange *range);

/* Records from *@at on, up to @capacity; *@at moves on, to @end when there are no more. Any thread. */
guint weir_framing_read (const WeirFraming *framing, const char **at, const char *end, WeirValue *values,
                         guint capacity, WeirFramingTally *tally);

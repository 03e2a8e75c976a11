/* Frames: what every piece of a checkpoint is wrapped in: magic, kind, format version, length, checksum. Each can be
 * read alone, and damage is told from anything else.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

#define WEIR_FRAME_HEADER 32

/* Of what is written. All from 1 on are read; what came with which:
 * 2: windows by key say how long their panes are (SECTION_GRID of operators/pane-log.c). */
#define WEIR_FRAME_VERSION 2

typedef enum {
  WEIR_FRAME_STATE = 'S',    /* a slice's sections */
  WEIR_FRAME_MANIFEST = 'M', /* an epoch's content */
  WEIR_FRAME_PLAN = 'P',     /* what one batch reads */
  WEIR_FRAME_CURRENT = 'C',  /* stores: which epoch is the current one */
  WEIR_FRAME_FOOTER = 'F',   /* stores: where an epoch's manifest lies */
  WEIR_FRAME_RECORD = 'R',   /* stores: an entry of a log that is appended to */
  WEIR_FRAME_SEGMENT = 'L',  /* logs of what was received: the head of a file */
  WEIR_FRAME_BLOCK = 'B',    /* the same: a block */
} WeirFrameKind;

/* Leaves room for the header at the end of @out; returns where the frame begins, for weir_frame_end (). */
guint weir_frame_begin (GByteArray *out);
void weir_frame_end (GByteArray *out, guint start, WeirFrameKind kind);
/* The header of a frame whose payload lies in two pieces, of which the second may be empty. */
typedef struct {
  gconstpointer data;
  gsize size;
} WeirPiece;
void weir_frame_head (guint8 header[WEIR_FRAME_HEADER], WeirFrameKind kind, WeirPiece first, WeirPiece second);

/* The frame that @data begins with. CHECKPOINT_CORRUPT: says what is wrong with it; FAILED: it is whole, and
 * of another format version. */
gboolean weir_frame_open (gconstpointer data, gsize size, WeirFrameKind kind, const guint8 **payload,
                          gsize *payload_size, GError **error);
#define weir_frame_size(payload_size) (WEIR_FRAME_HEADER + (payload_size)) /* with the header */

/* Numbers as they stand in frames: little-endian; strings with their length. */
void weir_put_u32 (GByteArray *out, guint32 value);
void weir_put_u64 (GByteArray *out, guint64 value);
void weir_put_bytes (GByteArray *out, gconstpointer data, gsize size);
void weir_put_string (GByteArray *out, const char *text);

/* Takes them back; after the first that does not fit everything is 0 or empty and has_failed is set. */
typedef struct {
  const guint8 *data, *end;
  gboolean has_failed;
} WeirTaker;

void weir_taker_init (WeirTaker *taker, gconstpointer data, gsize size);
guint32 weir_take_u32 (WeirTaker *taker);
guint64 weir_take_u64 (WeirTaker *taker);
const guint8 *weir_take_bytes (WeirTaker *taker, gsize *size); /* points into the data */
char *weir_take_string (WeirTaker *taker);                     /* transfer full */
gboolean weir_taker_is_done (const WeirTaker *taker);          /* all taken, nothing failed */

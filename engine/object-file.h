/* Object files: values in the wire format, in blocks that are checked. What writes them and what reads them share this.
 * docs/reference/object-files.md describes the bytes. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/task.h>

#define WEIR_OBJECT_HEADER 32

/* A block holds about so many bytes, and more where a value does. */
#define WEIR_OBJECT_BLOCK ((gsize) 64 * 1024)

/* A file that is written; one thread. */
typedef struct {
  GByteArray *block;
  guint32 n;        /* values in the block */
  guint64 number;   /* of the block, from 0 */
  guint64 n_values; /* in the blocks before it */
} WeirObjectWriter;

void weir_object_writer_init (WeirObjectWriter *writer);
void weir_object_writer_clear (WeirObjectWriter *writer);
/* FALSE: it has no encoding, or the block would pass 2 GiB. */
gboolean weir_object_writer_add (WeirObjectWriter *writer, WeirValue value);
gboolean weir_object_writer_is_full (const WeirObjectWriter *writer);
/* The block's bytes, which the caller writes before it goes on; then weir_object_writer_next (). The last block of a file
 * has no values: it says how many there are. */
GByteArray *weir_object_writer_seal (WeirObjectWriter *writer);
void weir_object_writer_next (WeirObjectWriter *writer);

/* What the header of a block says. */
typedef struct {
  guint64 size; /* of the payload */
  guint64 sum;
} WeirObjectHead;

/* The values of a block whose payload was found good. */
typedef struct {
  const guint8 *at, *end;
  guint64 number;
  guint32 n_left;
  guint64 n_values; /* of the file; in the last block alone */
} WeirObjectBlock;

/* Any thread. NULL: it is good; else what is wrong with it, static. */
const char *weir_object_head_open (const guint8 header[WEIR_OBJECT_HEADER], WeirObjectHead *head);
const char *weir_object_block_open (const WeirObjectHead *head, const guint8 *payload, WeirObjectBlock *block);

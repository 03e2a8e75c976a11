/* Values out of an object file, a block at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/object-file.h"
#include "sources/file-reader.h"

/* Where the reading stands. Begins zeroed; one worker. */
typedef struct {
  int fd;
  gboolean is_open, is_over;
  guint64 offset;     /* of the next block */
  WeirBlock *payload; /* NULL before the first */
  WeirObjectBlock block;
  guint64 number;   /* that the next block must have */
  guint64 n_values; /* in the blocks so far */
} WeirObjectCursor;

/* As weir_file_cursor_read (): @piece is a whole file. A file that is damaged fails the batch, before anything of the damaged
 * block is emitted. */
gboolean weir_object_cursor_read (WeirTask *task, WeirObjectCursor *cursor, const WeirFilePiece *piece);
void weir_object_cursor_end (WeirObjectCursor *cursor);

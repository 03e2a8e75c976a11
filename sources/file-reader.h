/* Records out of a piece of a file, a block at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/log.h"
#include "engine/task.h"
#include "sources/framing.h"

/* A piece of a file. Of lines it has those that begin in it; the last one may end behind it. */
typedef struct {
  const char *path;
  guint64 from, until;
  guint64 size; /* of the file, as it was when it was found: no byte behind that is read */
  const WeirLog *log;
} WeirFilePiece;

/* Where the reading stands. Begins zeroed; one worker. */
typedef struct {
  int fd;
  gboolean is_open, is_entering, is_over;
  guint64 offset; /* of the next byte that is read */
  WeirFramer framer;
  WeirBlock *block; /* the framer's, held */
  GArray *ranges;   /* of WeirRange: complete records; NULL: none */
  guint range;
  const char *at;
} WeirFileCursor;

/* One step: emits about a chunk or reads about a block. FALSE: the piece is at its end, or the batch has failed.
 * @reason: of records longer than the framing's max_size. */
gboolean weir_file_cursor_read (WeirTask *task, WeirFileCursor *cursor, const WeirFilePiece *piece,
                                const WeirFraming *framing, const char *reason);
void weir_file_cursor_end (WeirTask *task, WeirFileCursor *cursor);

/* For all that reads files: fails the task with path, reason and what to do. */
int weir_file_piece_open (WeirTask *task, const char *path);
/* Bytes from there on, one at least, no more than @most; 0: the task has failed. A file that ends there has become
 * shorter. */
gsize
weir_file_piece_pread (WeirTask *task, int fd, const WeirFilePiece *piece, gpointer at, gsize most, guint64 offset);
/* A file that is longer than it was is one that was still written to when it was found: says so in the log. */
void weir_file_piece_check_end (int fd, const WeirFilePiece *piece);

/* Logs of what was received: blocks of bytes in order, each with a number, on the disk before they are acknowledged.
 * stores/block-log.c keeps them in segments, files of a folder of their own; this is what sources know of that.
 *
 * Opened by whoever starts the context; then append and forget belong to one thread, read may come from any, of blocks
 * that open found or append has returned of. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

#include "engine/log.h"

typedef struct _WeirBlockLog WeirBlockLog;

typedef struct {
  const char *folder; /* made where it is missing */
  const char *form;   /* what the blocks consist of: one of another form cannot be read */
  gsize segment_size; /* a segment that has so many bytes is followed by another one; 0: the usual */
  const WeirLog *log;
} WeirBlockLogSettings;

/* A block that is on the disk. */
typedef struct {
  guint64 number;
  guint64 segment, offset; /* where it lies */
  gsize size;              /* of its bytes */
  gint64 n_records;        /* as it was appended */
} WeirLoggedBlock;

/* A block that is to be. */
typedef struct {
  gconstpointer data;
  gsize size;
  gint64 n_records; /* of any meaning */
} WeirLogEntry;

/* The folder for the logs of a context, transfer full: @directory, or one in a file: checkpoint. OPTION: there is none. */
char *weir_block_log_place (const char *checkpoint, const char *directory, GError **error);
/* Has the folder a log with blocks? Any error counts as no. */
gboolean weir_block_log_is_there (const char *folder);

/* Checks all that is there. A group of blocks that was not complete when the process ended, and that nobody was told
 * of, is cut off; other damage is CHECKPOINT_CORRUPT, with file, offset and reason. CHECKPOINT_LOCKED: another process
 * has it. @found: of WeirLoggedBlock, in order. */
WeirBlockLog *weir_block_log_open (const WeirBlockLogSettings *settings, GArray *found, GError **error);
void weir_block_log_close (WeirBlockLog *log);
const char *weir_block_log_path (const WeirBlockLog *log); /* for messages */
guint64 weir_block_log_first (const WeirBlockLog *log);    /* the oldest block that it may have; from 1 */
guint64 weir_block_log_next (const WeirBlockLog *log);     /* the number that the next block gets */

/* One sync for all of them: durable, with numbers from weir_block_log_next () on, when it returns TRUE. FALSE: none of
 * them is in the log; if the error is retriable it may be tried again. */
gboolean weir_block_log_append (WeirBlockLog *log, const WeirLogEntry *entries, guint n, GError **error);
/* Removes the segments that have no block of number @number or later. */
gboolean weir_block_log_forget (WeirBlockLog *log, guint64 number, GError **error);
/* The bytes of a block, transfer full. */
GBytes *weir_block_log_read (const WeirBlockLog *log, const WeirLoggedBlock *block, GError **error);

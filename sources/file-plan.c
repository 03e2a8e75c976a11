/* file-plan.c: the files of a batch as partitions.
 *
 * Owns the paths. Where a file is divided follows from its size alone, so that a batch that is run again has the same
 * partitions. Must not know folders.
 * Threads: made and freed by one, read by many in between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/file-plan.h"

/* Of one file, so that one of an absurd size is no absurd number of partitions. */
#define MOST_PIECES 1024

WeirFilePlan *
weir_file_plan_new (void)
{
  WeirFilePlan *plan = g_new0 (WeirFilePlan, 1);

  plan->paths = g_ptr_array_new_with_free_func (g_free);
  plan->pieces = g_array_new (FALSE, FALSE, sizeof (WeirFilePiece));
  return plan;
}

void
weir_file_plan_free (WeirFilePlan *plan)
{
  g_ptr_array_unref (plan->paths);
  g_array_unref (plan->pieces);
  g_free (plan);
}

/* The bytes of a piece; records of one size are never cut. */
static guint64
piece_size (const WeirFilePiece *file, const WeirFraming *framing, guint64 most)
{
  guint64 size = MAX (most, file->size / MOST_PIECES + 1);

  if (framing == NULL || framing->kind == WEIR_FRAMING_LENGTH32)
    return file->size;
  if (framing->kind == WEIR_FRAMING_FIXED)
    return MAX (size / framing->size, 1) * framing->size;
  return size;
}

void
weir_file_plan_add (WeirFilePlan *plan, const WeirFilePiece *file, const WeirFraming *framing, guint64 most)
{
  guint64 step = MAX (piece_size (file, framing, most), 1);
  WeirFilePiece piece = *file;

  piece.path = g_strdup (file->path);
  g_ptr_array_add (plan->paths, (gpointer) piece.path);
  plan->n_bytes += file->size;
  piece.from = 0;
  do {
    /* No piece is left that is smaller than half of the others. */
    piece.until = file->size - piece.from < step + step / 2 ? file->size : piece.from + step;
    g_array_append_val (plan->pieces, piece);
    piece.from = piece.until;
  } while (piece.from < file->size);
}

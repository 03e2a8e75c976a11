/* A piece of a file read by hand, into a text of its records; as a task does it that keeps nothing, or as one whose values
 * are kept and looked at when all has been read.
 *
 * Belongs to one test, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/object-reader.h"
#include "tests/sources/naive-framing.h"

typedef struct {
  const WeirFilePiece *piece;
  const WeirFraming *framing; /* NULL: objects */
  gboolean keeps;
  gsize memory_limit;
  GString *records; /* what came, as of a Cut; transfer full */
  guint64 n_too_long, n_unfinished;
  gsize n_peak; /* bytes of memory */
  GError *error;
} PieceRun;

typedef struct {
  PieceRun *piece_run;
  WeirFileCursor file;
  WeirObjectCursor object;
  GArray *kept; /* of WeirValue */
} PieceRunState;

static inline void
piece_run_add (PieceRun *self, WeirValue value)
{
  g_autofree char *text = value.kind == WEIR_TEXT || value.kind == WEIR_BYTES ? NULL : weir_to_string (value);
  Cut cut = { .records = self->records };

  if (text != NULL)
    cut_add (&cut, text, strlen (text), G_MAXSIZE);
  else
    cut_add (&cut, weir_data (value), weir_size (value), G_MAXSIZE);
}

static inline gboolean
piece_run_read (WeirTask *task, WeirReader *reader)
{
  PieceRunState *state = reader->state;
  PieceRun *self = state->piece_run;

  if (self->framing == NULL)
    return weir_object_cursor_read (task, &state->object, self->piece);
  return weir_file_cursor_read (task, &state->file, self->piece, self->framing, "too long");
}

static inline void
piece_run_process (WeirTask *task, const WeirChunk *in)
{
  PieceRunState *state = task->task_run->reader.state;
  WeirValue cells[2];

  for (guint i = 0; i < in->n; i++) {
    WeirValue value = weir_chunk_element (in, i, cells);

    if (state->piece_run->keeps && in->keys == NULL)
      g_array_append_val (state->kept, value);
    else
      piece_run_add (state->piece_run, value);
  }
}

static inline void
piece_run_count (WeirRun *run, PieceRun *self)
{
  const guint64 *n;

  if (run->rejects == NULL)
    return;
  n = g_hash_table_lookup (run->rejects, "piece: too long");
  self->n_too_long = n != NULL ? *n : 0;
  n = g_hash_table_lookup (run->rejects, "piece: the file ends inside a record");
  self->n_unfinished = n != NULL ? *n : 0;
}

static inline void
piece_run_drive (WeirRun *run, PieceRunState *state)
{
  static const WeirOpClass origin_class = { .verb = "piece", .kind = WEIR_OP_SOURCE, .read = piece_run_read };
  static const WeirOpClass terminal_class = { .verb = "end", .kind = WEIR_OP_TERMINAL, .process = piece_run_process };
  const WeirOp origin = { .klass = &origin_class, .name = "piece" };
  const WeirOp terminal = { .klass = &terminal_class, .name = "end" };
  WeirArena frame;
  WeirTaskRun task_run = { .run = run, .frame = &frame, .keep = state->piece_run->keeps };
  WeirTask *end;

  weir_arena_init (&frame, run->memory);
  weir_arena_init (&task_run.scratch, run->memory);
  end = weir_task_link_new (&task_run, &terminal, &terminal_class, NULL);
  task_run.first = task_run.ending = weir_task_link_new (&task_run, &origin, &origin_class, end);
  task_run.reader.state = state;
  while (weir_task_pull (end))
    ;
  weir_file_cursor_end (task_run.first, &state->file);
  weir_object_cursor_end (&state->object);
  for (guint i = 0; i < state->kept->len; i++)
    piece_run_add (state->piece_run, g_array_index (state->kept, WeirValue, i));
  weir_arena_clear (&task_run.scratch);
  weir_arena_clear (&frame);
}

static inline void
piece_run (PieceRun *self)
{
  PieceRunState state = { .piece_run = self, .kept = g_array_new (FALSE, FALSE, sizeof (WeirValue)) };
  WeirMemory *memory = weir_memory_new (self->memory_limit != 0 ? self->memory_limit : G_MAXSIZE);
  WeirRun run;

  self->records = g_string_new (NULL);
  weir_run_init (&run, memory, NULL);
  piece_run_drive (&run, &state);
  piece_run_count (&run, self);
  if (weir_run_has_failed (&run))
    weir_run_report (&run, &self->error);
  weir_run_clear (&run);
  self->n_peak = weir_memory_peak (memory);
  g_assert_cmpuint (weir_memory_used (memory), ==, 0);
  weir_memory_free (memory);
  g_array_unref (state.kept);
}

static inline void
piece_run_clear (PieceRun *self)
{
  g_string_free (self->records, TRUE);
  g_clear_error (&self->error);
}

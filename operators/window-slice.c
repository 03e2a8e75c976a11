/* Owns the slices of windows by key: the open pane, and the panes that are complete. Must not know how values are
 * folded. Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-slice.h"

#include "operators/window-panes.h"

typedef struct {
  WeirPanes *panes;   /* NULL until the first batch */
  WeirCombined *open; /* the pane that gathers batches, where a pane is more than one */
  WeirTime open_end;
} Slice;

gpointer
weir_window_slice_open (const WeirOp *op, guint slice)
{
  return g_new0 (Slice, 1);
}

void
weir_window_slice_close (gpointer data)
{
  Slice *slice = data;

  if (slice->panes != NULL)
    weir_panes_free (slice->panes);
  if (slice->open != NULL)
    weir_combined_free (slice->open);
  g_free (slice);
}

/* Enters the pane that ends at @end. */
static gboolean
enter (WeirTask *task, const WeirFold *fold, Slice *slice, WeirTime end, const WeirTable *pane)
{
  const WeirOp *op = task->op;
  gint64 number = (end - task->task_run->run->zero) / op->pane;

  return weir_panes_enter (slice->panes, task, number, pane, fold);
}

static gboolean
close_open (WeirTask *task, const WeirFold *fold, Slice *slice)
{
  gboolean ok = enter (task, fold, slice, slice->open_end, &slice->open->table);

  weir_combined_free (slice->open);
  slice->open = NULL;
  return ok;
}

static void
gather (WeirTask *task, const WeirFold *fold, Slice *slice, WeirReader *reader, const WeirTable *batch)
{
  WeirRun *run = task->task_run->run;
  guint64 start = weir_slice_start (reader->partition, task->op->n_slices);
  guint64 end = weir_slice_start (reader->partition + 1, task->op->n_slices);

  if (slice->open == NULL)
    slice->open = weir_combined_new (task->op, run->memory, fold->value_size (task->op), start, end);
  weir_table_reserve (&slice->open->table, weir_table_count (batch, start, end));
  weir_combine_merge (task, fold, slice->open, batch, start, end);
}

void
weir_window_slice_advance (WeirTask *task, const WeirFold *fold, WeirReader *reader)
{
  const WeirOp *op = task->op;
  WeirRun *run = task->task_run->run;
  Slice *slice = reader->slice;
  const WeirTable *batch = weir_combine_slice (task, fold, reader);
  WeirTime end = run->zero + (run->time - run->zero + op->pane - 1) / op->pane * op->pane;
  guint64 from = weir_slice_start (reader->partition, op->n_slices);
  guint64 until = weir_slice_start (reader->partition + 1, op->n_slices);

  if (slice->panes == NULL)
    slice->panes = weir_panes_new (run->memory, (guint) (op->length / op->pane), from, until);
  if (slice->open != NULL && slice->open_end < end && !close_open (task, fold, slice))
    return;
  slice->open_end = end;
  if (run->time == end && slice->open == NULL) {
    enter (task, fold, slice, end, batch);
    return;
  }
  gather (task, fold, slice, reader, batch);
  if (run->time == end)
    close_open (task, fold, slice);
}

gboolean
weir_window_slice_read (WeirTask *task, WeirReader *reader)
{
  Slice *slice = reader->slice;
  WeirWindowReader *state = reader->state;

  if (slice->panes == NULL)
    return FALSE;
  if (!state->is_open)
    weir_panes_cursor_init (slice->panes, &state->cursor);
  state->is_open = TRUE;
  return weir_panes_emit (slice->panes, task, &state->cursor);
}

/* Owns the slices of windows by key: the open pane, and the panes that are complete. Must not know how values are
 * folded. Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-slice.h"

#include "operators/pane-log.h"
#include "operators/window-columns.h"
#include "operators/window-panes.h"

#define SECTION_OPEN 2

typedef struct {
  WeirPanes *panes;   /* NULL until the first batch */
  WeirCombined *open; /* the pane that gathers batches, where a pane is more than one */
  WeirTime open_end;
  guint64 open_epoch; /* that it was read back from; 0: it was not */
  gboolean gathers;   /* panes are more than one batch */
  WeirPaneLog *log;
} Slice;

gpointer
weir_window_slice_open (const WeirOp *op, guint slice)
{
  Slice *made = g_new0 (Slice, 1);

  made->log = weir_pane_log_new ();
  return made;
}

void
weir_window_slice_close (gpointer data)
{
  Slice *slice = data;

  if (slice->panes != NULL)
    weir_panes_free (slice->panes);
  if (slice->open != NULL)
    weir_combined_free (slice->open);
  weir_pane_log_free (slice->log);
  g_free (slice);
}

/* The pane that has entered is noted for the next checkpoint. FALSE: the task has failed. */
static gboolean
note (WeirTask *task, Slice *slice, gint64 number)
{
  GByteArray *data = g_byte_array_new ();
  WeirValue key, value;
  gboolean ok = TRUE;
  gsize at = 0;

  while (ok && weir_panes_next (slice->panes, number, &at, &key, &value))
    ok = weir_pane_put (task, key, value, data);
  weir_pane_log_forget (slice->log, number - task->op->length / task->op->pane);
  weir_pane_log_add (slice->log, number, data);
  return ok;
}

/* Enters the pane that ends at @end. */
static gboolean
enter (WeirTask *task, Slice *slice, WeirTime end, const WeirPaneSource *pane)
{
  const WeirRun *run = task->task_run->run;
  gint64 number = (end - run->zero) / task->op->pane;

  if (!weir_panes_enter (slice->panes, task, number, pane))
    return FALSE;
  return !run->has_checkpoint || note (task, slice, number);
}

/* What a checkpoint gave back, before the first batch. */
static gboolean
enter_restored (WeirTask *task, Slice *slice)
{
  gboolean ok = TRUE;
  WeirCombined *pane;
  gint64 number;

  while (ok && (pane = weir_pane_log_take (slice->log, &number)) != NULL) {
    ok = weir_panes_enter (slice->panes, task, number,
                           &(WeirPaneSource){ .table = &pane->table, .fold = &weir_fold_value });
    weir_combined_free (pane);
  }
  return ok;
}

static gboolean
close_open (WeirTask *task, const WeirFold *fold, Slice *slice)
{
  gboolean ok = enter (task, slice, slice->open_end, &(WeirPaneSource){ .table = &slice->open->table, .fold = fold });

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

  slice->gathers = TRUE;
  if (slice->open == NULL)
    slice->open = weir_combined_new (task->op, run->memory, fold->value_size (task->op), start, end);
  weir_table_reserve (&slice->open->table, weir_table_count (batch, start, end));
  weir_task_shield (task);
  weir_combine_merge (task, fold, slice->open, batch, start, end);
  weir_task_unshield (task);
}

/* The batch is a pane by itself: it need not join the one that gathers. */
static gboolean
is_pane (const WeirOp *op, const WeirRun *run, const Slice *slice)
{
  return slice->open == NULL && (run->time - run->zero) % op->pane == 0;
}

void
weir_window_slice_write (WeirTask *task, const WeirFold *fold)
{
  const WeirOp *op = task->op;
  const WeirWindowKeys *keys[WEIR_N_GROUPS] = { NULL };

  for (guint i = 0; i < op->n_slices; i++) {
    const Slice *slice = op->slices[i];

    if (slice->panes != NULL && is_pane (op, task->task_run->run, slice))
      keys[i] = weir_panes_column_keys (slice->panes);
  }
  weir_columns_open (task, fold, keys);
}

static gboolean
open_panes (WeirTask *task, Slice *slice, guint index)
{
  const WeirOp *op = task->op;

  if (slice->panes != NULL)
    return TRUE;
  slice->panes = weir_panes_new (task->task_run->run->memory, (guint) (op->length / op->pane),
                                 weir_slice_start (index, op->n_slices), weir_slice_start (index + 1, op->n_slices));
  return enter_restored (task, slice);
}

void
weir_window_slice_advance (WeirTask *task, const WeirFold *fold, WeirReader *reader)
{
  const WeirOp *op = task->op;
  const WeirRun *run = task->task_run->run;
  const WeirExchange *exchange = reader->exchange;
  Slice *slice = reader->slice;
  const WeirTable *batch = weir_combine_slice (task, fold, reader);
  WeirTime end = run->zero + (run->time - run->zero + op->pane - 1) / op->pane * op->pane;
  WeirPaneSource source = { batch, fold, (WeirCombined *const *) exchange->outputs, exchange->n_outputs,
                            reader->partition };

  if (!open_panes (task, slice, reader->partition))
    return;
  if (slice->open != NULL && slice->open_end < end && !close_open (task, fold, slice))
    return;
  slice->open_end = end;
  if (is_pane (op, run, slice)) {
    enter (task, slice, end, &source);
    return;
  }
  gather (task, fold, slice, reader, batch);
  if (run->time == end)
    close_open (task, fold, slice);
}

void
weir_window_slice_save (WeirTask *task, const WeirFold *fold, gpointer data, guint index, WeirSaver *saver)
{
  const WeirOp *op = task->op;
  Slice *slice = data;

  weir_pane_log_save (slice->log, op, index, saver);
  if (!slice->gathers)
    return;
  weir_saver_begin (saver, weir_slice_start (index, op->n_slices), weir_slice_start (index + 1, op->n_slices),
                    SECTION_OPEN, slice->open_end);
  if (slice->open != NULL)
    weir_pane_encode (task, fold, index, &slice->open->table, saver->out);
  weir_saver_end (saver);
}

/* The newest epoch has the open pane as it was, or none. */
static void
load_open (WeirTask *task, const WeirFold *fold, Slice *slice, guint index, const WeirSection *section)
{
  const WeirOp *op = task->op;

  if (slice->open_epoch != section->epoch)
    g_clear_pointer (&slice->open, weir_combined_free);
  slice->open_epoch = section->epoch;
  slice->open_end = section->number;
  slice->gathers = TRUE;
  if (section->size == 0)
    return;
  if (slice->open == NULL)
    slice->open =
        weir_combined_new (op, task->task_run->run->memory, fold->value_size (op),
                           weir_slice_start (index, op->n_slices), weir_slice_start (index + 1, op->n_slices));
  weir_pane_decode (task, fold, index, section, slice->open);
}

gboolean
weir_window_check_version (WeirTask *task)
{
  const WeirOp *op = task->op;

  if (op->saved_version == op->state_version)
    return TRUE;
  weir_task_fail (task, WEIR_ERROR_ORPHAN_STATE,
                  "its window was saved in version %u, and the job has version %u: windows are not upgraded; give the "
                  "stream another uid to begin with an empty one",
                  op->saved_version, op->state_version);
  return FALSE;
}

void
weir_window_slice_load (WeirTask *task, const WeirFold *fold, gpointer data, guint index, const WeirSection *section)
{
  Slice *slice = data;

  if (!weir_window_check_version (task) || weir_pane_log_load (slice->log, task, index, section))
    return;
  if (section->kind == SECTION_OPEN)
    load_open (task, fold, slice, index, section);
  else
    weir_section_refuse (task, section);
}

gboolean
weir_window_slice_read (WeirTask *task, WeirReader *reader)
{
  Slice *slice = reader->slice;
  WeirWindowReader *state = reader->state;

  return slice->panes != NULL && weir_panes_emit (slice->panes, task, &state->at);
}

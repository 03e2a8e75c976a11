/* weir_reduce_by_key_and_window (): each batch is combined by key as reduce_by_key does, joins the open pane, and a
 * pane that is complete enters the window of its slice.
 *
 * advance () runs once a batch and slice; reading emits what the slice holds. Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stream.h"
#include "operators/combine-sum.h"
#include "operators/pairs.h"
#include "operators/window-panes.h"

typedef struct {
  WeirReduceParams reduce; /* first: weir_reduce_two () finds it */
} Params;

typedef struct {
  WeirPanes *panes;   /* NULL until the first batch */
  WeirCombined *open; /* the pane that gathers batches, where a pane is more than one */
  WeirTime open_end;
} Slice;

static const WeirFold *
fold_of (const WeirOp *op)
{
  return ((const Params *) op->params)->reduce.f == WEIR_SUM ? &weir_fold_sum : &weir_fold_value;
}

static void
window_open (WeirTask *task)
{
  weir_combine_open (task, fold_of (task->op));
}

static void
window_process (WeirTask *task, const WeirChunk *in)
{
  if (!weir_task_require_pairs (task, in))
    return;
  if (fold_of (task->op) == &weir_fold_sum)
    weir_sum_process_pairs (task, in);
  else
    weir_combine_process (task, &weir_fold_value, in);
}

static gpointer
slice_open (const WeirOp *op, guint slice)
{
  return g_new0 (Slice, 1);
}

static void
slice_close (gpointer data)
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
enter (WeirTask *task, Slice *slice, WeirTime end, const WeirTable *pane)
{
  const WeirOp *op = task->op;
  gint64 number = (end - task->task_run->run->zero) / op->pane;

  return weir_panes_enter (slice->panes, task, number, pane, fold_of (op));
}

static gboolean
close_open (WeirTask *task, Slice *slice)
{
  gboolean ok = enter (task, slice, slice->open_end, &slice->open->table);

  weir_combined_free (slice->open);
  slice->open = NULL;
  return ok;
}

static void
gather (WeirTask *task, Slice *slice, WeirReader *reader, const WeirTable *batch)
{
  WeirRun *run = task->task_run->run;
  guint64 start = weir_slice_start (reader->partition, task->op->n_slices);
  guint64 end = weir_slice_start (reader->partition + 1, task->op->n_slices);

  if (slice->open == NULL)
    slice->open = weir_combined_new (task->op, run->memory, fold_of (task->op)->value_size (task->op), start, end);
  weir_table_reserve (&slice->open->table, weir_table_count (batch, start, end));
  weir_combine_merge (task, fold_of (task->op), slice->open, batch, start, end);
}

static void
advance (WeirTask *task, WeirReader *reader)
{
  const WeirOp *op = task->op;
  WeirRun *run = task->task_run->run;
  Slice *slice = reader->slice;
  const WeirTable *batch = weir_combine_slice (task, fold_of (op), reader);
  WeirTime end = run->zero + (run->time - run->zero + op->pane - 1) / op->pane * op->pane;
  guint64 from = weir_slice_start (reader->partition, op->n_slices);
  guint64 until = weir_slice_start (reader->partition + 1, op->n_slices);

  if (slice->panes == NULL)
    slice->panes = weir_panes_new (run->memory, (guint) (op->length / op->pane), from, until);
  if (slice->open != NULL && slice->open_end < end && !close_open (task, slice))
    return;
  slice->open_end = end;
  if (run->time == end && slice->open == NULL) {
    enter (task, slice, end, batch);
    return;
  }
  gather (task, slice, reader, batch);
  if (run->time == end)
    close_open (task, slice);
}

typedef struct {
  gboolean is_open;
  WeirTableCursor cursor;
} Reading;

static gboolean
window_read (WeirTask *task, WeirReader *reader)
{
  Slice *slice = reader->slice;
  Reading *reading = reader->state;

  if (slice->panes == NULL)
    return FALSE;
  if (!reading->is_open)
    weir_panes_cursor_init (slice->panes, &reading->cursor);
  reading->is_open = TRUE;
  return weir_panes_emit (slice->panes, task, &reading->cursor);
}

static const WeirOpClass window_class = {
  .verb = "reduce_by_key_and_window",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS | WEIR_OP_EVERY_BATCH,
  .instance_size = sizeof (WeirCombineInstance),
  .open = window_open,
  .process = window_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .reader_size = sizeof (Reading),
  .read = window_read,
  .slice_open = slice_open,
  .slice_close = slice_close,
  .advance = advance,
};

/**
 * weir_reduce_by_key_and_window:
 * @s: a stream of pairs
 * @f: (scope notified): combines two values of one key; associative; @a came before @b
 * @inverse: (nullable) (scope notified): a hint, may never be called: windows need no inverse here
 * @length: of the window: a multiple of the slide of @s
 * @slide: how often there is a result: a multiple of the slide of @s; 0: each time @s has a batch
 * @user_data: for @f
 *
 * Each @slide one pair (key, combined value) for each key that has a record in the last @length. A slide costs the keys
 * that enter and those that leave, however long the window is, and a key whose records have all left is gone. Sums of
 * FLOATs do not drift, since nothing is ever subtracted. Errors as weir_reduce_by_key(); a length or slide that is no
 * multiple is an error at start (%WEIR_ERROR_GRAPH).
 *
 * Algorithm: two stacks per key (Tangwongsan et al., VLDB 2015), rebuilt in turn so that no slide is slow.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_reduce_by_key_and_window (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse, WeirTime length, WeirTime slide,
                               gpointer user_data)
{
  Params *params = g_new0 (Params, 1);
  WeirStream *stream;

  params->reduce = (WeirReduceParams){ f, user_data };
  stream = weir_stream_derive (s, &window_class, params);
  weir_stream_set_window (stream, length, slide);
  if (f == NULL)
    weir_stream_mistake (stream, "needs a function that combines two values, got NULL: pass one, or WEIR_SUM");
  return stream;
}

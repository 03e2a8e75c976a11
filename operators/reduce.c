/* Owns reduce: one value out of all elements of a batch. A task reduces what it sees, the one slice reduces the tasks'
 * values, in order of task. Both sides run on workers.
 *
 * Within a chunk the value so far stays where the function put it; at the chunk's end, and when the function has filled
 * much task memory, it moves into a cell, so that no reduction grows with the batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/reduce.h"

#include "engine/cells.h"
#include "operators/function.h"
#include "operators/returned.h"

#define SCRATCH_MOST ((gsize) 64 * 1024) /* of task memory, between two copies */

typedef struct {
  WeirCells cells;
  WeirValue value;
  gboolean has_value;
} Reduced;

void
weir_reduce_open (WeirTask *task)
{
  Reduced *reduced = g_new0 (Reduced, 1);

  weir_cells_init (&reduced->cells, task->task_run->run->memory);
  *(Reduced **) task->instance = reduced;
}

static WeirValue
keep (WeirTask *task, Reduced *reduced, WeirValue value)
{
  if (!weir_cells_replace (&reduced->cells, &reduced->value, value))
    weir_task_fail_memory (task);
  reduced->has_value = TRUE;
  return reduced->value;
}

/* WEIR_SUM over INTs from element @i on; returns where it stopped, which is where something else is to be done. */
static guint
sum_ints (const WeirChunk *in, guint i, WeirValue *value)
{
  if (in->keys != NULL || value->kind != WEIR_INT)
    return i;
  for (; i < in->n && in->values[i].kind == WEIR_INT; i++)
    if (__builtin_add_overflow (value->integer, in->values[i].integer, &value->integer)) {
      value->integer = (gint64) ((guint64) value->integer - (guint64) in->values[i].integer);
      break;
    }
  return i;
}

static void
reduce_rest (WeirTask *task, const WeirChunk *in, guint i, Reduced *reduced)
{
  const WeirFunction *function = task->op->params;
  WeirArena *scratch = &task->task_run->scratch;
  const WeirArena mark = *scratch;
  WeirValue value = reduced->value, cells[2];

  if (function->reduce == WEIR_SUM)
    i = sum_ints (in, i, &value);
  for (; i < in->n; i++) {
    const guint64 n_rejects = task->n_rejects_ever;
    WeirValue element = weir_chunk_element (in, i, cells), result;

    result = function->reduce (task, value, element, function->user_data);
    if (G_LIKELY (task->n_rejects_ever == n_rejects))
      value = weir_returned_take (task, result);
    else
      weir_task_settle (task, element);
    if (G_UNLIKELY (scratch->used - mark.used > SCRATCH_MOST)) {
      value = keep (task, reduced, value);
      weir_arena_rewind (scratch, &mark);
    }
  }
  keep (task, reduced, value);
}

void
weir_reduce_process (WeirTask *task, const WeirChunk *in)
{
  Reduced *reduced = *(Reduced **) task->instance;
  gboolean is_first = !reduced->has_value;
  WeirValue cells[2];

  if (is_first)
    keep (task, reduced, weir_chunk_element (in, 0, cells));
  weir_task_shield (task);
  reduce_rest (task, in, is_first ? 1 : 0, reduced);
  weir_task_unshield (task);
}

gpointer
weir_reduce_seal (WeirTask *task)
{
  return *(Reduced **) task->instance;
}

void
weir_reduced_free (gpointer data)
{
  weir_cells_clear (&((Reduced *) data)->cells);
  g_free (data);
}

gboolean
weir_reduce_outputs (WeirTask *task, const WeirExchange *exchange, WeirValue *value)
{
  const WeirFunction *function = task->op->params;
  gboolean has_value = FALSE;

  weir_task_shield (task);
  for (guint i = 0; i < exchange->n_outputs; i++) {
    const Reduced *reduced = exchange->outputs[i];
    const guint64 n_rejects = task->n_rejects_ever;
    WeirValue result = reduced->value;

    if (!reduced->has_value)
      continue;
    if (has_value)
      result = weir_returned_take (task, function->reduce (task, *value, reduced->value, function->user_data));
    if (G_LIKELY (task->n_rejects_ever == n_rejects))
      *value = result;
    else
      weir_task_settle (task, reduced->value); /* what its task has reduced, as a whole */
    has_value = TRUE;
  }
  weir_task_unshield (task);
  return has_value;
}

static gboolean
reduce_read (WeirTask *task, WeirReader *reader)
{
  WeirValue value;

  if (weir_reduce_outputs (task, reader->exchange, &value))
    weir_returned_emit (task, value);
  return FALSE;
}

static const WeirOpClass reduce_class = {
  .verb = "reduce",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_ONE_SLICE,
  .instance_size = sizeof (gpointer),
  .open = weir_reduce_open,
  .process = weir_reduce_process,
  .seal = weir_reduce_seal,
  .output_free = weir_reduced_free,
  .read = reduce_read,
};

/**
 * weir_reduce:
 * @s: the stream
 * @f: makes one value of two neighbours; associative, not necessarily commutative; it may return (part of) its
 * arguments. %WEIR_SUM, %WEIR_MIN, %WEIR_MAX, %WEIR_FIRST and %WEIR_LAST are ready-made
 * @user_data: handed to @f; shared by all workers
 *
 * A stream with one element a batch: all elements of @s in it, reduced in order of arrival, which is (partition,
 * position). A single element is emitted as it is; an empty batch emits nothing.
 *
 * |[<!-- language="C" -->
 * WeirStream *longest = weir_reduce (weir_map (lines, to_length, NULL), WEIR_MAX, NULL);
 * ]|
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_reduce (WeirStream *s, WeirReduceFunc f, gpointer user_data)
{
  return weir_stream_derive_function (s, &reduce_class, (WeirFunction){ .reduce = f, .user_data = user_data });
}

/* weir_aggregate_by_key_and_window (): the job's accumulators are BYTES to the window, which merges them as it would
 * reduce values; results are made of them as they leave. Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "engine/stream.h"
#include "operators/pairs.h"
#include "operators/returned.h"
#include "operators/window-slice.h"

#define SIZE_MOST (1024 * 1024)

typedef struct {
  WeirReduceParams reduce; /* first: the window merges with it; its user_data are these params */
  WeirAggregate aggregate;
  gpointer zeroes; /* an accumulator that is new */
} Params;

static gsize
accumulator_size (const WeirOp *op)
{
  return sizeof (WeirValue);
}

static gboolean
keep (WeirTask *task, WeirCombined *combined, WeirValue *kept, gconstpointer accumulator)
{
  const Params *params = task->op->params;
  gboolean ok = weir_cells_replace (&combined->cells, kept, weir_bytes (accumulator, params->aggregate.size));

  if (!ok)
    weir_task_fail_memory (task);
  return ok;
}

/* Accumulators change where they are kept: the cell is this table's own. */
static void
accumulator_add_value (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue *kept, WeirValue value,
                       gboolean is_new)
{
  const Params *params = task->op->params;

  if (!is_new || keep (task, combined, kept, params->zeroes))
    params->aggregate.add ((gpointer) kept->data, value, params->aggregate.user_data);
}

static void
accumulator_add (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value, gboolean is_new)
{
  accumulator_add_value (task, combined, slot, weir_slot_value (slot), value, is_new);
}

static void
accumulator_merge (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new)
{
  const Params *params = task->op->params;
  const WeirValue *later = weir_slot_value ((gpointer) from);
  WeirValue *kept = weir_slot_value (slot);

  if (is_new)
    keep (task, combined, kept, later->data);
  else
    params->aggregate.merge ((gpointer) kept->data, later->data, params->aggregate.user_data);
}

/* What a checkpoint gave back may have been saved by a program with another struct. FALSE: the task has failed. */
static gboolean
is_accumulator (WeirTask *task, const WeirAggregate *aggregate, WeirValue value)
{
  if (G_LIKELY (value.kind == WEIR_BYTES && value.size == aggregate->size))
    return TRUE;
  if (weir_task_is_going (task))
    weir_task_fail (task, WEIR_ERROR_ORPHAN_STATE,
                    "its window was saved with accumulators of %" G_GSIZE_FORMAT
                    " bytes, and the job has %" G_GSIZE_FORMAT
                    ": give the new ones another version, and the stream another uid",
                    weir_size (value), aggregate->size);
  return FALSE;
}

static WeirValue
accumulator_of (WeirTask *task, const WeirKey *slot)
{
  return *(const WeirValue *) weir_slot_value (slot);
}

static void
accumulator_restore (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue saved)
{
  const Params *params = task->op->params;

  if (is_accumulator (task, &params->aggregate, saved))
    keep (task, combined, weir_slot_value (slot), saved.data);
}

static const WeirFold accumulator_fold = {
  .value_size = accumulator_size,
  .add = accumulator_add,
  .merge = accumulator_merge,
  .result = accumulator_of,
  .restore = accumulator_restore,
  .add_value = accumulator_add_value,
};

/* What the window reduces with: @a is in another pane, too, and must stay. */
static WeirValue
merge_two (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  const WeirAggregate *aggregate = &((const Params *) user_data)->aggregate;
  gpointer merged = weir_alloc (task, aggregate->size);

  if (merged == NULL || !is_accumulator (task, aggregate, a) || !is_accumulator (task, aggregate, b))
    return weir_nil ();
  memcpy (merged, a.data, aggregate->size);
  aggregate->merge (merged, b.data, aggregate->user_data);
  return weir_bytes (merged, aggregate->size);
}

static WeirValue
finish (WeirTask *task, WeirValue accumulator, gpointer user_data)
{
  const WeirAggregate *aggregate = &((const Params *) user_data)->aggregate;

  if (!is_accumulator (task, aggregate, accumulator))
    return weir_nil ();
  return weir_returned_take (task, aggregate->result (task, accumulator.data, aggregate->user_data));
}

static void
window_open (WeirTask *task)
{
  weir_window_slice_write (task, &accumulator_fold);
}

static void
window_process (WeirTask *task, const WeirChunk *in)
{
  if (!weir_task_require_pairs (task, in))
    return;
  if (((WeirCombineInstance *) task->instance)->combined->columns != NULL)
    weir_columns_process (task, &accumulator_fold, in);
  else
    weir_combine_process (task, &accumulator_fold, in);
}

static void
window_advance (WeirTask *task, WeirReader *reader)
{
  weir_window_slice_advance (task, &accumulator_fold, reader);
}

static void
window_save (WeirTask *task, gpointer slice, guint index, WeirSaver *saver)
{
  weir_window_slice_save (task, &accumulator_fold, slice, index, saver);
}

static void
window_load (WeirTask *task, gpointer slice, guint index, const WeirSection *section)
{
  weir_window_slice_load (task, &accumulator_fold, slice, index, section);
}

static void
window_params_clear (gpointer params)
{
  g_free (((Params *) params)->zeroes);
}

static const WeirOpClass window_class = {
  .verb = "aggregate_by_key_and_window",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS | WEIR_OP_EVERY_BATCH,
  .instance_size = sizeof (WeirCombineInstance),
  .open = window_open,
  .process = window_process,
  .seal = weir_combine_seal,
  .output_free = weir_columns_output_free,
  .reader_size = sizeof (WeirWindowReader),
  .read = weir_window_slice_read,
  .slice_open = weir_window_slice_open,
  .slice_close = weir_window_slice_close,
  .advance = window_advance,
  .save = window_save,
  .load = window_load,
  .params_clear = window_params_clear,
};

static void
check (WeirStream *stream, const WeirAggregate *a)
{
  if (a->add == NULL || a->merge == NULL || a->result == NULL)
    weir_stream_mistake (stream, "needs add, merge and result functions: set all three in the WeirAggregate");
  if (a->size == 0 || a->size > SIZE_MOST)
    weir_stream_mistake (stream, "has an accumulator of %" G_GSIZE_FORMAT " bytes: give it 1 to %d", a->size,
                         SIZE_MOST);
}

/**
 * weir_aggregate_by_key_and_window:
 * @s: a stream of pairs
 * @a: the accumulator, as of weir_aggregate_by_key(); copied
 * @length: of the window: a multiple of the slide of @s
 * @slide: how often there is a result: a multiple of the slide of @s; 0: each time @s has a batch
 *
 * Each @slide one pair (key, result) for each key that has a record in the last @length. @a->merge joins what was
 * gathered in one part of the window with what was gathered later; @a->result is called once a key and slide. Costs and
 * errors as weir_reduce_by_key_and_window().
 *
 * |[<!-- language="C" -->
 * WeirStream *means = weir_aggregate_by_key_and_window (latencies, &mean, WEIR_MINUTES (5), WEIR_SECONDS (10));
 * ]|
 *
 * Called while the graph is built. The functions run on workers, for different keys at once.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */

/**
 * weir_aggregate_by_key_and_window_sized:
 * @s: as weir_aggregate_by_key_and_window()
 * @a: as there
 * @size: sizeof (WeirAggregate) as the caller knows it, so that fields can be appended
 * @length: as there
 * @slide: as there
 *
 * What the macro weir_aggregate_by_key_and_window() calls, for languages without macros.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_aggregate_by_key_and_window_sized (WeirStream *s, const WeirAggregate *a, gsize size, WeirTime length,
                                        WeirTime slide)
{
  Params *params = g_new0 (Params, 1);
  WeirStream *stream;

  params->reduce = (WeirReduceParams){ .f = merge_two, .user_data = params, .finish = finish };
  if (a != NULL)
    memcpy (&params->aggregate, a, MIN (size, sizeof params->aggregate));
  stream = weir_stream_derive (s, &window_class, params);
  stream->op.state_version = params->aggregate.version;
  check (stream, &params->aggregate);
  if (!stream->has_mistake)
    params->zeroes = g_malloc0 (params->aggregate.size);
  weir_stream_set_window (stream, length, slide);
  return stream;
}

/* weir_aggregate_by_key (): the job's own accumulator, a C struct that lives in the table's slot.
 * Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/dataset.h>

#include "engine/verb.h"
#include "operators/combine.h"
#include "operators/pairs.h"
#include "operators/returned.h"

/* Larger accumulators stand beside the table, so that walking through the slots stays cheap. */
#define INLINE_MOST 64
#define SIZE_MOST   (1024 * 1024)

static gsize
aggregate_size (const WeirOp *op)
{
  const WeirAggregate *aggregate = op->params;

  return aggregate->size <= INLINE_MOST ? aggregate->size : sizeof (gpointer);
}

static gpointer
accumulator (const WeirAggregate *aggregate, const WeirKey *slot)
{
  gpointer value = weir_slot_value (slot);

  return aggregate->size <= INLINE_MOST ? value : *(gpointer *) value;
}

/* A new slot's accumulator, zeroed. NULL: memory limit, the task has failed. */
static gpointer
make_accumulator (WeirTask *task, WeirCombined *combined, const WeirAggregate *aggregate, WeirKey *slot,
                  gboolean is_new)
{
  gpointer *place = weir_slot_value (slot);

  if (!is_new || aggregate->size <= INLINE_MOST)
    return accumulator (aggregate, slot);
  *place = weir_arena_alloc (&combined->cells.arena, aggregate->size);
  if (*place == NULL)
    weir_task_fail_memory (task);
  else
    memset (*place, 0, aggregate->size);
  return *place;
}

static void
aggregate_add (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value, gboolean is_new)
{
  const WeirAggregate *aggregate = task->op->params;
  gpointer acc = make_accumulator (task, combined, aggregate, slot, is_new);

  if (acc != NULL)
    aggregate->add (acc, value, aggregate->user_data);
}

static void
aggregate_merge (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new)
{
  const WeirAggregate *aggregate = task->op->params;
  gpointer acc = make_accumulator (task, combined, aggregate, slot, is_new);

  if (acc == NULL)
    return;
  if (is_new)
    memcpy (acc, accumulator (aggregate, from), aggregate->size);
  else
    aggregate->merge (acc, accumulator (aggregate, from), aggregate->user_data);
}

static WeirValue
aggregate_result (WeirTask *task, const WeirKey *slot)
{
  const WeirAggregate *aggregate = task->op->params;

  return weir_returned_take (task, aggregate->result (task, accumulator (aggregate, slot), aggregate->user_data));
}

static const WeirFold aggregate_fold = {
  .value_size = aggregate_size,
  .add = aggregate_add,
  .merge = aggregate_merge,
  .result = aggregate_result,
};

static void
aggregate_open (WeirTask *task)
{
  weir_combine_open (task, &aggregate_fold);
}

static void
aggregate_process (WeirTask *task, const WeirChunk *in)
{
  if (weir_task_require_pairs (task, in))
    weir_combine_process (task, &aggregate_fold, in);
}

static gboolean
aggregate_read (WeirTask *task, WeirReader *reader)
{
  return weir_combine_read (task, &aggregate_fold, reader);
}

static const WeirOpClass aggregate_class = {
  .verb = "aggregate_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (WeirCombineInstance),
  .open = aggregate_open,
  .process = aggregate_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .reader_size = sizeof (WeirCombineReader),
  .read = aggregate_read,
};

static WeirVerb
aggregate_verb (const WeirAggregate *a, gsize size)
{
  WeirAggregate *params = g_new0 (WeirAggregate, 1);
  WeirVerb verb = { .klass = &aggregate_class, .params = params };

  if (a != NULL)
    memcpy (params, a, MIN (size, sizeof *params));
  if (params->add == NULL || params->merge == NULL || params->result == NULL)
    verb.mistake = g_strdup ("needs add, merge and result functions: set all three in the WeirAggregate");
  else if (params->size == 0 || params->size > SIZE_MOST)
    verb.mistake =
        g_strdup_printf ("has an accumulator of %" G_GSIZE_FORMAT " bytes: give it 1 to %d", params->size, SIZE_MOST);
  return verb;
}

/**
 * weir_aggregate_by_key:
 * @s: a stream of pairs
 * @a: the accumulator's size and its functions; copied
 *
 * One pair (key, result) for each key of a batch. The accumulator is @a->size zeroed bytes, 8-aligned, without
 * pointers; @a->add takes in the values of a key within a task in order of arrival, @a->merge joins what later tasks
 * gathered, @a->result makes the value that is emitted: into task memory, or pointing to what outlives the context.
 * The functions run on workers, for different keys at once. A plain value in @s fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */

/**
 * weir_aggregate_by_key_sized:
 * @s: as weir_aggregate_by_key()
 * @a: as there
 * @size: sizeof (WeirAggregate) as the caller knows it, so that fields can be appended
 *
 * What the macro weir_aggregate_by_key() calls, for languages without macros.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_aggregate_by_key_sized (WeirStream *s, const WeirAggregate *a, gsize size)
{
  return weir_verb_on_stream (aggregate_verb (a, size), s);
}

/**
 * weir_dataset_aggregate_by_key:
 * @d: a dataset of pairs
 * @a: as of weir_aggregate_by_key(); copied
 *
 * weir_aggregate_by_key() of a dataset. Called on the runner, in a function of transform or foreach; runs when the
 * result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */

/**
 * weir_dataset_aggregate_by_key_sized:
 * @d: as of weir_dataset_aggregate_by_key()
 * @a: as there
 * @size: sizeof (WeirAggregate) as the caller knows it, so that fields can be appended
 *
 * What the macro weir_dataset_aggregate_by_key() calls, for languages without macros.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_aggregate_by_key_sized (WeirDataset *d, const WeirAggregate *a, gsize size)
{
  return weir_verb_on_dataset (aggregate_verb (a, size), d);
}

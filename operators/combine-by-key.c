/* weir_combine_by_key (): accumulators that are values, made and merged by the job's functions.
 * Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/dataset.h>

#include "engine/verb.h"
#include "operators/combine.h"
#include "operators/pairs.h"

static gsize
combiner_size (const WeirOp *op)
{
  return sizeof (WeirValue);
}

/* @mark: of task memory before the job's function made @result. */
static void
keep (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue result, const WeirArena *mark)
{
  weir_reduce_take (task, &combined->cells, weir_slot_value (slot), result, mark);
}

static WeirValue
combiner_create (WeirTask *task, WeirValue value)
{
  const WeirCombiner *combiner = task->op->params;

  return combiner->create (task, value, combiner->user_data);
}

static void
combiner_add (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value, gboolean is_new)
{
  const WeirCombiner *combiner = task->op->params;
  const WeirArena mark = task->task_run->scratch;
  const guint64 n_rejects = task->n_rejects_ever;
  const WeirValue *kept = weir_slot_value (slot);

  if (!is_new)
    value = combiner->merge_value (task, *kept, value, combiner->user_data);
  if (G_LIKELY (task->n_rejects_ever == n_rejects))
    keep (task, combined, slot, value, &mark);
}

static void
combiner_merge (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new)
{
  const WeirCombiner *combiner = task->op->params;
  const WeirArena mark = task->task_run->scratch;
  const guint64 n_rejects = task->n_rejects_ever;
  const WeirValue *kept = weir_slot_value (slot);
  WeirValue later = *(const WeirValue *) weir_slot_value (from);

  if (!is_new)
    later = combiner->merge_combiners (task, *kept, later, combiner->user_data);
  if (G_LIKELY (task->n_rejects_ever == n_rejects))
    keep (task, combined, slot, later, &mark);
}

static WeirValue
combiner_result (WeirTask *task, const WeirKey *slot)
{
  return *(const WeirValue *) weir_slot_value (slot);
}

static const WeirFold combiner_fold = {
  .value_size = combiner_size,
  .add = combiner_add,
  .merge = combiner_merge,
  .result = combiner_result,
  .create = combiner_create,
};

static void
combiner_open (WeirTask *task)
{
  weir_combine_open (task, &combiner_fold);
}

static void
combiner_process (WeirTask *task, const WeirChunk *in)
{
  if (weir_task_require_pairs (task, in))
    weir_combine_process (task, &combiner_fold, in);
}

static gboolean
combiner_read (WeirTask *task, WeirReader *reader)
{
  return weir_combine_read (task, &combiner_fold, reader);
}

static const WeirOpClass combine_by_key_class = {
  .verb = "combine_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (WeirCombineInstance),
  .open = combiner_open,
  .process = combiner_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .reader_size = sizeof (WeirCombineReader),
  .read = combiner_read,
};

static WeirVerb
combine_verb (const WeirCombiner *c, gsize size)
{
  WeirCombiner *params = g_new0 (WeirCombiner, 1);
  WeirVerb verb = { .klass = &combine_by_key_class, .params = params };

  if (c != NULL)
    memcpy (params, c, MIN (size, sizeof *params));
  if (params->create == NULL || params->merge_value == NULL || params->merge_combiners == NULL)
    verb.mistake =
        g_strdup ("needs create, merge_value and merge_combiners functions: set all three in the WeirCombiner");
  return verb;
}

/**
 * weir_combine_by_key:
 * @s: a stream of pairs
 * @c: how accumulators begin, take in values and merge; copied
 *
 * One pair (key, accumulator) for each key of a batch. Within a task @c->create makes an accumulator of a key's first
 * value and @c->merge_value takes in the others, in order of arrival; @c->merge_combiners joins the accumulators of
 * tasks, in order of task. What they return may point into their arguments, into task memory or into memory that
 * outlives the context; it is copied. Where the accumulator is a C struct, weir_aggregate_by_key() copies nothing.
 * The functions run on workers, for different keys at once. A plain value in @s fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */

/**
 * weir_combine_by_key_sized:
 * @s: as weir_combine_by_key()
 * @c: as there
 * @size: sizeof (WeirCombiner) as the caller knows it, so that fields can be appended
 *
 * What the macro weir_combine_by_key() calls, for languages without macros.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_combine_by_key_sized (WeirStream *s, const WeirCombiner *c, gsize size)
{
  return weir_verb_on_stream (combine_verb (c, size), s);
}

/**
 * weir_dataset_combine_by_key:
 * @d: a dataset of pairs
 * @c: as of weir_combine_by_key(); copied
 *
 * weir_combine_by_key() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result
 * is asked for.
 *
 * Returns: (transfer none): the new dataset
 */

/**
 * weir_dataset_combine_by_key_sized:
 * @d: as of weir_dataset_combine_by_key()
 * @c: as there
 * @size: sizeof (WeirCombiner) as the caller knows it, so that fields can be appended
 *
 * What the macro weir_dataset_combine_by_key() calls, for languages without macros.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_combine_by_key_sized (WeirDataset *d, const WeirCombiner *c, gsize size)
{
  return weir_verb_on_dataset (combine_verb (c, size), d);
}

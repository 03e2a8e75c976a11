/* weir_reduce_by_key (), weir_count_by_key (), weir_count_by_value (): folding values, or ones, by key.
 * Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/dataset.h>

#include "engine/verb.h"
#include "operators/combine-sum.h"
#include "operators/pairs.h"
#include "operators/split-sum.h"

static void
sum_open (WeirTask *task)
{
  weir_combine_open (task, &weir_fold_sum);
}

static void
sum_process (WeirTask *task, const WeirChunk *in)
{
  if (weir_task_require_pairs (task, in))
    weir_sum_process_pairs (task, in);
}

static gboolean
sum_read (WeirTask *task, WeirReader *reader)
{
  return weir_combine_read (task, &weir_fold_sum, reader);
}

static const WeirOpClass sum_class = {
  .verb = "reduce_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (WeirCombineInstance),
  .open = sum_open,
  .process = sum_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .fuse = weir_split_sum_fuse,
  .reader_size = sizeof (WeirCombineReader),
  .read = sum_read,
};

static void
count_by_key_process (WeirTask *task, const WeirChunk *in)
{
  if (weir_task_require_pairs (task, in))
    weir_sum_process_ones (task, in->keys, in->n);
}

static void
count_by_value_process (WeirTask *task, const WeirChunk *in)
{
  WeirValue pairs[WEIR_CHUNK_SIZE], cells[WEIR_CHUNK_SIZE][2];

  if (in->keys == NULL) {
    weir_sum_process_ones (task, in->values, in->n);
    return;
  }
  for (guint from = 0; from < in->n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    guint n = MIN (in->n - from, WEIR_CHUNK_SIZE);

    for (guint i = 0; i < n; i++)
      pairs[i] = weir_chunk_element (in, from + i, cells[i]);
    weir_sum_process_ones (task, pairs, n);
  }
}

static const WeirOpClass count_by_key_class = {
  .verb = "count_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (WeirCombineInstance),
  .open = sum_open,
  .process = count_by_key_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .reader_size = sizeof (WeirCombineReader),
  .read = sum_read,
};

static const WeirOpClass count_by_value_class = {
  .verb = "count_by_value",
  .kind = WEIR_OP_WIDE,
  .instance_size = sizeof (WeirCombineInstance),
  .open = sum_open,
  .process = count_by_value_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .fuse = weir_split_count_fuse,
  .reader_size = sizeof (WeirCombineReader),
  .read = sum_read,
};

static gsize
value_size (const WeirOp *op)
{
  return sizeof (WeirValue);
}

static void
keep (WeirTask *task, WeirCombined *combined, WeirValue *kept, WeirValue value)
{
  if (G_UNLIKELY (!weir_cells_replace (&combined->cells, kept, value)))
    weir_task_fail_memory (task);
}

static void
value_add_value (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue *kept, WeirValue value,
                 gboolean is_new)
{
  const WeirReduceParams *params = task->op->params;
  const WeirArena mark = task->task_run->scratch;

  if (is_new || params->f == WEIR_LAST)
    keep (task, combined, kept, value);
  else if (params->f != WEIR_FIRST)
    weir_reduce_into (task, &combined->cells, kept, *kept, value, &mark);
}

static void
value_add (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value, gboolean is_new)
{
  value_add_value (task, combined, slot, weir_slot_value (slot), value, is_new);
}

static void
value_merge (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new)
{
  value_add (task, combined, slot, *(const WeirValue *) weir_slot_value (from), is_new);
}

static WeirValue
value_result (WeirTask *task, const WeirKey *slot)
{
  return *(const WeirValue *) weir_slot_value (slot);
}

const WeirFold weir_fold_value = {
  .value_size = value_size,
  .add = value_add,
  .merge = value_merge,
  .result = value_result,
  .add_value = value_add_value,
};

static void
value_open (WeirTask *task)
{
  weir_combine_open (task, &weir_fold_value);
}

static void
value_process (WeirTask *task, const WeirChunk *in)
{
  if (weir_task_require_pairs (task, in))
    weir_combine_process (task, &weir_fold_value, in);
}

static gboolean
value_read (WeirTask *task, WeirReader *reader)
{
  return weir_combine_read (task, &weir_fold_value, reader);
}

static const WeirOpClass value_class = {
  .verb = "reduce_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (WeirCombineInstance),
  .open = value_open,
  .process = value_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .reader_size = sizeof (WeirCombineReader),
  .read = value_read,
};

static WeirVerb
reduce_verb (WeirReduceFunc f, gpointer user_data)
{
  WeirReduceParams params = { f, user_data };
  WeirVerb verb = { .klass = f == WEIR_SUM ? &sum_class : &value_class };

  verb.params = g_memdup2 (&params, sizeof params);
  if (f == NULL)
    verb.mistake = g_strdup ("needs a function that combines two values, got NULL: pass one, or WEIR_SUM");
  return verb;
}

/**
 * weir_reduce_by_key:
 * @s: a stream of pairs
 * @f: (scope notified): combines two values of one key; associative, not necessarily commutative: @a came before @b
 * @user_data: for @f
 *
 * One pair (key, combined value) for each key of a batch. Values are combined within each task first, then across
 * tasks, in order of arrival. %WEIR_SUM and its kin run without a call per record; %WEIR_SUM fails the batch with
 * %WEIR_ERROR_OVERFLOW where a sum does not fit, and with %WEIR_ERROR_KIND for what is not a number. A plain value in
 * @s fails it with %WEIR_ERROR_KIND.
 *
 * @f runs on workers, for different keys at once.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_reduce_by_key (WeirStream *s, WeirReduceFunc f, gpointer user_data)
{
  return weir_verb_on_stream (reduce_verb (f, user_data), s);
}

/**
 * weir_dataset_reduce_by_key:
 * @d: a dataset of pairs
 * @f: (scope notified): as of weir_reduce_by_key()
 * @user_data: for @f
 *
 * weir_reduce_by_key() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is
 * asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_reduce_by_key (WeirDataset *d, WeirReduceFunc f, gpointer user_data)
{
  return weir_verb_on_dataset (reduce_verb (f, user_data), d);
}

/**
 * weir_count_by_key:
 * @s: a stream of pairs
 *
 * One pair (key, INT) for each key of a batch: how many pairs had it.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_count_by_key (WeirStream *s)
{
  return weir_stream_derive (s, &count_by_key_class, NULL);
}

/**
 * weir_count_by_value:
 * @s: any stream
 *
 * One pair (element, INT) for each different element of a batch: how often it occurs. Recognised behind weir_split().
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_count_by_value (WeirStream *s)
{
  return weir_stream_derive (s, &count_by_value_class, NULL);
}

/**
 * weir_dataset_count_by_value:
 * @d: a dataset
 *
 * weir_count_by_value() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result
 * is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_count_by_value (WeirDataset *d)
{
  return weir_verb_on_dataset ((WeirVerb){ .klass = &count_by_value_class }, d);
}

/* What a job may ask of a dataset: count, collect, take, foreach_partition.
 *
 * Owns the forms that answers take. Must not know how a dataset is computed. Called on the runner, inside foreach and
 * transform functions; the stages behind them run on workers. What is asked for is kept, so that it is computed once;
 * take on a dataset that nobody else asks for holds the first elements only.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/output.h>

#include "engine/dataset.h"
#include "engine/iter.h"
#include "engine/stage.h"

#define MOST_IN_ARRAY ((gsize) 1 << 30) /* GArray counts in 32 bits, and doubles */

/**
 * weir_dataset_n_partitions:
 * @d: the dataset
 *
 * Returns: how many partitions it has; may run what that depends on; 0 if that fails, and then the batch fails
 */
guint
weir_dataset_n_partitions (WeirDataset *d)
{
  g_autoptr (GError) error = NULL;
  guint n = 0;

  g_return_val_if_fail (d != NULL, 0);
  if (!weir_dataset_is_valid (d, NULL))
    return 0;
  return weir_dataset_count_partitions (d, &n, &error) ? n : 0;
}

static gsize
count_elements (WeirPartition *const *partitions, guint n_partitions)
{
  gsize n = 0;

  for (guint i = 0; i < n_partitions; i++)
    n += partitions[i] != NULL ? partitions[i]->n_elements : 0;
  return n;
}

/**
 * weir_dataset_count:
 * @d: the dataset
 * @count: (out): the number of its elements
 * @error: why the batch failed
 *
 * Computes the dataset and counts it. Blocks while the workers run.
 *
 * Returns: %TRUE if @count is set
 */
gboolean
weir_dataset_count (WeirDataset *d, gsize *count, GError **error)
{
  g_return_val_if_fail (d != NULL && count != NULL, FALSE);
  if (!weir_dataset_is_valid (d, error) || !weir_dataset_keep (d, error))
    return FALSE;
  *count = count_elements (d->partitions, d->n_partitions);
  return TRUE;
}

/* Appends elements up to @most in all; pairs get cells that live as long as the batch. */
static gboolean
append_chunk (WeirRun *run, GArray *out, const WeirChunk *chunk, gsize most, GError **error)
{
  guint n = (guint) MIN (chunk->n, most - out->len);
  WeirValue *cells;

  if (chunk->keys == NULL) {
    g_array_append_vals (out, chunk->values, n);
    return TRUE;
  }
  cells = weir_arena_alloc (&run->results, (gsize) n * 2 * sizeof *cells);
  if (cells == NULL) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                 "collecting %" G_GSIZE_FORMAT " bytes of pairs would pass memory.limit: raise it, or take fewer",
                 (gsize) n * 32);
    return FALSE;
  }
  for (guint i = 0; i < n; i++, cells += 2) {
    WeirValue pair = WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);

    cells[0] = chunk->keys[i];
    cells[1] = chunk->values[i];
    g_array_append_val (out, pair);
  }
  return TRUE;
}

static gboolean
append_partition (WeirRun *run, GArray *out, const WeirPartition *partition, gsize most, GError **error)
{
  for (guint i = 0; i < partition->chunks->len && out->len < most; i++)
    if (!append_chunk (run, out, &g_array_index (partition->chunks, WeirChunk, i), most, error))
      return FALSE;
  return TRUE;
}

static GArray *
gather (WeirRun *run, WeirPartition **partitions, guint n_partitions, gsize most, GError **error)
{
  gsize n = MIN (count_elements (partitions, n_partitions), most);
  g_autoptr (GArray) out = NULL;

  if (n > MOST_IN_ARRAY) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                 "%" G_GSIZE_FORMAT " elements are more than an array holds: take fewer, or go partition by partition",
                 n);
    return NULL;
  }
  out = g_array_sized_new (FALSE, FALSE, sizeof (WeirValue), (guint) n);
  for (guint i = 0; i < n_partitions && out->len < most; i++)
    if (partitions[i] != NULL && !append_partition (run, out, partitions[i], most, error))
      return NULL;
  return g_steal_pointer (&out);
}

/**
 * weir_dataset_collect:
 * @d: the dataset
 * @error: why the batch failed
 *
 * Computes the dataset and gives all of its elements, in order of partition and position. Blocks while the workers run.
 *
 * Returns: (transfer full) (element-type WeirValue) (nullable): the elements, which are valid as long as @d; free with
 * g_array_unref()
 */
GArray *
weir_dataset_collect (WeirDataset *d, GError **error)
{
  g_return_val_if_fail (d != NULL, NULL);
  if (!weir_dataset_is_valid (d, error) || !weir_dataset_keep (d, error))
    return NULL;
  return gather (weir_dataset_run_of (d), d->partitions, d->n_partitions, G_MAXSIZE, error);
}

/* The terminal of take: the first elements of each partition; the rest is computed, since others count on it, and let
 * go. */
typedef struct {
  WeirPartition *partition;
} Head;

static void
head_open (WeirTask *task)
{
  ((Head *) task->instance)->partition = weir_partition_new (task->task_run->run->memory);
}

static void
head_process (WeirTask *task, const WeirChunk *in)
{
  WeirPartition *partition = ((Head *) task->instance)->partition;
  gsize most = *(const gsize *) task->op->params;
  WeirChunk part = *in;

  if (partition->n_elements >= most)
    return;
  part.n = (guint) MIN (in->n, most - partition->n_elements);
  if (!weir_partition_append (partition, &part, TRUE))
    weir_task_fail_memory (task);
}

static gpointer
head_seal (WeirTask *task)
{
  return ((Head *) task->instance)->partition;
}

static const WeirOpClass head_class = {
  .verb = "take",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (Head),
  .open = head_open,
  .process = head_process,
  .seal = head_seal,
};

/* Partitions that live as long as the batch. */
static void
keep_for_batch (WeirRun *run, WeirPartition **partitions, guint n)
{
  if (run->held == NULL)
    run->held = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_partition_unref);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (run->held, partitions[i]);
}

/**
 * weir_dataset_take:
 * @d: the dataset
 * @n: how many elements at most
 * @error: why the batch failed
 *
 * Gives the first elements in order of partition and position. Blocks while the workers run. All of the dataset is
 * computed, so that errors, rejected records and counters do not depend on how many elements are looked at.
 *
 * Returns: (transfer full) (element-type WeirValue) (nullable): the elements, which are valid as long as @d; free with
 * g_array_unref()
 */
GArray *
weir_dataset_take (WeirDataset *d, gsize n, GError **error)
{
  WeirOp head = { .klass = &head_class, .params = &n };
  g_autofree WeirPartition **partitions = NULL;
  guint n_partitions;
  gboolean ok;

  g_return_val_if_fail (d != NULL, NULL);
  if (!weir_dataset_is_valid (d, error))
    return NULL;
  head.name = d->op->name;
  if ((d->n_uses > 1 || d->n_handed > 0) && !weir_dataset_keep (d, error))
    return NULL;
  if (d->is_kept)
    return gather (weir_dataset_run_of (d), d->partitions, d->n_partitions, n, error);
  ok = weir_dataset_run (d, &head, (gpointer **) &partitions, &n_partitions, error);
  keep_for_batch (d->run, partitions, n_partitions);
  return ok ? gather (d->run, partitions, n_partitions, n, error) : NULL;
}

/* The terminal of foreach_partition: the job's function pulls the partition through. */
typedef struct {
  WeirPartitionFunc f;
  gpointer user_data;
} Foreach;

static void
foreach_open (WeirTask *task)
{
  weir_iter_init (task->instance, task);
}

static void
foreach_process (WeirTask *task, const WeirChunk *in)
{
  weir_iter_queue (task->instance, in);
}

static void
foreach_end (WeirTask *task)
{
  const Foreach *params = task->op->params;

  params->f (task, task->instance, params->user_data);
}

static const WeirOpClass foreach_class = {
  .verb = "foreach_partition",
  .kind = WEIR_OP_TERMINAL,
  .flags = WEIR_OP_PULLS,
  .instance_size = sizeof (WeirIter),
  .open = foreach_open,
  .process = foreach_process,
  .end = foreach_end,
};

/**
 * weir_dataset_foreach_partition:
 * @d: the dataset
 * @f: (scope call): called once for each partition, empty ones too, on workers, several at once
 * @user_data: for @f
 * @error: why the batch failed
 *
 * Has a function pull each partition. Blocks until all are done.
 *
 * Returns: %TRUE if no call failed
 */
gboolean
weir_dataset_foreach_partition (WeirDataset *d, WeirPartitionFunc f, gpointer user_data, GError **error)
{
  Foreach params = { f, user_data };
  WeirOp terminal = { .klass = &foreach_class, .params = &params };
  g_autofree gpointer *outputs = NULL;
  guint n;

  g_return_val_if_fail (d != NULL && f != NULL, FALSE);
  if (!weir_dataset_is_valid (d, error))
    return FALSE;
  terminal.name = d->op->name;
  return weir_dataset_run (d, &terminal, &outputs, &n, error);
}

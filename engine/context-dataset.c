/* Datasets that no stream made: weir_dataset_new (), for a batch, and weir_context_dataset (), for as long as the
 * context.
 *
 * Owns their elements, deep copies. The context's have memory of their own, so that they can be made before the context
 * starts; they are immutable but for what an operator hangs on them, on the runner (WeirDataset.index, words).
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/dataset.h>

#include "engine/engine.h"
#include "engine/verb.h"

static const WeirOpClass values_class = {
  .verb = "dataset",
  .kind = WEIR_OP_SOURCE,
};

typedef struct {
  WeirDataset dataset;
  WeirMemory *memory;
} ContextDataset;

/* The next elements of one shape, at most a chunk of them. */
static guint
next_chunk (const WeirValue *values, gsize n, WeirValue *keys, WeirValue *plain)
{
  gboolean has_keys = values[0].kind == WEIR_PAIR;
  guint i = 0;

  for (; i < n && i < WEIR_CHUNK_SIZE && (values[i].kind == WEIR_PAIR) == has_keys; i++) {
    keys[i] = has_keys ? values[i].cells[0] : weir_nil ();
    plain[i] = has_keys ? values[i].cells[1] : values[i];
  }
  return i;
}

/* NULL: memory limit. */
static WeirPartition *
partition_of (WeirMemory *memory, const WeirValue *values, gsize n)
{
  WeirPartition *partition = weir_partition_new (memory);
  WeirValue keys[WEIR_CHUNK_SIZE], plain[WEIR_CHUNK_SIZE];

  for (gsize at = 0; at < n;) {
    guint some = next_chunk (values + at, n - at, keys, plain);
    WeirChunk chunk = { values[at].kind == WEIR_PAIR ? keys : NULL, plain, some };

    if (!weir_partition_append (partition, &chunk, TRUE)) {
      weir_partition_unref (partition);
      return NULL;
    }
    at += some;
  }
  return partition;
}

/* Partition i holds values i * n / n_partitions up to (i + 1) * n / n_partitions. FALSE: memory limit. */
static gboolean
set_values (WeirDataset *dataset, WeirMemory *memory, const WeirValue *values, gsize n, guint n_partitions)
{
  dataset->is_kept = TRUE;
  dataset->partitions = g_new0 (WeirPartition *, n_partitions);
  for (guint i = 0; i < n_partitions; i++) {
    gsize from = (gsize) ((unsigned __int128) n * i / n_partitions);
    gsize until = (gsize) ((unsigned __int128) n * (i + 1) / n_partitions);

    dataset->partitions[i] = partition_of (memory, values + from, until - from);
    if (dataset->partitions[i] == NULL)
      return FALSE;
    dataset->n_partitions++;
  }
  return TRUE;
}

WeirRun *
weir_dataset_run_of (const WeirDataset *dataset)
{
  WeirEngine *engine;

  if (dataset->run != NULL || dataset->ctx == NULL)
    return dataset->run;
  engine = __atomic_load_n (&dataset->ctx->runner, __ATOMIC_ACQUIRE);
  return engine != NULL ? weir_runner_run (engine) : NULL;
}

gboolean
weir_dataset_is_valid (const WeirDataset *dataset, GError **error)
{
  if (weir_dataset_run_of (dataset) != NULL)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_USER, "%s",
               dataset->ctx != NULL
                   ? "a context's dataset answers in functions of transform and foreach only: ask there"
                   : "the dataset's batch is over: use the one that the function was given");
  return FALSE;
}

static void
context_dataset_free (gpointer data)
{
  ContextDataset *self = data;

  if (self->dataset.index != NULL)
    self->dataset.index_free (self->dataset.index);
  if (self->dataset.words != NULL)
    self->dataset.words_free (self->dataset.words);
  weir_dataset_clear (&self->dataset);
  weir_memory_free (self->memory);
  g_free (self);
}

/**
 * weir_context_dataset:
 * @ctx: the context
 * @values: (array length=n): the elements; copied with all that they point to
 * @n: how many
 * @n_partitions: into how many partitions they are divided; 0: one
 *
 * A dataset that lives as long as the context, for functions of transform and foreach: a table to join with, a list of
 * what is known. In joins with what streams hold it is hashed by key once, not in each batch. Its memory does not count
 * for `memory.limit`. It answers weir_dataset_count() and its kin in functions of transform and foreach only. Any
 * thread; before or after start.
 *
 * |[<!-- language="C" -->
 * WeirValue spam[] = { WEIR_PAIR_OF (weir_text ("192.0.2.1"), weir_bool (TRUE)) };
 * WeirDataset *known = weir_context_dataset (ctx, spam, 1, 1);
 * ]|
 *
 * Returns: (transfer none): the dataset; owned by the context
 */
WeirDataset *
weir_context_dataset (WeirContext *ctx, const WeirValue *values, gsize n, guint n_partitions)
{
  ContextDataset *self;
  WeirOp *op;

  g_return_val_if_fail (ctx != NULL && (values != NULL || n == 0), NULL);
  self = g_new0 (ContextDataset, 1);
  self->memory = weir_memory_new (G_MAXSIZE);
  self->dataset.ctx = ctx;
  self->dataset.op = op = g_new0 (WeirOp, 1);
  self->dataset.owns_op = TRUE;
  op->klass = &values_class;
  op->name = g_strdup ("weir_context_dataset");
  if (!set_values (&self->dataset, self->memory, values, n, MAX (n_partitions, 1)))
    g_error ("weir_context_dataset (): no memory for a copy of %" G_GSIZE_FORMAT " values", n);
  weir_context_own (ctx, self, context_dataset_free);
  return &self->dataset;
}

/**
 * weir_dataset_new:
 * @near: a dataset of the batch
 * @values: (array length=n): the elements; copied with all that they point to
 * @n: how many
 *
 * A dataset of one partition that lives as long as @near, for functions of transform and foreach. Called on the runner,
 * in such a function. Beyond `memory.limit` the batch fails with %WEIR_ERROR_MEMORY_LIMIT.
 *
 * Returns: (transfer none): the dataset
 */
WeirDataset *
weir_dataset_new (WeirDataset *near, const WeirValue *values, gsize n)
{
  WeirVerb verb = { .klass = &values_class };
  WeirDataset *dataset;
  WeirRun *run;

  g_return_val_if_fail (near != NULL && (values != NULL || n == 0), NULL);
  if (near->ctx != NULL)
    return weir_context_dataset (near->ctx, values, n, 1);
  run = weir_dataset_run_of (near);
  if (run == NULL)
    return near;
  dataset = weir_verb_on_datasets (verb, &near, 1);
  near->n_uses--; /* nothing is read from it */
  if (!set_values (dataset, run->memory, values, n, 1))
    weir_run_take_error (run, g_error_new (WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                                           "%s: a copy of %" G_GSIZE_FORMAT
                                           " values would pass memory.limit: raise it, or give fewer",
                                           dataset->op->name, n));
  return dataset;
}

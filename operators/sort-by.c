/* Owns sort_by: all elements of a dataset in one order, cut into partitions of one size. Runs on the runner, which has
 * the workers gather, sort (operators/sort.h) and write partitions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/dataset.h>
#include <weir/error.h>

#include "engine/verb.h"
#include "operators/sort.h"

/* Elements are sorted as values, pairs as cells in a block of their own; INTs in weir_compare ()'s order as what they
 * are. */
typedef struct {
  WeirDataset *dataset;
  const WeirOrder *order;
  WeirPartition *const *inputs;
  guint n_inputs;
  gsize *starts; /* of each input; the last one is the number of all elements */
  gboolean are_ints;
  gsize width;          /* bytes of an element */
  WeirBlock *blocks[2]; /* elements, and as much room */
  WeirBlock *cells;     /* of pairs */
  gpointer sorted;      /* one of the two */
} SortBy;

static gboolean
are_ints (const WeirPartition *partition)
{
  for (guint i = 0; i < partition->chunks->len; i++) {
    const WeirChunk *chunk = &g_array_index (partition->chunks, WeirChunk, i);

    if (chunk->keys != NULL)
      return FALSE;
    for (guint k = 0; k < chunk->n; k++)
      if (chunk->values[k].kind != WEIR_INT)
        return FALSE;
  }
  return TRUE;
}

static gboolean
has_pairs (const WeirPartition *partition)
{
  for (guint i = 0; i < partition->chunks->len; i++)
    if (g_array_index (partition->chunks, WeirChunk, i).keys != NULL)
      return TRUE;
  return FALSE;
}

static void
look_at_inputs (SortBy *self)
{
  gsize n = 0;

  self->starts = g_new (gsize, self->n_inputs + 1);
  self->are_ints = self->order->compare == NULL;
  for (guint i = 0; i < self->n_inputs; i++) {
    self->starts[i] = n;
    n += self->inputs[i]->n_elements;
    self->are_ints = self->are_ints && are_ints (self->inputs[i]);
  }
  self->starts[self->n_inputs] = n;
  self->width = self->are_ints ? sizeof (gint64) : sizeof (WeirValue);
}

static gboolean
allocate (SortBy *self)
{
  WeirMemory *memory = self->dataset->run->memory;
  gsize n = self->starts[self->n_inputs];
  gboolean needs_cells = FALSE;

  for (guint i = 0; i < self->n_inputs; i++)
    needs_cells |= has_pairs (self->inputs[i]);
  if (n > G_MAXSSIZE / (2 * sizeof (WeirValue)))
    return FALSE;
  for (guint i = 0; i < 2; i++) {
    self->blocks[i] = weir_block_new (memory, n * self->width);
    if (self->blocks[i] == NULL)
      return FALSE;
  }
  if (needs_cells)
    self->cells = weir_block_new (memory, 2 * n * sizeof (WeirValue));
  return !needs_cells || self->cells != NULL;
}

static void
gather_ints (const WeirChunk *chunk, gint64 *out)
{
  for (guint i = 0; i < chunk->n; i++)
    out[i] = chunk->values[i].integer;
}

static void
gather_values (const WeirChunk *chunk, WeirValue *out, WeirValue *cells)
{
  if (chunk->keys == NULL)
    memcpy (out, chunk->values, chunk->n * sizeof *out);
  for (guint i = 0; i < chunk->n && chunk->keys != NULL; i++, cells += 2) {
    cells[0] = chunk->keys[i];
    cells[1] = chunk->values[i];
    out[i] = WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  }
}

static void
gather_task (guint task, guint worker, gpointer data)
{
  const SortBy *self = data;
  const GArray *chunks = self->inputs[task]->chunks;
  WeirValue *cells = self->cells != NULL ? (WeirValue *) self->cells->data : NULL;
  gsize at = self->starts[task];

  for (guint i = 0; i < chunks->len; i++) {
    const WeirChunk *chunk = &g_array_index (chunks, WeirChunk, i);

    if (self->are_ints)
      gather_ints (chunk, (gint64 *) self->blocks[0]->data + at);
    else
      gather_values (chunk, (WeirValue *) self->blocks[0]->data + at, cells != NULL ? cells + 2 * at : NULL);
    at += chunk->n;
  }
}

/* The next elements of one shape, from @at to before @end, at most a chunk of them. */
static guint
list_elements (const SortBy *self, gsize at, gsize end, WeirValue *keys, WeirValue *values)
{
  const WeirValue *sorted = self->sorted;
  guint most = (guint) MIN (end - at, WEIR_CHUNK_SIZE), n = 0;
  gboolean has_keys;

  for (; self->are_ints && n < most; n++)
    values[n] = weir_int (((const gint64 *) self->sorted)[at + n]);
  if (self->are_ints)
    return n;
  has_keys = sorted[at].kind == WEIR_PAIR;
  for (; n < most && (sorted[at + n].kind == WEIR_PAIR) == has_keys; n++) {
    keys[n] = has_keys ? sorted[at + n].cells[0] : sorted[at + n];
    values[n] = has_keys ? sorted[at + n].cells[1] : sorted[at + n];
  }
  return n;
}

static void
write_task (guint task, guint worker, gpointer data)
{
  const SortBy *self = data;
  const WeirDataset *dataset = self->dataset;
  gsize n = self->starts[self->n_inputs];
  gsize end = weir_sort_cut (n, task + 1, dataset->n_partitions);
  WeirValue keys[WEIR_CHUNK_SIZE], values[WEIR_CHUNK_SIZE];
  WeirPartition *partition = weir_partition_new (dataset->run->memory);
  guint some;

  dataset->partitions[task] = partition;
  for (gsize at = weir_sort_cut (n, task, dataset->n_partitions); at < end; at += some) {
    gboolean has_keys = !self->are_ints && ((const WeirValue *) self->sorted)[at].kind == WEIR_PAIR;

    some = list_elements (self, at, end, keys, values);
    if (!weir_partition_append (partition, &(WeirChunk){ has_keys ? keys : NULL, values, some }, FALSE)) {
      weir_run_take_error (dataset->run,
                           g_error_new (WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                                        "%s: sorting %" G_GSIZE_FORMAT
                                        " elements would pass memory.limit: raise it, or take fewer records a batch",
                                        dataset->op->name, n));
      return;
    }
  }
}

static void
sort_all (SortBy *self)
{
  WeirWorkers *workers = self->dataset->run->workers;
  gsize n = self->starts[self->n_inputs];

  weir_workers_run (workers, self->n_inputs, FALSE, gather_task, self);
  if (self->are_ints)
    self->sorted = weir_sort_ints (workers, (gint64 *) self->blocks[0]->data, (gint64 *) self->blocks[1]->data, n);
  else
    self->sorted = weir_sort_values (workers, self->order, (WeirValue *) self->blocks[0]->data,
                                     (WeirValue *) self->blocks[1]->data, n);
  self->dataset->n_partitions = self->dataset->op->n_slices;
  self->dataset->partitions = g_new0 (WeirPartition *, self->dataset->n_partitions);
  weir_workers_run (workers, self->dataset->n_partitions, FALSE, write_task, self);
}

static void
sort_clear (SortBy *self)
{
  for (guint i = 0; i < 2; i++)
    if (self->blocks[i] != NULL)
      weir_block_unref (self->blocks[i]);
  if (self->cells != NULL)
    weir_block_unref (self->cells);
  g_free (self->starts);
}

static gboolean
sort_compute (WeirDataset *dataset, GError **error)
{
  WeirDataset *parent = dataset->parents[0];
  SortBy self = { .dataset = dataset, .order = dataset->op->params };
  gboolean ok;

  if (!weir_dataset_keep (parent, error))
    return FALSE;
  self.inputs = parent->partitions;
  self.n_inputs = parent->n_partitions;
  look_at_inputs (&self);
  ok = allocate (&self);
  if (ok)
    sort_all (&self);
  else
    weir_run_take_error (dataset->run,
                         g_error_new (WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                                      "%s: sorting %" G_GSIZE_FORMAT
                                      " elements would pass memory.limit: raise it, or take fewer records a batch",
                                      dataset->op->name, self.starts[self.n_inputs]));
  sort_clear (&self);
  return !weir_run_has_failed (dataset->run) || weir_run_report (dataset->run, error);
}

static const WeirOpClass sort_by_class = {
  .verb = "sort_by",
  .kind = WEIR_OP_COMPUTED,
  .compute = sort_compute,
};

/**
 * weir_dataset_sort_by:
 * @d: a dataset
 * @compare: (nullable): the order: below 0 if its first argument comes first; %NULL: that of weir_compare(), recognised:
 *   INTs are sorted without a comparison
 * @user_data: handed to @compare
 *
 * The elements of @d in the order of @compare: each partition is sorted and comes before the next one. Elements that are
 * equal in the order stay as they were. There are as many partitions as the option `partitions` says, of one size. All
 * elements are in memory at once, twice over; for the first few weir_dataset_top() is far cheaper. Called on the runner,
 * in a function of transform or foreach; runs when the result is asked for. @compare runs on workers, several at once.
 * Beyond `memory.limit` the batch fails with %WEIR_ERROR_MEMORY_LIMIT.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_sort_by (WeirDataset *d, WeirCompareFunc compare, gpointer user_data)
{
  WeirOrder params = { compare, user_data };

  return weir_verb_on_dataset ((WeirVerb){ .klass = &sort_by_class, .params = g_memdup2 (&params, sizeof params) }, d);
}

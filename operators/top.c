/* Owns top: the first elements of a batch in an order of the job's. A task keeps as many as are asked for, in a heap
 * with the last of them on top; the one slice merges the tasks' elements, in order of task. Both sides run on workers.
 *
 * Elements that are equal in the order stay in order of arrival. SPDX-License-Identifier: Apache-2.0
 */
#include <weir/dataset.h>

#include "engine/cells.h"
#include "engine/verb.h"
#include "operators/returned.h"

#define FIRST_CAPACITY 16

typedef struct {
  gsize n;
  WeirCompareFunc compare; /* NULL: weir_compare () */
  gpointer user_data;
} TopParams;

typedef struct {
  WeirValue value;
  guint64 number; /* in order of arrival */
} Entry;

typedef struct {
  const TopParams *params;
  WeirMemory *memory;
  WeirBlock *block;
  WeirCells cells;
  Entry *heap; /* the last one first; sorted by seal */
  gsize n, capacity;
  guint64 n_seen;
} Top;

static Top *
top_new (WeirTask *task)
{
  Top *top = g_new0 (Top, 1);

  top->params = task->op->params;
  top->memory = task->task_run->run->memory;
  weir_cells_init (&top->cells, top->memory);
  return top;
}

static void
top_free (gpointer data)
{
  Top *top = data;

  if (top->block != NULL)
    weir_block_unref (top->block);
  weir_cells_clear (&top->cells);
  g_free (top);
}

static inline gint
compare_values (const TopParams *params, WeirValue a, WeirValue b)
{
  return params->compare != NULL ? params->compare (a, b, params->user_data) : weir_compare (a, b);
}

static gint
compare_entries (gconstpointer a, gconstpointer b, gpointer params)
{
  const Entry *first = a, *second = b;
  gint order = compare_values (params, first->value, second->value);

  return order != 0 ? order : first->number < second->number ? -1 : 1;
}

static gboolean
is_after (const Top *top, const Entry *a, const Entry *b)
{
  return compare_entries (a, b, (gpointer) top->params) > 0;
}

static void
sift_up (Top *top, gsize i)
{
  Entry entry = top->heap[i];

  for (; i > 0 && is_after (top, &entry, &top->heap[(i - 1) / 2]); i = (i - 1) / 2)
    top->heap[i] = top->heap[(i - 1) / 2];
  top->heap[i] = entry;
}

static void
sift_down (Top *top)
{
  Entry entry = top->heap[0];
  gsize i = 0;

  for (gsize child = 1; child < top->n; child = 2 * i + 1) {
    child += child + 1 < top->n && is_after (top, &top->heap[child + 1], &top->heap[child]);
    if (!is_after (top, &top->heap[child], &entry))
      break;
    top->heap[i] = top->heap[child];
    i = child;
  }
  top->heap[i] = entry;
}

static gboolean
grow (Top *top)
{
  gsize capacity = MAX (MIN (2 * top->capacity, top->params->n), FIRST_CAPACITY), size;
  WeirBlock *block = NULL;

  if (!__builtin_mul_overflow (capacity, sizeof (Entry), &size))
    block = weir_block_new (top->memory, size);
  if (block == NULL)
    return FALSE;
  for (gsize i = 0; i < top->n; i++)
    ((Entry *) block->data)[i] = top->heap[i];
  if (top->block != NULL)
    weir_block_unref (top->block);
  top->block = block;
  top->heap = (Entry *) block->data;
  top->capacity = capacity;
  return TRUE;
}

static void
take (WeirTask *task, Top *top, WeirValue value)
{
  gboolean is_full = top->n == top->params->n, ok = is_full || top->n < top->capacity || grow (top);
  Entry *entry = is_full ? top->heap : top->heap + top->n;

  if (ok && !is_full)
    entry->value = weir_nil ();
  if (!ok || !weir_cells_replace (&top->cells, &entry->value, value)) {
    weir_task_fail_memory (task);
    return;
  }
  entry->number = top->n_seen;
  if (is_full)
    sift_down (top);
  else
    sift_up (top, top->n++);
}

/* What comes later than all that is kept, or as late, is left out. */
static inline void
offer (WeirTask *task, Top *top, WeirValue value)
{
  top->n_seen++;
  if (top->n < top->params->n || compare_values (top->params, value, top->heap[0].value) < 0)
    take (task, top, value);
}

static void
top_open (WeirTask *task)
{
  *(Top **) task->instance = top_new (task);
}

/* From @i on: how many INTs are not before the last that is kept. */
static guint
skip_ints (const Top *top, const WeirChunk *in, guint i)
{
  gint64 last;

  if (top->params->compare != NULL || in->keys != NULL || top->n < top->params->n ||
      top->heap[0].value.kind != WEIR_INT)
    return i;
  last = top->heap[0].value.integer;
  while (i < in->n && in->values[i].kind == WEIR_INT && in->values[i].integer >= last)
    i++;
  return i;
}

static void
top_process (WeirTask *task, const WeirChunk *in)
{
  Top *top = *(Top **) task->instance;
  WeirValue cells[2];

  for (guint i = 0; i < in->n && weir_task_is_going (task); i++) {
    guint from = i;

    i = skip_ints (top, in, i);
    top->n_seen += i - from;
    if (i < in->n)
      offer (task, top, weir_chunk_element (in, i, cells));
  }
}

static gpointer
top_seal (WeirTask *task)
{
  Top *top = *(Top **) task->instance;

  if (top->n > 0)
    g_qsort_with_data (top->heap, (gint) MIN (top->n, G_MAXINT), sizeof (Entry), compare_entries,
                       (gpointer) top->params);
  return top;
}

/* The one slice: all that tasks have kept, through a heap of the same kind. */
static const Top *
merge (WeirTask *task, WeirExchange *exchange)
{
  Top *merged = exchange->merged[0];

  if (merged != NULL)
    return merged;
  exchange->merged[0] = merged = top_new (task);
  for (guint i = 0; i < exchange->n_outputs && weir_task_is_going (task); i++) {
    const Top *top = exchange->outputs[i];

    for (gsize k = 0; k < top->n && weir_task_is_going (task); k++)
      offer (task, merged, top->heap[k].value);
  }
  if (merged->n > 0)
    g_qsort_with_data (merged->heap, (gint) MIN (merged->n, G_MAXINT), sizeof (Entry), compare_entries,
                       (gpointer) merged->params);
  return merged;
}

static gboolean
top_read (WeirTask *task, WeirReader *reader)
{
  WeirExchange *exchange = reader->exchange;
  const Top *top = exchange->n_outputs == 1 ? exchange->outputs[0] : merge (task, exchange);
  gsize *next = reader->state;
  gsize end = MIN (*next + WEIR_CHUNK_SIZE, top->n);

  for (; *next < end && weir_task_is_going (task); (*next)++)
    weir_returned_emit (task, top->heap[*next].value);
  return end < top->n;
}

static const WeirOpClass top_class = {
  .verb = "top",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_ONE_SLICE,
  .instance_size = sizeof (Top *),
  .open = top_open,
  .process = top_process,
  .seal = top_seal,
  .output_free = top_free,
  .reader_size = sizeof (gsize),
  .read = top_read,
};

static WeirVerb
top_verb (gsize n, WeirCompareFunc f, gpointer user_data)
{
  TopParams params = { n, f, user_data };
  WeirVerb verb = { .klass = &top_class, .params = g_memdup2 (&params, sizeof params) };

  if (n == 0 || n > G_MAXINT)
    verb.mistake = g_strdup_printf ("is to give the first %" G_GSIZE_FORMAT " elements: give 1 to %d", n, G_MAXINT);
  return verb;
}

/**
 * weir_top:
 * @s: the stream
 * @n: how many elements, at least 1
 * @f: (nullable): the order: below 0 if its first argument comes first; %NULL: that of weir_compare()
 * @user_data: handed to @f
 *
 * A stream with the @n first elements of each batch in the order of @f, sorted, in one partition; fewer where the batch
 * has fewer. Elements that are equal in the order stay in order of arrival. Only @n elements a task are kept, however
 * many there are.
 *
 * |[<!-- language="C" -->
 * static gint
 * most_first (WeirValue a, WeirValue b, gpointer user_data)
 * {
 *   return weir_compare (weir_val (b), weir_val (a));
 * }
 *
 * WeirStream *hot = weir_top (counts, 10, most_first, NULL);
 * ]|
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_top (WeirStream *s, gsize n, WeirCompareFunc f, gpointer user_data)
{
  return weir_verb_on_stream (top_verb (n, f, user_data), s);
}

/**
 * weir_dataset_top:
 * @d: a dataset
 * @n: how many elements, at least 1
 * @f: (nullable): as of weir_top()
 * @user_data: handed to @f
 *
 * weir_top() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is asked
 * for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_top (WeirDataset *d, gsize n, WeirCompareFunc f, gpointer user_data)
{
  return weir_verb_on_dataset (top_verb (n, f, user_data), d);
}

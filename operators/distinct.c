/* Owns distinct: each different element once. Tasks put elements into tables of their own, a slice merges them. Both
 * sides run on workers; see operators/combine.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/dataset.h>

#include "engine/verb.h"
#include "operators/combine.h"
#include "operators/returned.h"

static gsize
no_size (const WeirOp *op)
{
  return 0;
}

static void
no_merge (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new)
{
}

static const WeirFold no_fold = { .value_size = no_size, .merge = no_merge };

static void
distinct_open (WeirTask *task)
{
  weir_combine_open (task, &no_fold);
}

static void
add_elements (WeirTask *task, const WeirValue *elements, guint n)
{
  WeirCombined *combined = ((WeirCombineInstance *) task->instance)->combined;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  weir_combine_hash (task, &combined->table, elements, n, keys, cells);
  for (guint i = 0; i < n; i++) {
    WeirKey *slot = weir_table_find (&combined->table, &keys[i], combined->table.stride);

    if (slot->meta == 0 && weir_combined_insert (task, combined, &keys[i], slot) == NULL)
      return;
  }
}

static void
distinct_process (WeirTask *task, const WeirChunk *in)
{
  WeirValue elements[WEIR_CHUNK_SIZE], cells[WEIR_CHUNK_SIZE][2];

  for (guint from = 0; from < in->n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    guint n = MIN (in->n - from, WEIR_CHUNK_SIZE);

    for (guint i = 0; i < n; i++)
      elements[i] = weir_chunk_element (in, from + i, cells[i]);
    add_elements (task, elements, n);
  }
}

static gboolean
distinct_read (WeirTask *task, WeirReader *reader)
{
  const guint n_slices = reader->op->n_slices;
  WeirCombineReader *state = reader->state;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n;

  if (!state->is_open) {
    state->is_open = TRUE;
    weir_table_cursor_init (&state->cursor, weir_combine_slice (task, &no_fold, reader),
                            weir_slice_start (reader->partition, n_slices),
                            weir_slice_start (reader->partition + 1, n_slices));
  }
  n = weir_table_cursor_next (&state->cursor, slots, WEIR_CHUNK_SIZE);
  for (guint i = 0; i < n; i++)
    weir_returned_emit (task, weir_key_value (slots[i]));
  return n > 0;
}

static const WeirOpClass distinct_class = {
  .verb = "distinct",
  .kind = WEIR_OP_WIDE,
  .instance_size = sizeof (WeirCombineInstance),
  .open = distinct_open,
  .process = distinct_process,
  .seal = weir_combine_seal,
  .output_free = weir_combined_free,
  .reader_size = sizeof (WeirCombineReader),
  .read = distinct_read,
};

/**
 * weir_dataset_distinct:
 * @d: a dataset
 *
 * Each different element of @d once, in an order that is the same whenever the batch is run. Called on the runner, in a
 * function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_distinct (WeirDataset *d)
{
  return weir_verb_on_dataset ((WeirVerb){ .klass = &distinct_class }, d);
}

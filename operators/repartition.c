/* Owns repartition: elements dealt out to a fixed number of partitions. Element j of task i goes to partition
 * (i + j) mod n, which depends on the data alone. Both sides run on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/dataset.h>

#include "engine/verb.h"
#include "operators/rows.h"

#define MOST_PARTITIONS 65536

typedef struct {
  WeirRows *rows;
  guint slice; /* of the next element */
} Repartition;

static void
repartition_open (WeirTask *task)
{
  Repartition *self = task->instance;

  self->rows = weir_rows_new (task->task_run->run->memory, task->op->n_slices);
  self->slice = task->task_run->index % task->op->n_slices;
  task->task_run->keep = TRUE;
}

static void
repartition_process (WeirTask *task, const WeirChunk *in)
{
  Repartition *self = task->instance;

  for (guint i = 0; i < in->n; i++) {
    if (!weir_rows_add (self->rows, self->slice, in, i)) {
      weir_task_fail_memory (task);
      return;
    }
    self->slice = self->slice + 1 < self->rows->n_slices ? self->slice + 1 : 0;
  }
}

static gpointer
repartition_seal (WeirTask *task)
{
  Repartition *self = task->instance;

  weir_rows_take_scratch (self->rows, &task->task_run->scratch);
  return self->rows;
}

static gboolean
repartition_read (WeirTask *task, WeirReader *reader)
{
  const WeirRowBlock *block = weir_row_cursor_next (reader->state, reader->exchange, reader->partition);

  if (block == NULL)
    return FALSE;
  weir_task_forward (task, &(WeirChunk){ block->keys, block->values, block->n });
  return TRUE;
}

static const WeirOpClass repartition_class = {
  .verb = "repartition",
  .kind = WEIR_OP_WIDE,
  .instance_size = sizeof (Repartition),
  .open = repartition_open,
  .process = repartition_process,
  .seal = repartition_seal,
  .output_free = weir_rows_free,
  .reader_size = sizeof (WeirRowCursor),
  .read = repartition_read,
};

static WeirVerb
repartition_verb (guint n_partitions)
{
  WeirVerb verb = { .klass = &repartition_class, .n_partitions = n_partitions };

  if (n_partitions == 0 || n_partitions > MOST_PARTITIONS)
    verb.mistake = g_strdup_printf ("is to have %u partitions: give 1 to %u", n_partitions, MOST_PARTITIONS);
  return verb;
}

/**
 * weir_repartition:
 * @s: the stream
 * @n_partitions: 1 or more
 *
 * A stream of the same elements in exactly @n_partitions partitions, also in an empty batch: dealt out in turn, so that
 * partitions are of one size and always the same for the same data. More partitions than those of the source let more
 * workers take part in what follows.
 *
 * Called while the graph is built. 0 partitions are a mistake in the graph.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_repartition (WeirStream *s, guint n_partitions)
{
  return weir_verb_on_stream (repartition_verb (n_partitions), s);
}

/**
 * weir_dataset_repartition:
 * @d: a dataset
 * @n_partitions: 1 or more
 *
 * weir_repartition() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is
 * asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_repartition (WeirDataset *d, guint n_partitions)
{
  return weir_verb_on_dataset (repartition_verb (n_partitions), d);
}

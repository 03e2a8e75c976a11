/* Owns filter: the elements that a predicate keeps. Runs on workers, chunk by chunk; what is kept is gathered, so that
 * chunks stay full however little passes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"

#include "engine/task.h"

/* Stores each element and then counts it or not: whether one passes is what a processor can't guess. */
static void
filter_process (WeirTask *task, const WeirChunk *in)
{
  const WeirFunction function = *(const WeirFunction *) task->op->params;
  const WeirChunk chunk = *in;
  WeirTaskHead *head = &task->head;
  WeirValue cells[2];

  if ((head->has_keys != 0) != (chunk.keys != NULL))
    weir_task_reserve (task, chunk.keys != NULL);
  for (guint i = 0; i < chunk.n; i++) {
    guint64 n_rejects = task->n_rejects_ever;
    gboolean passes = function.filter (task, weir_chunk_element (&chunk, i, cells), function.user_data);

    if (chunk.keys != NULL)
      head->keys[head->n_elements] = chunk.keys[i];
    head->values[head->n_elements] = chunk.values[i];
    head->n_elements += (passes != FALSE) & (task->n_rejects_ever == n_rejects);
    if (G_UNLIKELY (head->n_elements == head->capacity))
      weir_task_flush (task);
  }
}

static const WeirOpClass filter_class = {
  .verb = "filter",
  .kind = WEIR_OP_NARROW,
  .process = filter_process,
};

/**
 * weir_filter:
 * @s: the stream
 * @f: TRUE for elements that stay
 * @user_data: handed to @f; shared by all workers
 *
 * A stream of the elements that @f keeps, in the same order and partitions. An element that @f hands to weir_reject()
 * doesn't stay, whatever @f returns.
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_filter (WeirStream *s, WeirFilterFunc f, gpointer user_data)
{
  return weir_stream_derive_function (s, &filter_class, (WeirFunction){ .filter = f, .user_data = user_data });
}

/**
 * weir_dataset_filter:
 * @d: a dataset
 * @f: as of weir_filter()
 * @user_data: as of weir_filter()
 *
 * weir_filter() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_filter (WeirDataset *d, WeirFilterFunc f, gpointer user_data)
{
  return weir_dataset_derive_function (d, &filter_class, (WeirFunction){ .filter = f, .user_data = user_data });
}

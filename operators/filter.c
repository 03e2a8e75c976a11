/* Owns filter: the elements that a predicate keeps. Runs on workers, chunk by chunk; what is kept is gathered, so that
 * chunks stay full however little passes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"

#include "engine/task.h"

/* Stores each element and then counts it or not: whether one passes is what a processor can't guess. */
static inline __attribute__ ((always_inline)) guint
keep (WeirTask *task, const WeirFunction *function, const WeirChunk *in, gboolean has_keys)
{
  guint64 n_rejects = task->n_rejects_ever;
  guint n = task->head.n_elements;
  WeirValue cells[2];

  for (guint i = 0; i < in->n; i++) {
    gboolean passes;

    if (has_keys) {
      cells[0] = in->keys[i];
      cells[1] = in->values[i];
      passes = function->filter (task, weir_pair_at (cells), function->user_data);
      task->head.keys[n] = in->keys[i];
    } else {
      passes = function->filter (task, in->values[i], function->user_data);
    }
    task->head.values[n] = in->values[i];
    n += passes != FALSE; /* without a branch */
    if (G_UNLIKELY (task->n_rejects_ever != n_rejects)) {
      n -= passes != FALSE;
      weir_task_settle (task, weir_chunk_element (in, i, cells));
      n_rejects = task->n_rejects_ever;
    }
  }
  return n;
}

/* As many elements at a time as the open chunk has room for. */
static void
filter_process (WeirTask *task, const WeirChunk *in)
{
  const WeirFunction function = *(const WeirFunction *) task->op->params;
  const WeirChunk all = *in;
  WeirTaskHead *head = &task->head;
  WeirChunk some = all;

  weir_task_shield (task);
  if ((head->has_keys != 0) != (all.keys != NULL))
    weir_task_reserve (task, all.keys != NULL);
  for (guint i = 0; i < all.n; i += some.n) {
    const guint n_before = head->n_elements;
    const guint64 n_emitted = task->n_emitted;
    guint n;

    some.keys = all.keys != NULL ? all.keys + i : NULL;
    some.values = all.values + i;
    some.n = MIN (all.n - i, head->capacity - head->n_elements);
    n = some.keys != NULL ? keep (task, &function, &some, TRUE) : keep (task, &function, &some, FALSE);
    if (G_UNLIKELY (head->n_elements != n_before || task->n_emitted != n_emitted))
      weir_function_fail_emitted (task);
    head->n_elements = n;
    if (head->n_elements == head->capacity)
      weir_task_flush (task);
  }
  weir_task_unshield (task);
}

static const WeirOpClass filter_class = {
  .verb = "filter",
  .kind = WEIR_OP_NARROW,
  .flags = WEIR_OP_SIEVES,
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

/* Owns filter: the elements that a predicate keeps. Runs on workers, chunk by chunk; what is kept is gathered, so that
 * chunks stay full however little passes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"

#include "engine/task.h"

static void
filter_process (WeirTask *task, const WeirChunk *in)
{
  const WeirFunction *function = task->op->params;
  WeirValue cells[2];

  for (guint i = 0; i < in->n; i++) {
    guint64 n_rejects = task->n_rejects_ever;

    if (!function->filter (task, weir_chunk_element (in, i, cells), function->user_data))
      continue;
    if (G_UNLIKELY (task->n_rejects_ever != n_rejects))
      continue;
    if (in->keys != NULL)
      weir_emit_pair (task, in->keys[i], in->values[i]);
    else
      weir_emit (task, in->values[i]);
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

/* Owns map_partitions: one call of the job's function for a whole partition, which pulls its elements. Runs on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/iter.h"
#include "operators/function.h"

static void
map_partitions_open (WeirTask *task)
{
  weir_iter_init (task->instance, task);
}

static void
map_partitions_process (WeirTask *task, const WeirChunk *in)
{
  weir_iter_queue (task->instance, in);
}

static void
map_partitions_end (WeirTask *task)
{
  const WeirFunction *function = task->op->params;

  function->partition (task, task->instance, function->user_data);
}

static const WeirOpClass map_partitions_class = {
  .verb = "map_partitions",
  .kind = WEIR_OP_NARROW,
  .flags = WEIR_OP_PULLS,
  .instance_size = sizeof (WeirIter),
  .open = map_partitions_open,
  .process = map_partitions_process,
  .end = map_partitions_end,
};

/**
 * weir_map_partitions:
 * @s: the stream
 * @f: takes the elements of a partition by weir_iter_next(), none or all of them, and emits any number; runs for empty
 *   partitions too
 * @user_data: handed to @f; shared by all workers
 *
 * A stream of all that @f emits, in the same partitions: for what is to be set up once a partition, or needs more than
 * one element at a time. Task memory is not used again before @f returns, so that the elements stay valid until then.
 *
 * |[<!-- language="C" -->
 * static void
 * longest (WeirTask *task, WeirIter *lines, gpointer user_data)
 * {
 *   WeirValue line, best = weir_nil ();
 *
 *   while (weir_iter_next (lines, &line))
 *     if (weir_is_nil (best) || weir_size (line) > weir_size (best))
 *       best = line;
 *   if (!weir_is_nil (best))
 *     weir_emit (task, best);
 * }
 *
 * WeirStream *candidates = weir_map_partitions (lines, longest, NULL);
 * ]|
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_map_partitions (WeirStream *s, WeirPartitionFunc f, gpointer user_data)
{
  return weir_stream_derive_function (s, &map_partitions_class,
                                      (WeirFunction){ .partition = f, .user_data = user_data });
}

/**
 * weir_dataset_map_partitions:
 * @d: a dataset
 * @f: as of weir_map_partitions()
 * @user_data: as of weir_map_partitions()
 *
 * weir_map_partitions() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_map_partitions (WeirDataset *d, WeirPartitionFunc f, gpointer user_data)
{
  return weir_dataset_derive_function (d, &map_partitions_class,
                                       (WeirFunction){ .partition = f, .user_data = user_data });
}

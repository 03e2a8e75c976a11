/* Owns group_by_key: the values of each key as one list. Both sides run on workers; see operators/groups.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/dataset.h>

#include "engine/verb.h"
#include "operators/groups.h"

static gboolean
group_read (WeirTask *task, WeirReader *reader)
{
  const WeirGroups *slice = weir_groups_of_slice (task, reader);
  gsize *next = reader->state;
  gsize end = MIN (*next + WEIR_CHUNK_SIZE, slice->n_groups);

  for (; *next < end && weir_task_is_going (task); (*next)++) {
    const WeirGroup *group = &slice->groups[*next];

    weir_emit_pair (task, group->key, WEIR_VALUE_INIT (cells, group->items, group->n, WEIR_LIST, 0));
  }
  return end < slice->n_groups;
}

static const WeirOpClass group_by_key_class = {
  .verb = "group_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = WEIR_GROUPS_INSTANCE_SIZE,
  .open = weir_groups_open,
  .process = weir_groups_process,
  .seal = weir_groups_seal,
  .output_free = weir_rows_free,
  .reader_size = sizeof (gsize),
  .read = group_read,
};

/**
 * weir_group_by_key:
 * @s: a stream of pairs
 *
 * A stream of (key, LIST): one pair for each key of the batch, with all its values in order of arrival, which is
 * (partition, position). All values of a batch are in memory at once: where a sum or another reduction is wanted,
 * weir_reduce_by_key() and weir_aggregate_by_key() are far cheaper.
 *
 * Called while the graph is built. An element that is not a pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_group_by_key (WeirStream *s)
{
  return weir_verb_on_stream ((WeirVerb){ .klass = &group_by_key_class }, s);
}

/**
 * weir_dataset_group_by_key:
 * @d: a dataset of pairs
 *
 * weir_group_by_key() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is
 * asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_group_by_key (WeirDataset *d)
{
  return weir_verb_on_dataset ((WeirVerb){ .klass = &group_by_key_class }, d);
}

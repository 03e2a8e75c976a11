/* Owns rejected: what a stream's own functions handed to weir_reject (). Runs on the runner: the parent is computed and
 * kept, and what its tasks put aside becomes this stream's partitions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/dataset.h"
#include "engine/stream.h"

/* Is it a window that only takes the batch in? */
static gboolean
is_between_slides (const WeirDataset *dataset)
{
  const WeirRun *run = dataset->run;

  return dataset->op->length > 0 && (run->time - run->zero) % dataset->op->slide != 0;
}

static gboolean
rejected_compute (WeirDataset *dataset, GError **error)
{
  WeirDataset *parent = dataset->parents[0];

  if (!(is_between_slides (parent) ? weir_dataset_advance (parent, error) : weir_dataset_keep (parent, error)))
    return FALSE;
  if (parent->rejects == NULL)
    return TRUE;
  dataset->n_partitions = parent->rejects->len;
  dataset->partitions = g_new (WeirPartition *, parent->rejects->len);
  for (guint i = 0; i < parent->rejects->len; i++)
    dataset->partitions[i] = weir_partition_ref (g_ptr_array_index (parent->rejects, i));
  return TRUE;
}

static const WeirOpClass rejected_class = {
  .verb = "rejected",
  .kind = WEIR_OP_COMPUTED,
  .flags = WEIR_OP_REJECTS,
  .compute = rejected_compute,
};

/**
 * weir_rejected:
 * @s: the stream whose functions call weir_reject()
 *
 * A stream of pairs (reason, value): what the functions of @s, and of no stream above it, rejected in the batch, in
 * order of partition; of weir_transform(), what the functions of datasets' verbs inside of it rejected. With `on.error` at
 * `reject`, records at which a function failed are among them, with the failure's text as the reason. Without
 * weir_rejected() rejects are counted and dropped. Has the batches of @s; of a window, those of its parent, since it
 * takes records in between its slides, too.
 *
 * |[<!-- language="C" -->
 * WeirStream *orders = weir_map (lines, parse_order, NULL);
 * weir_save_as_text_files (weir_rejected (orders), "bad-orders", "txt");
 * ]|
 *
 * Called while the graph is built.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_rejected (WeirStream *s)
{
  return weir_stream_derive (s, &rejected_class, NULL);
}

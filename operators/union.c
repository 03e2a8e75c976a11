/* Owns union: several streams as one. Nothing runs: the planner puts the parents' partitions one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/dataset.h>

#include "engine/verb.h"

static const WeirOpClass union_class = {
  .verb = "union",
  .kind = WEIR_OP_UNION,
};

static const WeirOpClass union_all_class = {
  .verb = "union_all",
  .kind = WEIR_OP_UNION,
};

/**
 * weir_union:
 * @a: a stream
 * @b: a stream of the same context with the same slide; may be @a
 *
 * A stream of the elements of both: all partitions of @a, then all of @b. Nothing is copied, no element is dropped.
 *
 * Called while the graph is built. Different slides or contexts are a mistake in the graph.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_union (WeirStream *a, WeirStream *b)
{
  WeirStream *const parents[] = { a, b };

  return weir_stream_new (NULL, &union_class, NULL, parents, G_N_ELEMENTS (parents));
}

/**
 * weir_union_all:
 * @streams: (array length=n): streams of one context with one slide; one may be there more than once
 * @n: how many, at least 1
 *
 * A stream of the elements of all: the partitions of the first, then those of the second, and so on. Nothing is copied,
 * no element is dropped.
 *
 * Called while the graph is built. Different slides or contexts are a mistake in the graph.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_union_all (WeirStream *const *streams, gsize n)
{
  g_return_val_if_fail (streams != NULL && n > 0 && n <= G_MAXUINT, NULL);
  return weir_verb_on_streams ((WeirVerb){ .klass = &union_all_class }, streams, (guint) n);
}

/**
 * weir_dataset_union:
 * @a: a dataset
 * @b: a dataset of the same batch; may be @a
 *
 * weir_union() of datasets. Called on the runner, in a function of transform or foreach.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_union (WeirDataset *a, WeirDataset *b)
{
  WeirDataset *const parents[] = { a, b };

  return weir_verb_on_datasets ((WeirVerb){ .klass = &union_class }, parents, G_N_ELEMENTS (parents));
}

/* Owns union: two streams as one. Nothing runs: the planner puts the parents' partitions one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stream.h"

static const WeirOpClass union_class = {
  .verb = "union",
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

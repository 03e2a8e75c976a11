/* Owns union: two streams as one. Nothing runs: the planner puts the parents' partitions one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "engine/quantity.h"
#include "engine/stream.h"

static gboolean
union_validate (const WeirOp *op, GError **error)
{
  const WeirStream *stream = (const WeirStream *) op;
  const WeirStream *a = stream->parents[0], *b = stream->parents[1];
  g_autofree char *a_slide = NULL, *b_slide = NULL;

  if (a->op.slide == b->op.slide)
    return TRUE;
  a_slide = weir_quantity_format (weir_duration_units, a->op.slide);
  b_slide = weir_quantity_format (weir_duration_units, b->op.slide);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
               "%s: weir_union () needs streams with the same slide, but '%s' slides by %s and '%s' by %s: "
               "give them windows with one slide",
               op->name, a->label, a_slide, b->label, b_slide);
  return FALSE;
}

static const WeirOpClass union_class = {
  .verb = "union",
  .kind = WEIR_OP_UNION,
  .validate = union_validate,
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
  const WeirStream *known = a != NULL ? a : b;

  return weir_stream_new (known != NULL ? known->ctx : NULL, &union_class, NULL, parents, G_N_ELEMENTS (parents));
}

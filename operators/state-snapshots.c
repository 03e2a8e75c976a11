/* Owns state_snapshots: all that map_with_state remembers, after each batch. It takes in the results of its parent and
 * lets them go, so that the parent is done with the batch; then it reads the parent's slices where they lie.
 * Both sides run on workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/state.h>

#include "operators/keyed.h"
#include "operators/map-with-state.h"

typedef struct {
  const WeirOp *mapped;
} Params;

static void
pass_by (WeirTask *task, const WeirChunk *in)
{
}

static gpointer
seal_nothing (WeirTask *task)
{
  return NULL;
}

/* One slice for each of the parent's, whose number is known by now. */
static gboolean
snapshots_validate (const WeirOp *op, GError **error)
{
  ((WeirOp *) op)->n_slices = ((const Params *) op->params)->mapped->n_slices;
  return TRUE;
}

static gboolean
snapshots_read (WeirTask *task, WeirReader *reader)
{
  const WeirOp *mapped = ((const Params *) task->op->params)->mapped;
  const WeirKeyedSlice *slice = mapped->slices[reader->partition];

  return slice->state != NULL && weir_keyed_view_read (task, slice->state, reader->state);
}

static const WeirOpClass snapshots_class = {
  .verb = "state_snapshots",
  .kind = WEIR_OP_WIDE,
  .validate = snapshots_validate,
  .process = pass_by,
  .seal = seal_nothing,
  .output_free = g_free,
  .reader_size = sizeof (WeirKeyedView),
  .read = snapshots_read,
};

/**
 * weir_state_snapshots:
 * @mapped: a stream of weir_map_with_state()
 *
 * All that @mapped remembers, after each batch: one pair (key, state) for each key, in as many partitions as @mapped has.
 * Costs a walk through all keys, where @mapped itself costs only those that are touched.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_state_snapshots (WeirStream *mapped)
{
  Params *params = g_new0 (Params, 1);
  WeirStream *stream = weir_stream_derive (mapped, &snapshots_class, params);

  if (mapped == NULL)
    return stream;
  params->mapped = &mapped->op;
  if (!weir_op_maps_with_state (&mapped->op))
    weir_stream_mistake (stream, "is of %s, which has no states to show: pass a stream of weir_map_with_state ()",
                         mapped->label);
  return stream;
}

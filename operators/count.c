/* Owns count: how many elements a batch has. Tasks count chunks, the one slice adds up. Both sides run on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stream.h"
#include "engine/task.h"

static void
count_process (WeirTask *task, const WeirChunk *in)
{
  guint64 *n = task->instance;

  *n += in->n;
}

static gpointer
count_seal (WeirTask *task)
{
  return g_memdup2 (task->instance, sizeof (guint64));
}

static gboolean
count_read (WeirTask *task, WeirReader *reader)
{
  const WeirExchange *exchange = reader->exchange;
  gint64 total = 0;

  for (guint i = 0; i < exchange->n_outputs; i++)
    total += (gint64) * (const guint64 *) exchange->outputs[i];
  weir_emit (task, weir_int (total));
  return FALSE;
}

static const WeirOpClass count_class = {
  .verb = "count",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_ONE_SLICE,
  .instance_size = sizeof (guint64),
  .process = count_process,
  .seal = count_seal,
  .output_free = g_free,
  .read = count_read,
};

/**
 * weir_count:
 * @s: the stream
 *
 * A stream with one INT a batch: how many elements @s has in it; 0 when it is empty.
 *
 * Called while the graph is built.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_count (WeirStream *s)
{
  return weir_stream_derive (s, &count_class, NULL);
}

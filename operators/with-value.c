/* Owns with_value: a constant beside each element, without a call of the job's. Plain elements become the keys' column
 * as they stand, beside a column of the constant that is made once. Runs on workers, chunk by chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/with-value.h"

#include "engine/stream.h"
#include "engine/task.h"
#include "engine/value-copy.h"

typedef struct {
  WeirValue column[WEIR_CHUNK_SIZE]; /* the constant, over and over; first, for weir_with_value_of () */
  gpointer memory;                   /* that it points into */
} WithValue;

/* Keys that are pairs need cells. */
static void
pairs_as_keys (WeirTask *task, const WeirChunk *in, WeirValue constant)
{
  WeirValue *cells = weir_alloc (task, 2 * in->n * sizeof *cells);

  if (cells == NULL)
    return;
  for (guint i = 0; i < in->n; i++) {
    cells[2 * i] = in->keys[i];
    cells[2 * i + 1] = in->values[i];
    weir_emit_pair (task, WEIR_VALUE_INIT (cells, &cells[2 * i], 0, WEIR_PAIR, WEIR_VALUE_CELLS), constant);
  }
}

static void
with_value_process (WeirTask *task, const WeirChunk *in)
{
  const WithValue *params = task->op->params;
  const WeirChunk pairs = { in->values, params->column, in->n };

  if (in->keys == NULL)
    weir_task_forward (task, &pairs);
  else
    pairs_as_keys (task, in, params->column[0]);
}

static void
with_value_params_clear (gpointer data)
{
  g_free (((WithValue *) data)->memory);
}

const WeirOpClass weir_with_value_class = {
  .verb = "with_value",
  .kind = WEIR_OP_NARROW,
  .process = with_value_process,
  .params_clear = with_value_params_clear,
};

static void
copy_value (WithValue *params, WeirStream *stream, WeirValue value)
{
  gsize size = weir_value_memory (value);
  char *at = size < G_MAXSIZE ? g_try_malloc (size) : NULL;

  if (at == NULL && size > 0) {
    weir_stream_mistake (stream, "has no memory for a copy of its value: give a smaller one");
    return;
  }
  params->memory = at;
  value = weir_value_copy_to (value, &at);
  for (guint i = 0; i < WEIR_CHUNK_SIZE; i++)
    params->column[i] = value;
}

/**
 * weir_with_value:
 * @s: the stream
 * @value: what to put beside each element; copied
 *
 * A stream of pairs (element, @value), in the same order and partitions. The engine recognises it and may run it
 * together with what follows.
 *
 * |[<!-- language="C" -->
 * WeirStream *ones = weir_with_value (words, weir_int (1));
 * WeirStream *counts = weir_reduce_by_key (ones, WEIR_SUM, NULL);
 * ]|
 *
 * Called while the graph is built.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_with_value (WeirStream *s, WeirValue value)
{
  WithValue *params = g_new0 (WithValue, 1);
  WeirStream *stream = weir_stream_derive (s, &weir_with_value_class, params);

  copy_value (params, stream, value);
  return stream;
}

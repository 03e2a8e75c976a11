/* Owns flat_map and flat_map_values: any number of results for each element. Runs on workers, chunk by chunk; the job's
 * function emits into the open chunk of the link that it is given.
 *
 * The function of flat_map_values gets a link of its own, whose chunks come back to process, which adds the key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"
#include "operators/held-results.h"
#include "operators/pairs.h"
#include "operators/returned.h"

typedef struct {
  WeirHeld held; /* first */
  WeirTask *inner;
  const WeirValue *key; /* NULL while no function runs */
} FlatMapValues;

static void
flat_map_open (WeirTask *task)
{
  weir_held_open (task, task->instance);
}

static void
emit_held (WeirTask *task, WeirHeld *held)
{
  for (gsize i = 0; i < held->n; i++) {
    const WeirHeldElement *element = &held->elements[i];

    if (element->is_pair)
      weir_emit_pair (task, element->key, element->value);
    else
      weir_task_emit_returned (task, element->value);
  }
  held->n = 0;
}

static void
flat_map_held (WeirTask *task, WeirHeld *held, const WeirChunk *in)
{
  const WeirFunction *function = task->op->params;
  WeirValue cells[2];

  weir_held_begin (task, held);
  for (guint i = 0; i < in->n && weir_task_is_going (task); i++) {
    WeirValue element = weir_chunk_element (in, i, cells);

    function->flat_map (held->inner, element, function->user_data);
    if (weir_held_take (held, element))
      emit_held (task, held);
  }
  weir_held_end (task, held);
}

static void
flat_map_process (WeirTask *task, const WeirChunk *in)
{
  const WeirFunction *function = task->op->params;
  WeirHeld *held = task->instance;
  WeirValue cells[2];

  if (G_UNLIKELY (held->inner != NULL)) {
    flat_map_held (task, held, in);
    return;
  }
  for (guint i = 0; i < in->n; i++)
    function->flat_map (task, weir_chunk_element (in, i, cells), function->user_data);
}

static void
flat_map_values_open (WeirTask *task)
{
  FlatMapValues *self = task->instance;

  self->inner = weir_task_link_new (task->task_run, task->op, task->klass, task);
  if (self->inner == NULL) {
    weir_task_fail_memory (task);
    return;
  }
  self->inner->is_again = task->is_again;
  weir_held_open (task, &self->held);
}

/* A function may emit pairs as values: they get cells that outlive the chunk. */
static void
add_key (WeirTask *task, const WeirChunk *emitted, WeirValue key)
{
  WeirValue cells[2];

  for (guint i = 0; i < emitted->n; i++)
    weir_emit_pair (task, key, weir_returned_take (task, weir_chunk_element (emitted, i, cells)));
}

/* A function may have emitted pairs as values. */
static void
flat_map_values_held (WeirTask *task, WeirHeld *held, const WeirChunk *in)
{
  const WeirFunction *function = task->op->params;
  WeirValue cells[2];

  weir_held_begin (task, held);
  for (guint i = 0; i < in->n && weir_task_is_going (task); i++) {
    function->flat_map (held->inner, in->values[i], function->user_data);
    if (!weir_held_take (held, weir_chunk_element (in, i, cells)))
      continue;
    for (gsize k = 0; k < held->n; k++) {
      const WeirHeldElement *e = &held->elements[k];

      weir_emit_pair (task, in->keys[i], e->is_pair ? weir_pair (task, e->key, e->value) : e->value);
    }
    held->n = 0;
  }
  weir_held_end (task, held);
}

static void
call_for_each (WeirTask *task, const WeirChunk *in)
{
  const WeirFunction *function = task->op->params;
  FlatMapValues *self = task->instance;

  for (guint i = 0; i < in->n; i++) {
    self->key = &in->keys[i];
    function->flat_map (self->inner, in->values[i], function->user_data);
    weir_task_flush (self->inner);
  }
  self->key = NULL;
}

static void
flat_map_values_process (WeirTask *task, const WeirChunk *in)
{
  FlatMapValues *self = task->instance;

  if (self->key != NULL) {
    add_key (task, in, *self->key);
    return;
  }
  if (!weir_task_require_pairs (task, in) || self->inner == NULL)
    return;
  if (G_UNLIKELY (self->held.inner != NULL)) {
    flat_map_values_held (task, &self->held, in);
    return;
  }
  self->inner->rejects = g_steal_pointer (&task->rejects);
  call_for_each (task, in);
  weir_task_end_rejects (self->inner);
  task->rejects = g_steal_pointer (&self->inner->rejects);
}

static const WeirOpClass flat_map_class = {
  .verb = "flat_map",
  .kind = WEIR_OP_NARROW,
  .instance_size = sizeof (WeirHeld),
  .open = flat_map_open,
  .process = flat_map_process,
};

static const WeirOpClass flat_map_values_class = {
  .verb = "flat_map_values",
  .kind = WEIR_OP_NARROW,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (FlatMapValues),
  .open = flat_map_values_open,
  .process = flat_map_values_process,
};

/**
 * weir_flat_map:
 * @s: the stream
 * @f: emits any number of elements for an element, by weir_emit() and weir_emit_pair(); what it emits may point
 * anywhere
 * @user_data: handed to @f; shared by all workers
 *
 * A stream of all that @f emits, in order, in the same partitions.
 *
 * |[<!-- language="C" -->
 * static void
 * split_words (WeirTask *task, WeirValue line, gpointer user_data)
 * {
 *   WeirValue word;
 *
 *   while (weir_text_next_token (&line, ' ', &word))
 *     weir_emit_pair (task, word, weir_int (1));
 * }
 *
 * WeirStream *words = weir_flat_map (lines, split_words, NULL);
 * ]|
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_flat_map (WeirStream *s, WeirFlatMapFunc f, gpointer user_data)
{
  return weir_stream_derive_function (s, &flat_map_class, (WeirFunction){ .flat_map = f, .user_data = user_data });
}

/**
 * weir_flat_map_values:
 * @s: a stream of pairs
 * @f: emits any number of values for a pair's value, by weir_emit(); the key is added to each. A pair that it emits
 *   becomes the value
 * @user_data: handed to @f; shared by all workers
 *
 * A stream of (key, emitted value), in order, in the same partitions.
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions. An element that is not a
 * pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_flat_map_values (WeirStream *s, WeirFlatMapFunc f, gpointer user_data)
{
  return weir_stream_derive_function (s, &flat_map_values_class,
                                      (WeirFunction){ .flat_map = f, .user_data = user_data });
}

/**
 * weir_dataset_flat_map:
 * @d: a dataset
 * @f: as of weir_flat_map()
 * @user_data: as of weir_flat_map()
 *
 * weir_flat_map() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_flat_map (WeirDataset *d, WeirFlatMapFunc f, gpointer user_data)
{
  return weir_dataset_derive_function (d, &flat_map_class, (WeirFunction){ .flat_map = f, .user_data = user_data });
}

/**
 * weir_dataset_flat_map_values:
 * @d: a dataset of pairs
 * @f: as of weir_flat_map_values()
 * @user_data: as of weir_flat_map_values()
 *
 * weir_flat_map_values() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_flat_map_values (WeirDataset *d, WeirFlatMapFunc f, gpointer user_data)
{
  return weir_dataset_derive_function (d, &flat_map_values_class,
                                       (WeirFunction){ .flat_map = f, .user_data = user_data });
}

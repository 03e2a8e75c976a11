/* Owns glom: a partition as one list. Runs on workers; elements are gathered as they come, and task memory is kept until
 * the list has gone on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "engine/verb.h"

#define FIRST_ITEMS 256

typedef struct {
  WeirValue *items; /* in task memory */
  gsize n, capacity;
} Glom;

static void
glom_open (WeirTask *task)
{
  task->task_run->keep = TRUE;
}

static gboolean
grow (WeirTask *task, Glom *self)
{
  gsize capacity = MAX (2 * self->capacity, FIRST_ITEMS);
  WeirValue *items;

  if (G_UNLIKELY (capacity > G_MAXUINT32)) {
    weir_task_fail (task, WEIR_ERROR_FAILED,
                    "%" G_GSIZE_FORMAT " elements in one partition are more than a list holds: "
                    "divide them by weir_repartition () first",
                    self->n);
    return FALSE;
  }
  items = weir_alloc (task, capacity * sizeof *items);
  if (items == NULL)
    return FALSE;
  if (self->n > 0)
    memcpy (items, self->items, self->n * sizeof *items);
  self->items = items;
  self->capacity = capacity;
  return TRUE;
}

/* Pairs get cells, since the columns are gone when the caller returns. */
static void
take_pairs (WeirTask *task, const WeirChunk *in, WeirValue *items)
{
  WeirValue *cells = weir_alloc (task, 2 * in->n * sizeof *cells);

  for (guint i = 0; i < in->n && cells != NULL; i++, cells += 2) {
    cells[0] = in->keys[i];
    cells[1] = in->values[i];
    items[i] = WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  }
}

static void
glom_process (WeirTask *task, const WeirChunk *in)
{
  Glom *self = task->instance;

  while (self->capacity - self->n < in->n)
    if (!grow (task, self))
      return;
  if (in->keys != NULL)
    take_pairs (task, in, self->items + self->n);
  else
    memcpy (self->items + self->n, in->values, in->n * sizeof *self->items);
  self->n += in->n;
}

static void
glom_end (WeirTask *task)
{
  const Glom *self = task->instance;

  weir_emit (task, WEIR_VALUE_INIT (cells, self->items, (guint32) self->n, WEIR_LIST, 0));
}

static const WeirOpClass glom_class = {
  .verb = "glom",
  .kind = WEIR_OP_NARROW,
  .instance_size = sizeof (Glom),
  .open = glom_open,
  .process = glom_process,
  .end = glom_end,
};

/**
 * weir_glom:
 * @s: the stream
 *
 * A stream with one LIST for each partition of @s: all its elements in order; an empty list for an empty partition. All
 * of a partition is in memory at once; weir_map_partitions() sees it element by element.
 *
 * |[<!-- language="C" -->
 * WeirStream *partitions = weir_glom (lines);
 * ]|
 *
 * Called while the graph is built.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_glom (WeirStream *s)
{
  return weir_verb_on_stream ((WeirVerb){ .klass = &glom_class }, s);
}

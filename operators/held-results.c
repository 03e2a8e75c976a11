/* Owns the link that a function gets in the place of its operator's, and what it has emitted there. Must not know what
 * becomes of that. Worker thread, one task.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/held-results.h"

#include <string.h>

#define CAPACITY 64

static gboolean
reserve (WeirTask *task, WeirHeld *held, gsize n)
{
  gsize capacity = MAX (held->capacity, CAPACITY);
  WeirHeldElement *elements;

  if (n <= held->capacity)
    return TRUE;
  while (capacity < n)
    capacity *= 2;
  elements = weir_arena_alloc (task->task_run->frame, capacity * sizeof *elements);
  if (elements == NULL) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  if (held->n > 0)
    memcpy (elements, held->elements, held->n * sizeof *elements);
  held->elements = elements;
  held->capacity = capacity;
  return TRUE;
}

static void
hold_process (WeirTask *task, const WeirChunk *in)
{
  WeirHeld *held = *(WeirHeld **) task->instance;

  if (!reserve (task, held, held->n + in->n))
    return;
  for (guint i = 0; i < in->n; i++) {
    WeirHeldElement *element = &held->elements[held->n++];

    element->is_pair = in->keys != NULL;
    element->value = in->values[i];
    if (element->is_pair)
      element->key = in->keys[i];
  }
}

static const WeirOpClass hold_class = {
  .verb = "held",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (WeirHeld *),
  .process = hold_process,
};

void
weir_held_open (WeirTask *task, WeirHeld *held)
{
  WeirTask *end;

  if (!task->task_run->run->rejects_errors)
    return;
  end = weir_task_link_new (task->task_run, task->op, &hold_class, NULL);
  if (end != NULL)
    held->inner = weir_task_link_new (task->task_run, task->op, task->klass, end);
  if (held->inner == NULL) {
    weir_task_fail_memory (task);
    return;
  }
  held->inner->is_again = task->is_again;
  *(WeirHeld **) end->instance = held;
}

void
weir_held_begin (WeirTask *task, WeirHeld *held)
{
  held->inner->rejects = g_steal_pointer (&task->rejects);
  weir_task_shield (held->inner);
}

void
weir_held_end (WeirTask *task, WeirHeld *held)
{
  weir_task_unshield (held->inner);
  weir_task_end_rejects (held->inner);
  task->rejects = g_steal_pointer (&held->inner->rejects);
}

gboolean
weir_held_take (WeirHeld *held, WeirValue record)
{
  gboolean is_well = !held->inner->has_failed;

  weir_task_flush (held->inner);
  weir_task_settle (held->inner, record);
  if (!is_well)
    held->n = 0;
  return is_well;
}

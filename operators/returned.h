/* What a function of the job returned, on its way into a chunk. It may point into its arguments, into task memory or
 * into memory that outlives the context, hence nothing is copied, but for containers that may sit in a cell of the
 * caller's loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"
#include "engine/value-copy.h"

static inline WeirValue
weir_returned_take (WeirTask *task, WeirValue value)
{
  if (G_UNLIKELY ((value.flags & WEIR_VALUE_BORROWED) != 0 && value.kind >= WEIR_PAIR))
    return weir_keep (task, value);
  value.flags &= (guint8) ~WEIR_VALUE_BORROWED;
  return value;
}

static inline void
weir_returned_emit (WeirTask *task, WeirValue value)
{
  WeirTaskHead *head = &task->head;
  WeirValue *out;

  if (value.kind == WEIR_PAIR) {
    weir_emit_pair (task, weir_returned_take (task, value.cells[0]), weir_returned_take (task, value.cells[1]));
    return;
  }
  if (G_UNLIKELY (value.kind == WEIR_LIST || head->has_keys)) {
    weir_emit (task, weir_returned_take (task, value));
    return;
  }
  /* Stored as it came and mended in memory: in registers, compilers take the value apart and put it together again. */
  out = &head->values[head->n_elements];
  *out = value;
  out->flags = 0;
  if (G_UNLIKELY (++head->n_elements == head->capacity))
    weir_task_flush (task);
}

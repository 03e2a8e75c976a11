/* A map whose next operator is a filter, as one loop: results that are plain values don't wait in a chunk of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"
#include "operators/function.h"

/* Does what follows @task only say, by a WeirFilterFunc of its own, which elements stay? */
static inline gboolean
weir_map_filter_applies (const WeirTask *task)
{
  return (task->next->klass->flags & WEIR_OP_SIEVES) != 0;
}

/* Puts plain results that stay into the next link's open chunk, up to the first that is none, which is @odd: its index. */
guint weir_map_filter (WeirTask *task, const WeirFunction *map, const WeirChunk *in, WeirValue *odd);

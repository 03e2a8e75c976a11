/* What a function emits for one record, held until it is known not to have failed: where on.error=reject, a record that
 * is rejected leaves nothing behind. Elsewhere nothing is held, and the function emits into the task itself.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"

typedef struct {
  WeirValue key, value;
  gboolean is_pair;
} WeirHeldElement;

/* Part of a link's instance. Its memory is the task's. */
typedef struct {
  WeirTask *inner; /* for the function; NULL: nothing is held */
  WeirHeldElement *elements;
  gsize n, capacity;
} WeirHeld;

void weir_held_open (WeirTask *task, WeirHeld *held);
/* Around the calls for a chunk's records. */
void weir_held_begin (WeirTask *task, WeirHeld *held);
void weir_held_end (WeirTask *task, WeirHeld *held);
/* After the call for @record: TRUE, it was well, and held->elements are what was emitted; FALSE: it has been rejected. */
gboolean weir_held_take (WeirHeld *held, WeirValue record);

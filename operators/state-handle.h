/* What a function of map_with_state gets of its key: the state as it is, and what the function wants it to be. Nothing
 * that it was handed out changes before it returns, except what it edits in place.
 *
 * Belongs to the call. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/state.h>

#include "engine/keyed-state.h"
#include "engine/task.h"

struct _WeirState {
  WeirTask *task;
  WeirKeyedState *state;
  WeirStateGroup *group;
  guint32 entry;     /* WEIR_NO_ENTRY: there is none yet */
  WeirValue pending; /* in task memory, where is_updated */
  gboolean is_updated, is_edited, is_removed, is_timing_out;
};

static inline void
weir_state_begin (WeirState *st, guint32 entry, gboolean is_timing_out)
{
  st->entry = entry;
  st->is_updated = st->is_edited = st->is_removed = FALSE;
  st->is_timing_out = is_timing_out;
}

/* Does what the function asked for. FALSE: the task has failed. */
gboolean weir_state_commit (WeirState *st, const WeirKey *key);

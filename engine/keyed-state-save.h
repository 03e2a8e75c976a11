/* Keyed state as checkpoints keep it: what changed since the last one, by group, and pages that are rewritten in turn so
 * that a restart has not far to go back. Worker threads, one slice at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/keyed-state.h"
#include "engine/saver.h"
#include "engine/task.h"

/* Writes what changed; @index: of the slice. A value that cannot be written fails the task. */
void weir_keyed_state_save (WeirKeyedState *state, WeirTask *task, guint index, WeirSaver *saver);
/* Takes what belongs to the slice; weir_keyed_state_settle () when all has been given. */
void weir_keyed_state_load (WeirKeyedState *state, WeirTask *task, const WeirSection *section);
/* Passes each state to op->upgrade if it was saved in another version. After settling; the function's failures are the
 * task's. */
void weir_keyed_state_upgrade (WeirKeyedState *state, WeirTask *task);
/* Can states of the saved version be read? Fails the task if not. */
gboolean weir_keyed_state_check_version (WeirTask *task);
void weir_keyed_state_fail_memory (WeirTask *task, const WeirKeyedState *state);

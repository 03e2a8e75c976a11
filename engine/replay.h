/* Batches that were planned before a restart, and opening again after a failure. Loop thread, or whoever starts before
 * it runs. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/engine.h"

gboolean weir_replay_is_left (const WeirEngine *engine);
/* Plans the next one; FALSE: there is none, or its sources do not have its data yet. */
gboolean weir_replay_next (WeirEngine *engine);
void weir_replay_drop (WeirEngine *engine); /* what is left of them */
/* What is to be done after the last sealed batch; counts it where a test ticks. Also before the loop runs. */
void weir_replay_set_out (WeirEngine *engine);
/* The times that were missed while nothing ran, and when the next batch is due. */
void weir_replay_catch_up (WeirEngine *engine);
/* Is the context to be opened again after @error? Counts it. */
gboolean weir_reopen_is_due (WeirEngine *engine, const GError *error);
void weir_reopen (WeirEngine *engine);              /* nothing runs any more */
void weir_driver_count_sealed (WeirEngine *engine); /* the context was opened again: what is sealed is complete */

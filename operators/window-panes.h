/* Sliding aggregates by key: one slice of a window, for functions that need no inverse.
 *
 * Each key has two stacks (Tangwongsan, Hirzel, Schneider: "General incremental sliding-window aggregation", 2015):
 * `back` aggregates the panes since the key's last rebuild, `front` all panes before. What is left when the oldest pane
 * goes is found in the pane itself, so that a key costs one combination to enter, one to leave none, one to read. A key
 * is rebuilt about once each length of the window; when, depends on its number, so that every slide rebuilds the same
 * share of the keys and none is slow. One thread at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "operators/window-pane.h"

typedef struct _WeirPanes WeirPanes;

/* @n_panes: length of the window in panes; hashes from @from to @until belong to the slice. */
WeirPanes *weir_panes_new (WeirMemory *memory, guint n_panes, guint64 from, guint64 until);
void weir_panes_free (WeirPanes *panes);
gsize weir_panes_n_keys (const WeirPanes *panes);
/* The keys with their numbers, if a pane like the last one is better written into columns; else NULL. */
const WeirWindowKeys *weir_panes_column_keys (const WeirPanes *panes);

/* Moves on to pane @number (greater than the last one): what is as old as the window is long leaves; @source may be
 * NULL. The function is task->op's WeirReduceParams. FALSE: the task has failed. */
gboolean weir_panes_enter (WeirPanes *panes, WeirTask *task, gint64 number, const WeirPaneSource *source);
/* Goes through what pane @number holds, as long as it is the last one. *at begins at 0; FALSE at the end. */
gboolean weir_panes_next (const WeirPanes *panes, gint64 number, gsize *at, WeirValue *key, WeirValue *value);

/* Emits up to a chunk of (key, aggregate), in the order of (hash, key); *at begins at 0; FALSE at the end. */
gboolean weir_panes_emit (const WeirPanes *panes, WeirTask *task, gsize *at);

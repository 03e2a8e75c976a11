/* What the panes of a slice are, and their rebuild, which is the only part of a slide that knows more than the oldest and the
 * newest of them (operators/window-panes.h has the rest).
 *
 * Pane k of a window of W panes leaves at step k + W. The shards of the keys are rebuilt in turn, each once a cycle of P
 * steps, P <= W. The rebuild that begins with pane T goes through the panes T - P + 1 to T, newest first: the value in
 * each becomes what remains of them once that pane has left, and `scan` gathers what they come to. As P panes at once
 * would touch each of them in too small a place, a rebuild is spread over R = `spread` steps, in which R times as many
 * keys are rebuilt. Meanwhile what enters is added to `back`, which still is what came after the last rebuild, and to
 * `next`. When pane T - P has left, hence none is left in `front`, `scan` becomes `front` and `next` becomes `back`:
 * at the end of step T + W - P. The R steps have passed by then, as P = R * S, the number of shards being
 * S = (W + 1) / R - 1. Where W is small, R is 1, and nothing enters before that.
 *
 * One thread at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "operators/window-panes.h"

struct _WeirPanes {
  WeirPaneStore store;
  gint64 last; /* the newest step */
  guint length;
  guint spread;
  gsize n_last;  /* keys in the pane that entered last */
  GArray *panes; /* of WeirPane, oldest first */
};

/* The share of a rebuild that is a step's, the newest pane being @step. FALSE: the task has failed. */
gboolean weir_rebuild_step (WeirPanes *panes, WeirTask *task, gint64 step);
/* The newest pane enters what rebuilds that are under way do not gather. FALSE: the task has failed. */
gboolean weir_rebuild_enter (WeirPanes *panes, WeirTask *task, const WeirPane *pane);

static inline WeirPane *
weir_panes_at (const WeirPanes *panes, guint i)
{
  return &g_array_index (panes->panes, WeirPane, i);
}

/* Of a column: how many ranks of the shard there are to walk through. */
static inline guint32
weir_panes_ranks_of (const WeirPanes *panes, const WeirPane *pane, guint shard)
{
  return MIN (pane->n_ranks, panes->store.keys.shards[shard].n_ranks);
}

static inline void
weir_panes_drop (WeirPanes *panes, WeirValue *kept)
{
  if (G_UNLIKELY (kept->kind >= WEIR_TEXT))
    weir_cells_drop (&panes->store.cells, kept);
  *kept = WEIR_NO_VALUE;
}

/* @value owns its cell. */
static inline void
weir_panes_replace (WeirPanes *panes, WeirValue *kept, WeirValue value)
{
  if (G_UNLIKELY (kept->kind >= WEIR_TEXT))
    weir_cells_drop (&panes->store.cells, kept);
  *kept = value;
}

/* FALSE: the task has failed. */
static inline gboolean
weir_panes_enter_value (WeirPanes *panes, WeirTask *task, WeirValue *back, const WeirValue *value)
{
  if (G_UNLIKELY (WEIR_IS_NO_VALUE (*back)))
    return weir_pane_keep (&panes->store, task, back, *value);
  return weir_pane_reduce (&panes->store, task, back, back, value);
}

/* Of a column's values, those that are there. FALSE: the task has failed. */
static inline gboolean
weir_panes_enter_ranks (WeirPanes *panes, WeirTask *task, WeirValue *backs, const WeirValue *values, guint32 n)
{
  gboolean ok = TRUE;

  for (guint32 i = 0; i < n; i++)
    if (!WEIR_IS_ABSENT (values[i]))
      ok &= weir_panes_enter_value (panes, task, &backs[i], &values[i]);
  return ok;
}

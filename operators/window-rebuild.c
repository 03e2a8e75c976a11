/* Owns the rebuild of a window's panes. Must not know what comes in or goes out with a slide.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-rebuild.h"

/* Panes and bytes that are asked for before they are needed. */
#define PREFETCH_PANES 2
#define PREFETCH_MOST  2048

static gboolean
rebuild_cells (WeirPanes *panes, WeirTask *task, WeirValue *scan, WeirValue *value)
{
  WeirValue raw = *value;

  *value = WEIR_NO_VALUE;
  if (WEIR_IS_NO_VALUE (*scan)) {
    *scan = raw; /* and its cell */
    return TRUE;
  }
  if (!weir_pane_keep (&panes->store, task, value, *scan) || !weir_pane_reduce (&panes->store, task, scan, &raw, scan))
    return FALSE;
  weir_panes_drop (panes, &raw);
  return TRUE;
}

/* The value becomes what remains of its key after the pane, and is put before what `scan` has gathered. */
static inline gboolean
rebuild_value (WeirPanes *panes, WeirTask *task, WeirValue *scan, WeirValue *value)
{
  WeirPaneStore *store = &panes->store;
  WeirValue reduced;

  if (G_UNLIKELY (weir_pane_has_cells (*value, *scan)))
    return rebuild_cells (panes, task, scan, value);
  if (G_UNLIKELY (WEIR_IS_NO_VALUE (*scan))) {
    *scan = *value;
    *value = WEIR_NO_VALUE;
    return TRUE;
  }
  if (store->is_sum) {
    const WeirValue raw = *value;

    *value = *scan;
    return weir_pane_reduce (store, task, scan, &raw, scan);
  }
  reduced = store->f (task, *value, *scan, store->user_data);
  *value = *scan;
  return weir_pane_take (store, task, scan, reduced);
}

static gboolean
rebuild_list (WeirPanes *panes, WeirTask *task, const WeirPane *pane, guint shard)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  gboolean ok = TRUE;

  for (gsize i = weir_pane_first (&panes->store, pane, shard); ok && i < pane->n && pane->entries[i].shard == shard;
       i++)
    ok = rebuild_value (panes, task, &keys->scans[weir_place_of (pane->entries[i].number, keys->capacity)],
                        &pane->entries[i].value);
  return ok;
}

/* What is rebuilt of a pane has not been looked at for long. */
static inline void
prefetch_shard (const WeirPane *pane, guint shard)
{
  const char *first = (const char *) (pane->values + (gsize) shard * pane->n_ranks);
  gsize size = MIN (pane->n_ranks * sizeof (WeirValue), PREFETCH_MOST);

  for (gsize at = 0; at < size; at += 64)
    __builtin_prefetch (first + at, 1);
}

static gboolean
rebuild_column (WeirPanes *panes, WeirTask *task, const WeirPane *pane, guint shard)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  const guint32 n_ranks = weir_panes_ranks_of (panes, pane, shard);
  WeirValue *scans = keys->scans + (gsize) shard * keys->capacity;
  WeirValue *values = pane->values + (gsize) shard * pane->n_ranks;

  for (guint32 i = 0; i < n_ranks; i++)
    if (!WEIR_IS_ABSENT (values[i]) && !rebuild_value (panes, task, &scans[i], &values[i]))
      return FALSE;
  return TRUE;
}

/* How many panes there are up to @number. */
static guint
count_until (const WeirPanes *panes, gint64 number)
{
  guint n = panes->panes->len;

  if (n > 0 && number < weir_panes_at (panes, n - 1)->number) /* there is no more than one of each number */
    n = (guint) CLAMP (number - weir_panes_at (panes, 0)->number + 1, 0, n);
  while (n > 0 && weir_panes_at (panes, n - 1)->number > number)
    n--;
  return n;
}

/* The panes after @from, up to @until, newest first, so that each value finds what came after it in `scan`. */
static gboolean
rebuild_panes (WeirPanes *panes, WeirTask *task, guint shard, gint64 from, gint64 until)
{
  gboolean ok = TRUE;

  for (guint i = count_until (panes, until); ok && i > 0 && weir_panes_at (panes, i - 1)->number > from; i--) {
    const WeirPane *pane = weir_panes_at (panes, i - 1), *soon = i > PREFETCH_PANES ? pane - PREFETCH_PANES : NULL;

    if (soon != NULL && soon->values != NULL)
      prefetch_shard (soon, shard);
    ok = pane->values == NULL ? rebuild_list (panes, task, pane, shard) : rebuild_column (panes, task, pane, shard);
  }
  return ok;
}

static void
end_rebuild (WeirPanes *panes, guint shard)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  const gsize first = (gsize) shard * keys->capacity;

  for (gsize i = first; i < first + keys->shards[shard].n_ranks; i++) {
    weir_panes_replace (panes, &keys->fronts[i], keys->scans[i]);
    weir_panes_replace (panes, &keys->backs[i], keys->nexts[i]);
    keys->scans[i] = WEIR_NO_VALUE;
    keys->nexts[i] = WEIR_NO_VALUE;
  }
}

static guint
shard_at (const WeirPanes *panes, gint64 start)
{
  return (guint) (start / panes->spread % panes->store.keys.n_shards);
}

/* How many steps after its start a rebuild ends. */
static gint64
rebuild_time (const WeirPanes *panes)
{
  return (gint64) panes->length - (gint64) panes->spread * panes->store.keys.n_shards;
}

gboolean
weir_rebuild_step (WeirPanes *panes, WeirTask *task, gint64 step)
{
  const guint n_panes = panes->store.keys.n_shards; /* as many as there are shards */
  const gint64 start = step - step % panes->spread, until = start - step % panes->spread * n_panes;
  const gint64 ends = step - rebuild_time (panes); /* this one's start */

  if (!rebuild_panes (panes, task, shard_at (panes, start), until - n_panes, until))
    return FALSE;
  if (ends >= 0 && ends % panes->spread == 0)
    end_rebuild (panes, shard_at (panes, ends));
  return weir_task_is_going (task);
}

/* What enters while a rebuild is under way is not part of it. FALSE: the task has failed. */
static gboolean
enter_shard_next (WeirPanes *panes, WeirTask *task, const WeirPane *pane, guint shard)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  gboolean ok = TRUE;

  for (gsize i = weir_pane_first (&panes->store, pane, shard); i < pane->n && pane->entries[i].shard == shard; i++)
    ok &= weir_panes_enter_value (panes, task, &keys->nexts[weir_place_of (pane->entries[i].number, keys->capacity)],
                                  &pane->entries[i].value);
  if (pane->values != NULL)
    ok &= weir_panes_enter_ranks (panes, task, keys->nexts + (gsize) shard * keys->capacity,
                                  pane->values + (gsize) shard * pane->n_ranks,
                                  MIN (pane->n_ranks, keys->shards[shard].n_ranks));
  return ok;
}

/* FALSE: the task has failed. */
gboolean
weir_rebuild_enter (WeirPanes *panes, WeirTask *task, const WeirPane *pane)
{
  const gint64 last = pane->number - 1, spread = panes->spread;
  gboolean ok = TRUE;

  for (gint64 start = last - last % spread; start >= 0 && start >= pane->number - rebuild_time (panes); start -= spread)
    ok &= enter_shard_next (panes, task, pane, shard_at (panes, start));
  return ok;
}

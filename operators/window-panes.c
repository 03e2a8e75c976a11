/* Owns the panes of one slice of a sliding window, and what they come to. Must not know batches, streams or where panes
 * come from.
 *
 * Memory is what a slide costs, so nothing is looked up: values lie in columns by the number of their key, and a slide
 * walks through them from front to back. A pane that has few of the keys is a list in the order of the shards instead.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-panes.h"

#include "operators/window-rebuild.h"

#define PREFETCH_KEYS 16 /* that are asked for before they are needed */

WeirPanes *
weir_panes_new (WeirMemory *memory, guint n_panes, guint64 from, guint64 until)
{
  WeirPanes *panes = g_new0 (WeirPanes, 1);

  panes->length = n_panes;
  panes->last = G_MININT64;
  panes->spread = (n_panes + 1 + WEIR_SHARDS_MOST) / (WEIR_SHARDS_MOST + 1);
  weir_window_keys_init (&panes->store.keys, memory, (n_panes + 1) / panes->spread - 1, from, until);
  weir_cells_init (&panes->store.cells, memory);
  panes->panes = g_array_new (FALSE, FALSE, sizeof (WeirPane));
  return panes;
}

void
weir_panes_free (WeirPanes *panes)
{
  for (guint i = 0; i < panes->panes->len; i++)
    weir_block_unref (weir_panes_at (panes, i)->block);
  g_array_unref (panes->panes);
  weir_cells_clear (&panes->store.cells);
  weir_window_keys_clear (&panes->store.keys);
  g_free (panes);
}

gsize
weir_panes_n_keys (const WeirPanes *panes)
{
  return panes->store.keys.n;
}

const WeirWindowKeys *
weir_panes_column_keys (const WeirPanes *panes)
{
  return panes->n_last > 0 && weir_pane_is_dense (&panes->store, panes->n_last) ? &panes->store.keys : NULL;
}

static void
forget_key (WeirPanes *panes, guint32 number)
{
  gsize at = weir_place_of (number, panes->store.keys.capacity);

  weir_panes_drop (panes, &panes->store.keys.fronts[at]);
  weir_panes_drop (panes, &panes->store.keys.backs[at]);
  weir_panes_drop (panes, &panes->store.keys.scans[at]);
  weir_panes_drop (panes, &panes->store.keys.nexts[at]);
  weir_window_keys_remove (&panes->store.keys, number);
}

/* The key loses its oldest pane, in which it has @rest. FALSE: that was the last one. */
static inline gboolean
leave_key (WeirPanes *panes, WeirValue *front, guint32 *n_panes, WeirValue rest)
{
  weir_panes_replace (panes, front, rest);
  return --*n_panes > 0;
}

static void
leave_shard (WeirPanes *panes, guint shard, const WeirValue *values, guint32 n_ranks)
{
  const gsize first = (gsize) shard * panes->store.keys.capacity;
  WeirValue *fronts = panes->store.keys.fronts + first;
  guint32 *n_panes = panes->store.keys.n_panes + first;

  for (guint32 rank = 0; rank < n_ranks; rank++)
    if (!WEIR_IS_ABSENT (values[rank]) && G_UNLIKELY (!leave_key (panes, &fronts[rank], &n_panes[rank], values[rank])))
      forget_key (panes, shard << WEIR_RANK_BITS | rank);
}

static void
leave_list (WeirPanes *panes, const WeirPane *pane)
{
  const WeirWindowKeys *keys = &panes->store.keys;

  for (gsize i = 0; i < pane->n; i++) {
    const WeirPaneEntry *entry = &pane->entries[i];
    gsize at = weir_place_of (entry->number, keys->capacity);

    if (!leave_key (panes, &keys->fronts[at], &keys->n_panes[at], entry->value))
      forget_key (panes, entry->number);
  }
}

static void
leave_pane (WeirPanes *panes, const WeirPane *pane)
{
  leave_list (panes, pane);
  for (guint shard = 0; pane->values != NULL && shard < panes->store.keys.n_shards; shard++)
    leave_shard (panes, shard, pane->values + (gsize) shard * pane->n_ranks, weir_panes_ranks_of (panes, pane, shard));
}

static void
leave (WeirPanes *panes, gint64 until)
{
  guint n = 0;

  for (; n < panes->panes->len && weir_panes_at (panes, n)->number <= until; n++) {
    leave_pane (panes, weir_panes_at (panes, n));
    weir_block_unref (weir_panes_at (panes, n)->block);
  }
  if (n > 0)
    g_array_remove_range (panes->panes, 0, n);
}

/* All panes, at once: nothing is left of any key, were it one that is held. */
static void
leave_all (WeirPanes *panes)
{
  leave (panes, G_MAXINT64);
  for (gsize i = 0; i < (gsize) panes->store.keys.capacity * panes->store.keys.n_shards; i++) {
    weir_panes_drop (panes, &panes->store.keys.fronts[i]);
    weir_panes_drop (panes, &panes->store.keys.backs[i]);
    weir_panes_drop (panes, &panes->store.keys.scans[i]);
    weir_panes_drop (panes, &panes->store.keys.nexts[i]);
  }
}

/* Returns how many there are. */
static gsize
hold_ranks (guint32 *n_panes, const WeirValue *values, guint32 n)
{
  gsize n_held = 0;

  for (guint32 i = 0; i < n; i++) {
    guint is_there = !WEIR_IS_ABSENT (values[i]);

    n_panes[i] += is_there;
    n_held += is_there;
  }
  return n_held;
}

/* Keys of the pane stay while older panes leave. */
static void
hold_keys (WeirPanes *panes, const WeirPane *pane)
{
  const WeirWindowKeys *keys = &panes->store.keys;

  panes->n_last = pane->n;
  for (gsize i = 0; i < pane->n; i++)
    keys->n_panes[weir_place_of (pane->entries[i].number, keys->capacity)]++;
  for (guint shard = 0; pane->values != NULL && shard < keys->n_shards; shard++)
    panes->n_last +=
        hold_ranks (keys->n_panes + (gsize) shard * keys->capacity, pane->values + (gsize) shard * pane->n_ranks,
                    weir_panes_ranks_of (panes, pane, shard));
}

/* FALSE: the task has failed. */
static gboolean
enter_keys (WeirPanes *panes, WeirTask *task, const WeirPane *pane)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  gboolean ok = TRUE;

  for (gsize i = 0; i < pane->n; i++)
    ok &= weir_panes_enter_value (panes, task, &keys->backs[weir_place_of (pane->entries[i].number, keys->capacity)],
                                  &pane->entries[i].value);
  for (guint shard = 0; pane->values != NULL && shard < keys->n_shards; shard++)
    ok &=
        weir_panes_enter_ranks (panes, task, keys->backs + (gsize) shard * keys->capacity,
                                pane->values + (gsize) shard * pane->n_ranks, weir_panes_ranks_of (panes, pane, shard));
  return ok;
}

/* A key that one of the two panes does not have. Returns how many entered. */
static G_GNUC_NO_INLINE guint32
exchange_one (WeirPanes *panes, WeirTask *task, guint32 number, const WeirValue *old, const WeirValue *new)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  const gsize at = weir_place_of (number, keys->capacity);
  const gboolean enters = !WEIR_IS_ABSENT (*new), leaves = !WEIR_IS_ABSENT (*old);

  if (enters)
    weir_panes_enter_value (panes, task, &keys->backs[at], new);
  if (leaves)
    weir_panes_replace (panes, &keys->fronts[at], *old);
  if (enters || leaves)
    keys->n_panes[at] += enters ? 1 : -1;
  if (leaves && keys->n_panes[at] == 0)
    forget_key (panes, number);
  return enters;
}

/* One walk where a column leaves as another enters: the shard's ranks that both have. */
static G_GNUC_NO_INLINE void
exchange_ranks (WeirPanes *panes, WeirTask *task, guint shard, const WeirValue *olds, const WeirValue *news, guint32 n)
{
  const gsize first = (gsize) shard * panes->store.keys.capacity;
  WeirValue *fronts = panes->store.keys.fronts + first, *backs = panes->store.keys.backs + first;
  guint32 n_entered = n;

  for (guint32 rank = 0; rank < n; rank++) {
    if (G_UNLIKELY (WEIR_IS_ABSENT (news[rank]) || WEIR_IS_ABSENT (olds[rank]))) {
      n_entered -= 1 - exchange_one (panes, task, shard << WEIR_RANK_BITS | rank, &olds[rank], &news[rank]);
      continue;
    }
    weir_panes_replace (panes, &fronts[rank], olds[rank]);
    weir_panes_enter_value (panes, task, &backs[rank], &news[rank]);
  }
  panes->n_last += n_entered;
}

static void
exchange_shard (WeirPanes *panes, WeirTask *task, guint shard, const WeirPane *leaving, const WeirPane *entering)
{
  const WeirValue *olds = leaving->values + (gsize) shard * leaving->n_ranks;
  const WeirValue *news = entering->values + (gsize) shard * entering->n_ranks;
  const gsize first = (gsize) shard * panes->store.keys.capacity;
  const guint32 n_ranks = weir_panes_ranks_of (panes, entering, shard), n = MIN (n_ranks, leaving->n_ranks);

  exchange_ranks (panes, task, shard, olds, news, n);
  panes->n_last += hold_ranks (panes->store.keys.n_panes + first + n, news + n, n_ranks - n);
  weir_panes_enter_ranks (panes, task, panes->store.keys.backs + first + n, news + n, n_ranks - n);
}

/* The step's share is rebuilt, then all columns are walked through once. FALSE: the task has failed. */
static gboolean
exchange (WeirPanes *panes, WeirTask *task, const WeirPane *entering)
{
  const WeirPane *leaving;

  if (!weir_rebuild_step (panes, task, panes->last))
    return FALSE;
  panes->last = entering->number;
  leaving = weir_panes_at (panes, 0);
  for (guint shard = 0; shard < panes->store.keys.n_shards; shard++)
    exchange_shard (panes, task, shard, leaving, entering);
  weir_block_unref (leaving->block);
  g_array_remove_index (panes->panes, 0);
  return weir_task_is_going (task);
}

/* Does the next pane come as a column while one that is a column, with no more ranks, leaves? */
static gboolean
can_exchange (const WeirPanes *panes, const WeirPane *entering)
{
  const WeirPane *oldest = panes->panes->len > 0 ? weir_panes_at (panes, 0) : NULL;

  return oldest != NULL && entering->values != NULL && entering->number == panes->last + 1 &&
         oldest->number == entering->number - panes->length && oldest->values != NULL;
}

/* The share of a step is rebuilt when the next one begins: until then the newest pane is as it came. */
static gboolean
move_to (WeirPanes *panes, WeirTask *task, gint64 number)
{
  gint64 step = panes->last;

  if (step == G_MININT64 || number - step > panes->length) {
    leave_all (panes);
    step = number;
  }
  for (; step < number; step++) {
    if (!weir_rebuild_step (panes, task, step))
      return FALSE;
    leave (panes, step + 1 - panes->length);
  }
  panes->last = number;
  return TRUE;
}

static gboolean
move_and_enter (WeirPanes *panes, WeirTask *task, const WeirPane *entering)
{
  gboolean ok;

  if (can_exchange (panes, entering)) {
    ok = exchange (panes, task, entering);
  } else {
    hold_keys (panes, entering);
    ok = move_to (panes, task, entering->number) && enter_keys (panes, task, entering);
  }
  return ok && weir_rebuild_enter (panes, task, entering);
}

/* What tasks have found is put together as records are: what cannot be combined is rejected. */
static gboolean
make_pane (WeirPanes *panes, WeirTask *task, WeirPane *pane, const WeirPaneSource *source)
{
  gboolean ok;

  if (source == NULL)
    return TRUE;
  weir_task_shield (task);
  ok = weir_pane_make (&panes->store, task, pane, source);
  weir_task_unshield (task);
  return ok;
}

gboolean
weir_panes_enter (WeirPanes *panes, WeirTask *task, gint64 number, const WeirPaneSource *source)
{
  WeirPane pane = { .number = number };
  gboolean ok;

  g_assert (number > panes->last);
  weir_pane_begin (&panes->store, task);
  panes->n_last = 0;
  /* First: columns were written with the numbers that keys had before any of them left. */
  ok = make_pane (panes, task, &pane, source) && move_and_enter (panes, task, &pane);
  if (ok && panes->n_last > 0)
    g_array_append_val (panes->panes, pane);
  else if (pane.block != NULL)
    weir_block_unref (pane.block);
  return ok && weir_task_is_going (task);
}

gboolean
weir_panes_next (const WeirPanes *panes, gint64 number, gsize *at, WeirValue *key, WeirValue *value)
{
  const WeirPane *pane = panes->panes->len > 0 ? weir_panes_at (panes, panes->panes->len - 1) : NULL;

  return pane != NULL && pane->number == number && weir_pane_next (&panes->store, pane, at, key, value);
}

/* The keys at @places, into the open chunk; their values will have come from memory by then. */
static void
emit_keys (const WeirWindowKeys *from, const guint32 *places, guint n, WeirValue *to)
{
  const WeirKey *keys = from->keys;
  const WeirValue *fronts = from->fronts, *backs = from->backs;

  for (guint i = 0; i < n; i++) {
    __builtin_prefetch (&keys[places[i + PREFETCH_KEYS]]);
    __builtin_prefetch (&fronts[places[i]]);
    __builtin_prefetch (&backs[places[i]]);
    to[i] = weir_key_value (&keys[places[i]]);
  }
}

/* In memory: what comes from two places compilers take apart and put together again in registers. */
static inline void
put_result (const WeirWindowKeys *from, WeirTask *task, const WeirReduceParams *params, gsize at, WeirValue *to)
{
  const WeirValue *front = &from->fronts[at], *back = &from->backs[at];

  if (G_UNLIKELY (WEIR_IS_NO_VALUE (*front)))
    *to = *back;
  else if (G_UNLIKELY (WEIR_IS_NO_VALUE (*back)))
    *to = *front;
  else
    weir_pane_reduce_two (task, params, &from->keys[at], front, back, to);
}

static void
emit_values (const WeirWindowKeys *from, WeirTask *task, const guint32 *places, guint n)
{
  const WeirReduceParams *params = task->op->params;
  const WeirRun *run = task->task_run->run;
  WeirValue *values = task->head.values;

  for (guint i = 0; i < n && !weir_run_has_failed (run); i++) {
    put_result (from, task, params, places[i], &values[i]);
    if (params->finish != NULL)
      values[i] = params->finish (task, values[i], params->user_data);
    task->head.n_elements = i + 1;
  }
}

gboolean
weir_panes_emit (const WeirPanes *panes, WeirTask *task, gsize *at)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  guint32 places[WEIR_CHUNK_SIZE + PREFETCH_KEYS];
  guint n = weir_window_keys_next (keys, at, places, WEIR_CHUNK_SIZE);

  for (guint i = n; n > 0 && i < n + PREFETCH_KEYS; i++)
    places[i] = places[n - 1]; /* that can be asked for, too */
  weir_task_reserve (task, TRUE);
  emit_keys (keys, places, n, task->head.keys);
  emit_values (keys, task, places, n);
  weir_task_flush (task);
  return n > 0;
}

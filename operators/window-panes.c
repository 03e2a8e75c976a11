/* Owns the panes of one slice of a sliding window, and what they come to. Must not know batches, streams or where panes
 * come from.
 *
 * Pane k of a window of W panes leaves at step k + W. A key whose number has the phase p is rebuilt after the steps
 * k = p (mod W), when pane k - W has left and pane k has entered: then every value of the key is raw, and becomes what
 * remains of the window once that pane has left. It will have left before the next rebuild, W steps on.
 *
 * Memory is what a slide costs, so nothing is looked up: values lie in columns by the number of their key, and a slide
 * walks through them from front to back. A pane that has few of the keys is a list in the order of the phases instead.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-panes.h"

/* Panes, slots and bytes that are asked for before they are needed. */
#define PREFETCH_PANES 2
#define PREFETCH_KEYS  16
#define PREFETCH_MOST  2048

struct _WeirPanes {
  WeirPaneStore store;
  gint64 last; /* the newest step */
  guint length;
  gsize n_last;  /* keys in the pane that entered last */
  GArray *panes; /* of WeirPane, oldest first */
};

WeirPanes *
weir_panes_new (WeirMemory *memory, guint n_panes, guint64 from, guint64 until)
{
  WeirPanes *panes = g_new0 (WeirPanes, 1);

  panes->length = n_panes;
  panes->last = G_MININT64;
  weir_window_keys_init (&panes->store.keys, memory, n_panes, from, until);
  weir_cells_init (&panes->store.cells, memory);
  panes->panes = g_array_new (FALSE, FALSE, sizeof (WeirPane));
  return panes;
}

static WeirPane *
pane_at (const WeirPanes *panes, guint i)
{
  return &g_array_index (panes->panes, WeirPane, i);
}

void
weir_panes_free (WeirPanes *panes)
{
  for (guint i = 0; i < panes->panes->len; i++)
    weir_block_unref (pane_at (panes, i)->block);
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

static inline void
drop (WeirPanes *panes, WeirValue *kept)
{
  if (G_UNLIKELY (kept->kind >= WEIR_TEXT))
    weir_cells_drop (&panes->store.cells, kept);
  *kept = WEIR_NO_VALUE;
}

static void
forget_key (WeirPanes *panes, guint32 number)
{
  gsize at = weir_place_of (number, panes->store.keys.capacity);

  drop (panes, &panes->store.keys.fronts[at]);
  drop (panes, &panes->store.keys.backs[at]);
  weir_window_keys_remove (&panes->store.keys, number);
}

/* The key loses its oldest pane, in which it has @rest. FALSE: that was the last one. */
static inline gboolean
leave_key (WeirPanes *panes, WeirValue *front, guint32 *n_panes, WeirValue rest)
{
  drop (panes, front);
  *front = rest; /* which owns its cell */
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
    leave_shard (panes, shard, pane->values + (gsize) shard * pane->n_ranks,
                 MIN (pane->n_ranks, panes->store.keys.n_ranks));
}

static void
leave (WeirPanes *panes, gint64 until)
{
  guint n = 0;

  for (; n < panes->panes->len && pane_at (panes, n)->number <= until; n++) {
    leave_pane (panes, pane_at (panes, n));
    weir_block_unref (pane_at (panes, n)->block);
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
    drop (panes, &panes->store.keys.fronts[i]);
    drop (panes, &panes->store.keys.backs[i]);
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
  const guint32 n_ranks = MIN (pane->n_ranks, keys->n_ranks);

  panes->n_last = pane->n;
  for (gsize i = 0; i < pane->n; i++)
    keys->n_panes[weir_place_of (pane->entries[i].number, keys->capacity)]++;
  for (guint shard = 0; pane->values != NULL && shard < keys->n_shards; shard++)
    panes->n_last += hold_ranks (keys->n_panes + (gsize) shard * keys->capacity,
                                 pane->values + (gsize) shard * pane->n_ranks, n_ranks);
}

static inline gboolean
enter_value (WeirPanes *panes, WeirTask *task, WeirValue *back, WeirValue value)
{
  if (WEIR_IS_NO_VALUE (*back))
    return weir_pane_keep (&panes->store, task, back, value);
  return weir_pane_reduce (&panes->store, task, back, *back, value);
}

static gboolean
enter_ranks (WeirPanes *panes, WeirTask *task, WeirValue *backs, const WeirValue *values, guint32 n)
{
  gboolean ok = TRUE;

  for (guint32 i = 0; i < n; i++)
    if (!WEIR_IS_ABSENT (values[i]))
      ok &= enter_value (panes, task, &backs[i], values[i]);
  return ok;
}

/* FALSE: the task has failed. */
static gboolean
enter_keys (WeirPanes *panes, WeirTask *task, const WeirPane *pane)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  const guint32 n_ranks = MIN (pane->n_ranks, keys->n_ranks);
  gboolean ok = TRUE;

  for (gsize i = 0; i < pane->n; i++)
    ok &= enter_value (panes, task, &keys->backs[weir_place_of (pane->entries[i].number, keys->capacity)],
                       pane->entries[i].value);
  for (guint shard = 0; pane->values != NULL && shard < keys->n_shards; shard++)
    ok &= enter_ranks (panes, task, keys->backs + (gsize) shard * keys->capacity,
                       pane->values + (gsize) shard * pane->n_ranks, n_ranks);
  return ok;
}

static gboolean
rebuild_cells (WeirPanes *panes, WeirTask *task, WeirValue *front, WeirValue *value)
{
  WeirValue raw = *value;

  *value = WEIR_NO_VALUE;
  if (WEIR_IS_NO_VALUE (*front)) {
    *front = raw; /* and its cell */
    return TRUE;
  }
  if (!weir_pane_keep (&panes->store, task, value, *front) ||
      !weir_pane_reduce (&panes->store, task, front, raw, *front))
    return FALSE;
  drop (panes, &raw);
  return TRUE;
}

/* The value becomes what remains of its key's window after the pane, and is put before what `front` has gathered. */
static inline gboolean
rebuild_value (WeirPanes *panes, WeirTask *task, WeirValue *front, WeirValue *value)
{
  const WeirValue raw = *value;

  if (G_UNLIKELY (weir_pane_has_cells (raw, *front)))
    return rebuild_cells (panes, task, front, value);
  *value = *front;
  if (!WEIR_IS_NO_VALUE (*front))
    return weir_pane_reduce (&panes->store, task, front, raw, *front);
  *front = raw;
  return TRUE;
}

static gboolean
rebuild_list (WeirPanes *panes, WeirTask *task, WeirPane *pane, guint phase)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  gboolean ok = TRUE;

  for (; ok && pane->next < pane->n && pane->entries[pane->next].phase == phase; pane->next++) {
    WeirPaneEntry *entry = &pane->entries[pane->next];

    ok = rebuild_value (panes, task, &keys->fronts[weir_place_of (entry->number, keys->capacity)], &entry->value);
  }
  if (phase + 1 == panes->length)
    pane->next = 0;
  return ok;
}

static inline WeirValue *
run_of (WeirValue *column, guint32 n_ranks, const WeirPhaseRun *run)
{
  return column + (gsize) run->shard * n_ranks + run->start;
}

/* What is rebuilt of a pane has not been looked at for a window length. */
static inline void
prefetch_run (const WeirPane *pane, const WeirPhaseRun *run)
{
  const char *first = (const char *) run_of (pane->values, pane->n_ranks, run);
  gsize size = MIN ((run->end - run->start) * sizeof (WeirValue), PREFETCH_MOST);

  for (gsize at = 0; at < size; at += 64)
    __builtin_prefetch (first + at, 1);
}

static gboolean
rebuild_run (WeirPanes *panes, WeirTask *task, WeirValue *fronts, WeirValue *values, guint32 n)
{
  for (guint32 i = 0; i < n; i++)
    if (!WEIR_IS_ABSENT (values[i]) && !rebuild_value (panes, task, &fronts[i], &values[i]))
      return FALSE;
  return TRUE;
}

static gboolean
rebuild_column (WeirPanes *panes, WeirTask *task, guint i, guint phase)
{
  const WeirPane *pane = pane_at (panes, i), *soon = i >= PREFETCH_PANES ? pane_at (panes, i - PREFETCH_PANES) : NULL;
  const WeirWindowKeys *keys = &panes->store.keys;
  WeirPhaseRun run;

  for (guint k = 0; weir_phase_run (keys, phase, k, MIN (pane->n_ranks, keys->n_ranks), &run); k++) {
    if (soon != NULL && soon->values != NULL)
      prefetch_run (soon, &run);
    if (!rebuild_run (panes, task, run_of (keys->fronts, keys->capacity, &run),
                      run_of (pane->values, pane->n_ranks, &run), run.end - run.start))
      return FALSE;
  }
  return TRUE;
}

static void
drop_backs (WeirPanes *panes, guint phase)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  WeirPhaseRun run;

  for (guint k = 0; weir_phase_run (keys, phase, k, keys->n_ranks, &run); k++)
    for (guint32 i = 0; i < run.end - run.start; i++)
      drop (panes, run_of (keys->backs, keys->capacity, &run) + i);
}

/* Newest pane first, so that each value finds the aggregate of all that came after it in `front`. */
static gboolean
rebuild (WeirPanes *panes, WeirTask *task, guint phase)
{
  gboolean ok = TRUE;

  drop_backs (panes, phase);
  for (guint i = panes->panes->len; ok && i > 0; i--)
    if (pane_at (panes, i - 1)->values == NULL)
      ok = rebuild_list (panes, task, pane_at (panes, i - 1), phase);
    else
      ok = rebuild_column (panes, task, i - 1, phase);
  return ok && weir_task_is_going (task);
}

/* One walk where a column leaves as another enters: the shard's ranks that both have. FALSE: the task has failed. */
static gboolean
exchange_ranks (WeirPanes *panes, WeirTask *task, guint shard, const WeirValue *olds, const WeirValue *news, guint32 n)
{
  const gsize first = (gsize) shard * panes->store.keys.capacity;
  WeirValue *fronts = panes->store.keys.fronts + first, *backs = panes->store.keys.backs + first;
  guint32 *n_panes = panes->store.keys.n_panes + first;
  gboolean ok = TRUE;
  guint32 n_entered = 0;

  for (guint32 rank = 0; rank < n; rank++) {
    const gboolean enters = !WEIR_IS_ABSENT (news[rank]), leaves = !WEIR_IS_ABSENT (olds[rank]);

    if (enters) {
      n_entered++;
      ok &= enter_value (panes, task, &backs[rank], news[rank]);
    }
    if (leaves) {
      drop (panes, &fronts[rank]);
      fronts[rank] = olds[rank]; /* which owns its cell */
    }
    if (enters == leaves)
      continue;
    n_panes[rank] += enters ? 1 : -1;
    if (n_panes[rank] == 0)
      forget_key (panes, shard << WEIR_RANK_BITS | rank);
  }
  panes->n_last += n_entered;
  return ok;
}

/* FALSE: the task has failed. */
static gboolean
exchange_shard (WeirPanes *panes, WeirTask *task, guint shard, const WeirPane *leaving, const WeirPane *entering)
{
  const WeirValue *olds = leaving->values + (gsize) shard * leaving->n_ranks;
  const WeirValue *news = entering->values + (gsize) shard * entering->n_ranks;
  const gsize first = (gsize) shard * panes->store.keys.capacity;
  const guint32 n_ranks = MIN (entering->n_ranks, panes->store.keys.n_ranks), n = MIN (n_ranks, leaving->n_ranks);
  gboolean ok = exchange_ranks (panes, task, shard, olds, news, n);

  panes->n_last += hold_ranks (panes->store.keys.n_panes + first + n, news + n, n_ranks - n);
  return enter_ranks (panes, task, panes->store.keys.backs + first + n, news + n, n_ranks - n) && ok;
}

/* The step's phase is rebuilt, then all columns are walked through once. FALSE: the task has failed. */
static gboolean
exchange (WeirPanes *panes, WeirTask *task, const WeirPane *entering)
{
  const WeirPane *leaving;
  gboolean ok = TRUE;

  if (!rebuild (panes, task, (guint) (panes->last % panes->length)))
    return FALSE;
  panes->last = entering->number;
  leaving = pane_at (panes, 0);
  for (guint shard = 0; shard < panes->store.keys.n_shards; shard++)
    ok &= exchange_shard (panes, task, shard, leaving, entering);
  weir_block_unref (leaving->block);
  g_array_remove_index (panes->panes, 0);
  return ok;
}

/* Does the next pane come as a column while one that is a column, with no more ranks, leaves? */
static gboolean
can_exchange (const WeirPanes *panes, const WeirPane *entering)
{
  const WeirPane *oldest = panes->panes->len > 0 ? pane_at (panes, 0) : NULL;

  return oldest != NULL && entering->values != NULL && entering->number == panes->last + 1 &&
         oldest->number == entering->number - panes->length && oldest->values != NULL;
}

/* The phase of a step is rebuilt when the next one begins: until then the newest pane is as it came. */
static gboolean
move_to (WeirPanes *panes, WeirTask *task, gint64 number)
{
  gint64 step = panes->last;

  if (step == G_MININT64 || number - step > panes->length) {
    leave_all (panes);
    step = number;
  }
  for (; step < number; step++) {
    if (!rebuild (panes, task, (guint) (step % panes->length)))
      return FALSE;
    leave (panes, step + 1 - panes->length);
  }
  panes->last = number;
  return TRUE;
}

static gboolean
move_and_enter (WeirPanes *panes, WeirTask *task, const WeirPane *entering)
{
  if (can_exchange (panes, entering))
    return exchange (panes, task, entering);
  hold_keys (panes, entering);
  return move_to (panes, task, entering->number) && enter_keys (panes, task, entering);
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
  ok = (source == NULL || weir_pane_make (&panes->store, task, &pane, source)) && move_and_enter (panes, task, &pane);
  if (ok && panes->n_last > 0)
    g_array_append_val (panes->panes, pane);
  else if (pane.block != NULL)
    weir_block_unref (pane.block);
  return ok && weir_task_is_going (task);
}

gboolean
weir_panes_next (const WeirPanes *panes, gint64 number, gsize *at, WeirValue *key, WeirValue *value)
{
  const WeirPane *pane = panes->panes->len > 0 ? pane_at (panes, panes->panes->len - 1) : NULL;

  return pane != NULL && pane->number == number && weir_pane_next (&panes->store, pane, at, key, value);
}

static inline WeirValue
result (const WeirPanes *panes, WeirTask *task, const WeirReduceParams *params, gsize at)
{
  const WeirValue *front = &panes->store.keys.fronts[at], *back = &panes->store.keys.backs[at];

  if (WEIR_IS_NO_VALUE (*front))
    return *back;
  return WEIR_IS_NO_VALUE (*back) ? *front : weir_reduce_two (task, params, *front, *back);
}

/* Where the numbers are in the columns; behind the last some that can be asked for, too. */
static void
find_places (const WeirWindowKeys *keys, const guint32 *numbers, guint n, gsize *places)
{
  for (guint i = 0; i < n; i++)
    places[i] = weir_place_of (numbers[i], keys->capacity);
  for (guint i = n; n > 0 && i < n + PREFETCH_KEYS; i++)
    places[i] = places[n - 1];
}

gboolean
weir_panes_emit (const WeirPanes *panes, WeirTask *task, gsize *at)
{
  const WeirWindowKeys *keys = &panes->store.keys;
  const WeirReduceParams *params = task->op->params;
  guint32 numbers[WEIR_CHUNK_SIZE];
  gsize places[WEIR_CHUNK_SIZE + PREFETCH_KEYS];
  guint n = weir_window_keys_next (keys, at, numbers, WEIR_CHUNK_SIZE);

  weir_task_reserve (task, TRUE);
  find_places (keys, numbers, n, places);
  for (guint i = 0; i < n && weir_task_is_going (task); i++) {
    WeirValue *value = &task->head.values[i];

    __builtin_prefetch (&keys->keys[places[i + PREFETCH_KEYS]]);
    __builtin_prefetch (&keys->fronts[places[i + PREFETCH_KEYS]]);
    __builtin_prefetch (&keys->backs[places[i + PREFETCH_KEYS]]);
    task->head.keys[i] = weir_key_value (&keys->keys[places[i]]);
    *value = result (panes, task, params, places[i]);
    if (params->finish != NULL)
      *value = params->finish (task, *value, params->user_data);
    task->head.n_elements = i + 1;
  }
  weir_task_flush (task);
  return n > 0;
}

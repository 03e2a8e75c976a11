/* Owns the panes of one slice of a sliding window, and what they come to. Must not know batches, streams or where panes
 * come from.
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
 * Memory is what a slide costs, so nothing is looked up: values lie in columns by the number of their key, and a slide
 * walks through them from front to back. A pane that has few of the keys is a list in the order of the shards instead.
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
  guint spread;
  gsize n_last;  /* keys in the pane that entered last */
  GArray *panes; /* of WeirPane, oldest first */
};

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

/* Of a column: how many ranks of the shard there are to walk through. */
static inline guint32
ranks_of (const WeirPanes *panes, const WeirPane *pane, guint shard)
{
  return MIN (pane->n_ranks, panes->store.keys.shards[shard].n_ranks);
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
  drop (panes, &panes->store.keys.scans[at]);
  drop (panes, &panes->store.keys.nexts[at]);
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
    leave_shard (panes, shard, pane->values + (gsize) shard * pane->n_ranks, ranks_of (panes, pane, shard));
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
    drop (panes, &panes->store.keys.scans[i]);
    drop (panes, &panes->store.keys.nexts[i]);
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
    panes->n_last += hold_ranks (keys->n_panes + (gsize) shard * keys->capacity,
                                 pane->values + (gsize) shard * pane->n_ranks, ranks_of (panes, pane, shard));
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
  gboolean ok = TRUE;

  for (gsize i = 0; i < pane->n; i++)
    ok &= enter_value (panes, task, &keys->backs[weir_place_of (pane->entries[i].number, keys->capacity)],
                       pane->entries[i].value);
  for (guint shard = 0; pane->values != NULL && shard < keys->n_shards; shard++)
    ok &= enter_ranks (panes, task, keys->backs + (gsize) shard * keys->capacity,
                       pane->values + (gsize) shard * pane->n_ranks, ranks_of (panes, pane, shard));
  return ok;
}

static gboolean
rebuild_cells (WeirPanes *panes, WeirTask *task, WeirValue *scan, WeirValue *value)
{
  WeirValue raw = *value;

  *value = WEIR_NO_VALUE;
  if (WEIR_IS_NO_VALUE (*scan)) {
    *scan = raw; /* and its cell */
    return TRUE;
  }
  if (!weir_pane_keep (&panes->store, task, value, *scan) || !weir_pane_reduce (&panes->store, task, scan, raw, *scan))
    return FALSE;
  drop (panes, &raw);
  return TRUE;
}

/* The value becomes what remains of its key after the pane, and is put before what `scan` has gathered. */
static inline gboolean
rebuild_value (WeirPanes *panes, WeirTask *task, WeirValue *scan, WeirValue *value)
{
  const WeirValue raw = *value;

  if (G_UNLIKELY (weir_pane_has_cells (raw, *scan)))
    return rebuild_cells (panes, task, scan, value);
  *value = *scan;
  if (!WEIR_IS_NO_VALUE (*scan))
    return weir_pane_reduce (&panes->store, task, scan, raw, *scan);
  *scan = raw;
  return TRUE;
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
  const guint32 n_ranks = ranks_of (panes, pane, shard);
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

  if (n > 0 && number < pane_at (panes, n - 1)->number) /* there is no more than one of each number */
    n = (guint) CLAMP (number - pane_at (panes, 0)->number + 1, 0, n);
  while (n > 0 && pane_at (panes, n - 1)->number > number)
    n--;
  return n;
}

/* The panes after @from, up to @until, newest first, so that each value finds what came after it in `scan`. */
static gboolean
rebuild_panes (WeirPanes *panes, WeirTask *task, guint shard, gint64 from, gint64 until)
{
  gboolean ok = TRUE;

  for (guint i = count_until (panes, until); ok && i > 0 && pane_at (panes, i - 1)->number > from; i--) {
    const WeirPane *pane = pane_at (panes, i - 1), *soon = i > PREFETCH_PANES ? pane - PREFETCH_PANES : NULL;

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
    drop (panes, &keys->fronts[i]);
    drop (panes, &keys->backs[i]);
    keys->fronts[i] = keys->scans[i]; /* and its cell */
    keys->backs[i] = keys->nexts[i];
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

/* The share of a rebuild that is a step's, the newest pane being @step. */
static gboolean
rebuild (WeirPanes *panes, WeirTask *task, gint64 step)
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
    ok &= enter_value (panes, task, &keys->nexts[weir_place_of (pane->entries[i].number, keys->capacity)],
                       pane->entries[i].value);
  if (pane->values != NULL)
    ok &= enter_ranks (panes, task, keys->nexts + (gsize) shard * keys->capacity,
                       pane->values + (gsize) shard * pane->n_ranks, MIN (pane->n_ranks, keys->shards[shard].n_ranks));
  return ok;
}

/* FALSE: the task has failed. */
static gboolean
enter_next (WeirPanes *panes, WeirTask *task, const WeirPane *pane)
{
  const gint64 last = pane->number - 1, spread = panes->spread;
  gboolean ok = TRUE;

  for (gint64 start = last - last % spread; start >= 0 && start >= pane->number - rebuild_time (panes); start -= spread)
    ok &= enter_shard_next (panes, task, pane, shard_at (panes, start));
  return ok;
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
  const guint32 n_ranks = ranks_of (panes, entering, shard), n = MIN (n_ranks, leaving->n_ranks);
  gboolean ok = exchange_ranks (panes, task, shard, olds, news, n);

  panes->n_last += hold_ranks (panes->store.keys.n_panes + first + n, news + n, n_ranks - n);
  return enter_ranks (panes, task, panes->store.keys.backs + first + n, news + n, n_ranks - n) && ok;
}

/* The step's share is rebuilt, then all columns are walked through once. FALSE: the task has failed. */
static gboolean
exchange (WeirPanes *panes, WeirTask *task, const WeirPane *entering)
{
  const WeirPane *leaving;
  gboolean ok = TRUE;

  if (!rebuild (panes, task, panes->last))
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
    if (!rebuild (panes, task, step))
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
  return ok && enter_next (panes, task, entering);
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
  const WeirWindowKeys *keys = &panes->store.keys;

  if (WEIR_IS_NO_VALUE (keys->fronts[at]))
    return keys->backs[at];
  if (WEIR_IS_NO_VALUE (keys->backs[at]))
    return keys->fronts[at];
  return weir_pane_reduce_two (task, params, &keys->keys[at], keys->fronts[at], keys->backs[at]);
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

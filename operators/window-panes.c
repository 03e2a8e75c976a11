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

#include <string.h>

/* Panes, slots and bytes that are asked for before they are needed. */
#define PREFETCH_PANES 2
#define PREFETCH_SLOTS 16
#define PREFETCH_KEYS  16
#define PREFETCH_MOST  2048

#define DENSE_SHARE 3 /* a pane that fills one in so many of the places is a column */

typedef struct {
  WeirValue value;
  guint32 number;
  guint32 phase; /* of the number */
} Entry;

/* Values are raw until the rebuild, then what remains when the pane has left, if anything. */
typedef struct {
  gint64 number;
  WeirBlock *block;
  WeirValue *values; /* by number, WEIR_ABSENT of other keys; NULL: the pane is a list */
  guint32 n_ranks;   /* of each shard in the values */
  Entry *entries;    /* of the list, by phase */
  gsize n;           /* entries */
  gsize next;        /* of the entries: where the next phase begins */
} Pane;

struct _WeirPanes {
  WeirWindowKeys keys;
  WeirCells cells; /* of values that are not scalars */
  WeirMemory *memory;
  guint64 from, until;
  gint64 last; /* the newest step */
  guint length;
  gsize n_last;   /* keys in the pane that entered last */
  GArray *panes;  /* of Pane, oldest first */
  WeirArena mark; /* task memory as a step found it */
};

WeirPanes *
weir_panes_new (WeirMemory *memory, guint n_panes, guint64 from, guint64 until)
{
  WeirPanes *panes = g_new0 (WeirPanes, 1);

  panes->memory = memory;
  panes->length = n_panes;
  panes->from = from;
  panes->until = until;
  panes->last = G_MININT64;
  weir_window_keys_init (&panes->keys, memory, n_panes, from, until);
  weir_cells_init (&panes->cells, memory);
  panes->panes = g_array_new (FALSE, FALSE, sizeof (Pane));
  return panes;
}

static Pane *
pane_at (const WeirPanes *panes, guint i)
{
  return &g_array_index (panes->panes, Pane, i);
}

void
weir_panes_free (WeirPanes *panes)
{
  for (guint i = 0; i < panes->panes->len; i++)
    weir_block_unref (pane_at (panes, i)->block);
  g_array_unref (panes->panes);
  weir_cells_clear (&panes->cells);
  weir_window_keys_clear (&panes->keys);
  g_free (panes);
}

gsize
weir_panes_n_keys (const WeirPanes *panes)
{
  return panes->keys.n;
}

/* Is a pane of @n keys better kept as a column? */
static gboolean
is_dense (const WeirPanes *panes, gsize n)
{
  return n * DENSE_SHARE > (gsize) panes->keys.n_ranks * panes->keys.n_shards;
}

const WeirWindowKeys *
weir_panes_column_keys (const WeirPanes *panes)
{
  return panes->n_last > 0 && is_dense (panes, panes->n_last) ? &panes->keys : NULL;
}

static gboolean
store (WeirPanes *panes, WeirTask *task, WeirValue *kept, WeirValue value)
{
  if (G_LIKELY (weir_cells_replace (&panes->cells, kept, value)))
    return TRUE;
  weir_task_fail_memory (task);
  return FALSE;
}

static inline void
drop (WeirPanes *panes, WeirValue *kept)
{
  if (G_UNLIKELY (kept->kind >= WEIR_TEXT))
    weir_cells_drop (&panes->cells, kept);
  *kept = WEIR_NO_VALUE;
}

static inline gboolean
reduce (WeirPanes *panes, WeirTask *task, WeirValue *into, WeirValue a, WeirValue b)
{
  return weir_reduce_into (task, &panes->cells, into, a, b, &panes->mark);
}

static void
forget_key (WeirPanes *panes, guint32 number)
{
  gsize at = weir_place_of (number, panes->keys.capacity);

  drop (panes, &panes->keys.fronts[at]);
  drop (panes, &panes->keys.backs[at]);
  weir_window_keys_remove (&panes->keys, number);
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
  const gsize first = (gsize) shard * panes->keys.capacity;
  WeirValue *fronts = panes->keys.fronts + first;
  guint32 *n_panes = panes->keys.n_panes + first;

  for (guint32 rank = 0; rank < n_ranks; rank++)
    if (!WEIR_IS_ABSENT (values[rank]) && G_UNLIKELY (!leave_key (panes, &fronts[rank], &n_panes[rank], values[rank])))
      forget_key (panes, shard << WEIR_RANK_BITS | rank);
}

static void
leave_list (WeirPanes *panes, const Pane *pane)
{
  const WeirWindowKeys *keys = &panes->keys;

  for (gsize i = 0; i < pane->n; i++) {
    const Entry *entry = &pane->entries[i];
    gsize at = weir_place_of (entry->number, keys->capacity);

    if (!leave_key (panes, &keys->fronts[at], &keys->n_panes[at], entry->value))
      forget_key (panes, entry->number);
  }
}

static void
leave_pane (WeirPanes *panes, const Pane *pane)
{
  leave_list (panes, pane);
  for (guint shard = 0; pane->values != NULL && shard < panes->keys.n_shards; shard++)
    leave_shard (panes, shard, pane->values + (gsize) shard * pane->n_ranks, MIN (pane->n_ranks, panes->keys.n_ranks));
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
  for (gsize i = 0; i < (gsize) panes->keys.capacity * panes->keys.n_shards; i++) {
    drop (panes, &panes->keys.fronts[i]);
    drop (panes, &panes->keys.backs[i]);
  }
}

static gboolean
list_slot (WeirPanes *panes, WeirTask *task, Pane *list, const WeirKey *slot, WeirValue value)
{
  Entry *entry = &list->entries[list->n];

  entry->value = WEIR_NO_VALUE;
  entry->number = weir_window_keys_add (&panes->keys, slot);
  if (entry->number == WEIR_NO_NUMBER) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  list->n++;
  return store (panes, task, &entry->value, value);
}

/* The keys of the table that belong here, as they come, into a list that has room for them. FALSE: the task has failed. */
static gboolean
list_slots (WeirPanes *panes, WeirTask *task, const WeirPaneSource *source, Pane *list)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n;

  weir_table_cursor_init (&cursor, source->table, panes->from, panes->until);
  while ((n = weir_table_cursor_next (&cursor, slots, WEIR_CHUNK_SIZE)) > 0)
    for (guint i = 0; i < n; i++) {
      __builtin_prefetch (weir_window_keys_home (&panes->keys, slots[MIN (i + PREFETCH_SLOTS, n - 1)]->hash));
      if (!list_slot (panes, task, list, slots[i], source->fold->result (task, slots[i])))
        return FALSE;
    }
  return TRUE;
}

static gboolean
list_table (WeirPanes *panes, WeirTask *task, const WeirPaneSource *source, Pane *list)
{
  gsize n = source->table != NULL ? weir_table_count (source->table, panes->from, panes->until) : 0;

  if (n == 0)
    return TRUE;
  list->block = weir_block_new (panes->memory, n * sizeof (Entry));
  if (list->block == NULL || !weir_window_keys_reserve (&panes->keys, n)) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  list->entries = (Entry *) list->block->data;
  return list_slots (panes, task, source, list);
}

/* The column becomes the pane's. FALSE: the task has failed. */
static gboolean
adopt (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirColumn *column, gboolean has_cells)
{
  const gsize n = (gsize) column->n_ranks * panes->keys.n_shards;

  pane->block = weir_block_ref (column->block);
  pane->values = column->values;
  pane->n_ranks = column->n_ranks;
  for (gsize i = 0; has_cells && i < n; i++) {
    WeirValue value = pane->values[i];

    if (G_LIKELY (value.kind < WEIR_TEXT))
      continue;
    pane->values[i] = WEIR_NO_VALUE; /* that one is in the cells of a task that is over */
    if (!store (panes, task, &pane->values[i], value))
      return FALSE;
  }
  return TRUE;
}

static gboolean
take_value (WeirPanes *panes, WeirTask *task, WeirValue *into, WeirValue value)
{
  if (WEIR_IS_ABSENT (value))
    return TRUE;
  return WEIR_IS_ABSENT (*into) ? store (panes, task, into, value) : reduce (panes, task, into, *into, value);
}

/* Its values come after those that the pane has, which has room for them. FALSE: the task has failed. */
static gboolean
take_column (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirColumn *column)
{
  const guint32 n_ranks = MIN (column->n_ranks, pane->n_ranks);

  for (guint shard = 0; shard < panes->keys.n_shards; shard++) {
    const WeirValue *from = column->values + (gsize) shard * column->n_ranks;
    WeirValue *to = pane->values + (gsize) shard * pane->n_ranks;

    for (guint32 rank = 0; rank < n_ranks; rank++)
      if (!take_value (panes, task, &to[rank], from[rank]))
        return FALSE;
  }
  return TRUE;
}

static gboolean
open_column (WeirPanes *panes, WeirTask *task, Pane *pane)
{
  pane->block = weir_columns_block_new (&panes->keys, &pane->n_ranks);
  if (pane->block == NULL) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  pane->values = (WeirValue *) pane->block->data;
  return TRUE;
}

/* The columns of all tasks as one. No values: there are none. FALSE: the task has failed. */
static gboolean
take_columns (WeirPanes *panes, WeirTask *task, const WeirPaneSource *source, Pane *pane)
{
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < source->n_written; i++) {
    const WeirColumn *column = weir_columns_of (source->written[i], source->slice);

    if (column == NULL)
      continue;
    if (pane->block == NULL && column->n_ranks >= panes->keys.n_ranks)
      ok = adopt (panes, task, pane, column, weir_cells_has_any (&source->written[i]->cells));
    else
      ok = (pane->block != NULL || open_column (panes, task, pane)) && take_column (panes, task, pane, column);
  }
  return ok;
}

static gboolean
make_dense (WeirPanes *panes, WeirTask *task, Pane *pane, const Pane *list)
{
  if (pane->block == NULL && !open_column (panes, task, pane))
    return FALSE;
  for (gsize i = 0; i < list->n; i++)
    pane->values[weir_place_of (list->entries[i].number, pane->n_ranks)] = list->entries[i].value;
  return TRUE;
}

/* Sorts @list by phase, keys of one phase in the order in which they came. */
static gboolean
make_sparse (WeirPanes *panes, WeirTask *task, Pane *pane, const Pane *list)
{
  const guint length = panes->length;
  WeirBlock *starts = weir_block_new (panes->memory, ((gsize) length + 1) * sizeof (guint32));
  guint32 *start;

  pane->block = weir_block_new (panes->memory, list->n * sizeof (Entry));
  if (starts == NULL || pane->block == NULL) {
    g_clear_pointer (&starts, weir_block_unref);
    weir_task_fail_memory (task);
    return FALSE;
  }
  start = (guint32 *) starts->data;
  memset (start, 0, ((gsize) length + 1) * sizeof *start);
  for (gsize i = 0; i < list->n; i++) {
    list->entries[i].phase = weir_phase_of (&panes->keys, list->entries[i].number);
    start[list->entries[i].phase + 1]++;
  }
  for (guint i = 0; i < length; i++)
    start[i + 1] += start[i];
  pane->next = start[pane->number % length];
  pane->entries = (Entry *) pane->block->data;
  pane->n = list->n;
  for (gsize i = 0; i < list->n; i++)
    pane->entries[start[list->entries[i].phase]++] = list->entries[i];
  weir_block_unref (starts);
  return TRUE;
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
hold_keys (WeirPanes *panes, const Pane *pane)
{
  const WeirWindowKeys *keys = &panes->keys;
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
    return store (panes, task, back, value);
  return reduce (panes, task, back, *back, value);
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
enter_keys (WeirPanes *panes, WeirTask *task, const Pane *pane)
{
  const WeirWindowKeys *keys = &panes->keys;
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

/* A pane without values where nothing came. FALSE: the task has failed. */
static gboolean
make_pane (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirPaneSource *source)
{
  Pane list = { 0 };
  gboolean ok = list_table (panes, task, source, &list) && take_columns (panes, task, source, pane);

  if (ok && (pane->values != NULL || is_dense (panes, list.n)))
    ok = make_dense (panes, task, pane, &list);
  else if (ok && list.n > 0)
    ok = make_sparse (panes, task, pane, &list);
  if (list.block != NULL)
    weir_block_unref (list.block);
  if (ok)
    hold_keys (panes, pane);
  return ok;
}

/* The value becomes what remains of its key's window after the pane, and is put before what `front` has gathered. */
static inline gboolean
rebuild_value (WeirPanes *panes, WeirTask *task, WeirValue *front, WeirValue *value)
{
  WeirValue raw = *value;

  *value = WEIR_NO_VALUE;
  if (WEIR_IS_NO_VALUE (*front)) {
    *front = raw; /* and its cell */
    return TRUE;
  }
  if (!store (panes, task, value, *front) || !reduce (panes, task, front, raw, *front))
    return FALSE;
  drop (panes, &raw);
  return TRUE;
}

static gboolean
rebuild_list (WeirPanes *panes, WeirTask *task, Pane *pane, guint phase)
{
  const WeirWindowKeys *keys = &panes->keys;
  gboolean ok = TRUE;

  for (; ok && pane->next < pane->n && pane->entries[pane->next].phase == phase; pane->next++) {
    Entry *entry = &pane->entries[pane->next];

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
prefetch_run (const Pane *pane, const WeirPhaseRun *run)
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
  const Pane *pane = pane_at (panes, i), *soon = i >= PREFETCH_PANES ? pane_at (panes, i - PREFETCH_PANES) : NULL;
  const WeirWindowKeys *keys = &panes->keys;
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
  const WeirWindowKeys *keys = &panes->keys;
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

gboolean
weir_panes_enter (WeirPanes *panes, WeirTask *task, gint64 number, const WeirPaneSource *source)
{
  Pane pane = { .number = number };
  gboolean ok = TRUE;

  g_assert (number > panes->last);
  panes->mark = task->task_run->scratch;
  panes->n_last = 0;
  /* First: columns were written with the numbers that keys had before any of them left. */
  if (source != NULL)
    ok = make_pane (panes, task, &pane, source);
  ok = ok && move_to (panes, task, number) && enter_keys (panes, task, &pane);
  if (ok && panes->n_last > 0)
    g_array_append_val (panes->panes, pane);
  else if (pane.block != NULL)
    weir_block_unref (pane.block);
  return ok && weir_task_is_going (task);
}

static gsize
n_places (const WeirPanes *panes, const Pane *pane)
{
  return pane->values != NULL ? (gsize) pane->n_ranks * panes->keys.n_shards : pane->n;
}

static guint32
number_at (const Pane *pane, gsize at)
{
  if (pane->values == NULL)
    return pane->entries[at].number;
  return (guint32) (at / pane->n_ranks) << WEIR_RANK_BITS | (guint32) (at % pane->n_ranks);
}

gboolean
weir_panes_next (const WeirPanes *panes, gint64 number, gsize *at, WeirValue *key, WeirValue *value)
{
  const Pane *pane = panes->panes->len > 0 ? pane_at (panes, panes->panes->len - 1) : NULL;

  if (pane == NULL || pane->number != number)
    return FALSE;
  while (pane->values != NULL && *at < n_places (panes, pane) && WEIR_IS_ABSENT (pane->values[*at]))
    ++*at;
  if (*at == n_places (panes, pane))
    return FALSE;
  *key = weir_key_value (weir_window_keys_key (&panes->keys, number_at (pane, *at)));
  *value = pane->values != NULL ? pane->values[*at] : pane->entries[*at].value;
  ++*at;
  return TRUE;
}

static inline WeirValue
result (const WeirPanes *panes, WeirTask *task, gsize at)
{
  const WeirReduceParams *params = task->op->params;
  WeirValue front = panes->keys.fronts[at], back = panes->keys.backs[at], value;

  if (WEIR_IS_NO_VALUE (front))
    value = back;
  else if (WEIR_IS_NO_VALUE (back))
    value = front;
  else
    value = weir_reduce_two (task, params, front, back);
  return params->finish != NULL ? params->finish (task, value, params->user_data) : value;
}

gboolean
weir_panes_emit (const WeirPanes *panes, WeirTask *task, gsize *at)
{
  const WeirWindowKeys *keys = &panes->keys;
  guint32 numbers[WEIR_CHUNK_SIZE];
  guint n = weir_window_keys_next (keys, at, numbers, WEIR_CHUNK_SIZE);

  weir_task_reserve (task, TRUE);
  for (guint i = 0; i < n && weir_task_is_going (task); i++) {
    const gsize place = weir_place_of (numbers[i], keys->capacity);
    const gsize ahead = weir_place_of (numbers[MIN (i + PREFETCH_KEYS, n - 1)], keys->capacity);

    __builtin_prefetch (&keys->keys[ahead]);
    __builtin_prefetch (&keys->fronts[ahead]);
    __builtin_prefetch (&keys->backs[ahead]);
    task->head.keys[i] = weir_key_value (&keys->keys[place]);
    task->head.values[i] = result (panes, task, place);
    task->head.n_elements = i + 1;
  }
  weir_task_flush (task);
  return n > 0;
}

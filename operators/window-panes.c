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
#define PREFETCH_MOST  1024

#define DENSE_SHARE 3 /* a pane with one in so many of the keys is a column */

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
  Entry *entries;    /* of the list, by phase */
  gsize n;           /* values or entries */
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
  weir_window_keys_init (&panes->keys, memory, from, until);
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

const WeirWindowKeys *
weir_panes_column_keys (const WeirPanes *panes)
{
  return panes->n_last > 0 && panes->n_last >= panes->keys.n_numbers / DENSE_SHARE ? &panes->keys : NULL;
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

/* The key loses its oldest pane, in which it has @rest. */
static inline void
leave_key (WeirPanes *panes, guint32 number, WeirValue rest)
{
  WeirWindowKeys *keys = &panes->keys;

  drop (panes, &keys->fronts[number]);
  keys->fronts[number] = rest; /* which owns its cell */
  if (G_LIKELY (--keys->n_panes[number] > 0))
    return;
  drop (panes, &keys->fronts[number]);
  drop (panes, &keys->backs[number]);
  weir_window_keys_remove (keys, number);
}

static void
leave_pane (WeirPanes *panes, const Pane *pane)
{
  if (pane->values == NULL) {
    for (gsize i = 0; i < pane->n; i++)
      leave_key (panes, pane->entries[i].number, pane->entries[i].value);
    return;
  }
  for (gsize i = 0; i < pane->n; i++)
    if (!WEIR_IS_ABSENT (pane->values[i]))
      leave_key (panes, (guint32) i, pane->values[i]);
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
  for (guint32 i = 0; i < panes->keys.n_numbers; i++) {
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

/* A column that is only ours to be changed; with room for all numbers there are now. */
static gboolean
adopt (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirColumn *column, gboolean has_cells)
{
  WeirValue *values = column->values;

  pane->block = weir_block_ref (column->block);
  pane->values = values;
  for (guint32 i = 0; has_cells && i < column->n; i++) {
    WeirValue value = values[i];

    if (G_LIKELY (value.kind < WEIR_TEXT))
      continue;
    values[i] = WEIR_NO_VALUE; /* in the cells of a task that is over */
    if (!store (panes, task, &values[i], value))
      return FALSE;
  }
  return TRUE;
}

static gboolean
take_column (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirColumn *column)
{
  for (guint32 i = 0; i < column->n; i++) {
    WeirValue value = column->values[i], *into = &pane->values[i];
    gboolean ok = TRUE;

    if (WEIR_IS_ABSENT (value))
      continue;
    if (WEIR_IS_ABSENT (*into))
      ok = store (panes, task, into, value);
    else
      ok = reduce (panes, task, into, *into, value);
    if (!ok)
      return FALSE;
  }
  return TRUE;
}

static gboolean
open_column (WeirPanes *panes, WeirTask *task, Pane *pane)
{
  pane->block = weir_columns_block_new (panes->memory, panes->keys.n_numbers);
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
    if (pane->block == NULL && WEIR_COLUMN_CAPACITY (column->block) >= panes->keys.n_numbers)
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
  pane->n = panes->keys.n_numbers;
  for (gsize i = 0; i < list->n; i++)
    pane->values[list->entries[i].number] = list->entries[i].value;
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
    list->entries[i].phase = weir_phase_of (length, list->entries[i].number);
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

/* Keys of the pane stay while older panes leave. */
static void
hold_keys (WeirPanes *panes, const Pane *pane)
{
  guint32 *n_panes = panes->keys.n_panes;
  gsize n = pane->n;

  if (pane->values == NULL) {
    for (gsize i = 0; i < pane->n; i++)
      n_panes[pane->entries[i].number]++;
  } else {
    n = 0;
    for (gsize i = 0; i < pane->n; i++) {
      guint is_there = !WEIR_IS_ABSENT (pane->values[i]);

      n_panes[i] += is_there;
      n += is_there;
    }
  }
  panes->n_last = n;
}

static inline gboolean
enter_key (WeirPanes *panes, WeirTask *task, guint32 number, WeirValue value)
{
  WeirValue *back = &panes->keys.backs[number];

  if (WEIR_IS_NO_VALUE (*back))
    return store (panes, task, back, value);
  return reduce (panes, task, back, *back, value);
}

/* FALSE: the task has failed. */
static gboolean
enter_keys (WeirPanes *panes, WeirTask *task, const Pane *pane)
{
  gboolean ok = TRUE;

  if (pane->values == NULL) {
    for (gsize i = 0; i < pane->n; i++)
      ok &= enter_key (panes, task, pane->entries[i].number, pane->entries[i].value);
  } else {
    for (gsize i = 0; i < pane->n; i++)
      if (!WEIR_IS_ABSENT (pane->values[i]))
        ok &= enter_key (panes, task, (guint32) i, pane->values[i]);
  }
  return ok;
}

/* A pane without values where nothing came. FALSE: the task has failed. */
static gboolean
make_pane (WeirPanes *panes, WeirTask *task, Pane *pane, const WeirPaneSource *source)
{
  Pane list = { 0 };
  gboolean ok = list_table (panes, task, source, &list) && take_columns (panes, task, source, pane);

  if (ok && (pane->values != NULL || list.n > panes->keys.n_numbers / DENSE_SHARE))
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
rebuild_value (WeirPanes *panes, WeirTask *task, guint32 number, WeirValue *value)
{
  WeirValue *front = &panes->keys.fronts[number], raw = *value;

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
  gboolean ok = TRUE;

  for (; ok && pane->next < pane->n && pane->entries[pane->next].phase == phase; pane->next++)
    ok = rebuild_value (panes, task, pane->entries[pane->next].number, &pane->entries[pane->next].value);
  if (phase + 1 == panes->length)
    pane->next = 0;
  return ok;
}

/* What is rebuilt of a pane has not been looked at for a window length. */
static inline void
prefetch_run (const Pane *pane, WeirPhaseRun run)
{
  const char *first = (const char *) &pane->values[run.start];
  gsize size = MIN (run.n * sizeof (WeirValue), PREFETCH_MOST);

  for (gsize at = 0; at < size; at += 64)
    __builtin_prefetch (first + at, 1);
}

static gboolean
rebuild_column (WeirPanes *panes, WeirTask *task, guint i, guint phase)
{
  const Pane *pane = pane_at (panes, i), *soon = i >= PREFETCH_PANES ? pane_at (panes, i - PREFETCH_PANES) : NULL;
  WeirPhaseRun run;

  for (guint k = 0; (run = weir_phase_run (panes->length, phase, k)).start < pane->n; k++) {
    guint64 end = MIN (run.start + run.n, pane->n);

    if (soon != NULL && soon->values != NULL)
      prefetch_run (soon, run);
    for (guint64 number = run.start; number < end; number++)
      if (!WEIR_IS_ABSENT (pane->values[number]) &&
          !rebuild_value (panes, task, (guint32) number, &pane->values[number]))
        return FALSE;
  }
  return TRUE;
}

static void
drop_backs (WeirPanes *panes, guint phase)
{
  const WeirWindowKeys *keys = &panes->keys;
  WeirPhaseRun run;

  for (guint k = 0; (run = weir_phase_run (panes->length, phase, k)).start < keys->n_numbers; k++)
    for (guint64 number = run.start; number < MIN (run.start + run.n, keys->n_numbers); number++)
      drop (panes, &keys->backs[number]);
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
  if (ok && pane.n > 0)
    g_array_append_val (panes->panes, pane);
  else if (pane.block != NULL)
    weir_block_unref (pane.block);
  return ok && weir_task_is_going (task);
}

gboolean
weir_panes_next (const WeirPanes *panes, gint64 number, gsize *at, WeirValue *key, WeirValue *value)
{
  const Pane *pane = panes->panes->len > 0 ? pane_at (panes, panes->panes->len - 1) : NULL;
  guint32 of;

  if (pane == NULL || pane->number != number)
    return FALSE;
  while (pane->values != NULL && *at < pane->n && WEIR_IS_ABSENT (pane->values[*at]))
    ++*at;
  if (*at == pane->n)
    return FALSE;
  of = pane->values != NULL ? (guint32) *at : pane->entries[*at].number;
  *key = weir_key_value (&panes->keys.keys[of]);
  *value = pane->values != NULL ? pane->values[*at] : pane->entries[*at].value;
  ++*at;
  return TRUE;
}

static inline WeirValue
result (const WeirPanes *panes, WeirTask *task, guint32 number)
{
  const WeirReduceParams *params = task->op->params;
  WeirValue front = panes->keys.fronts[number], back = panes->keys.backs[number], value;

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
    guint32 ahead = numbers[MIN (i + PREFETCH_KEYS, n - 1)];

    __builtin_prefetch (&keys->keys[ahead]);
    __builtin_prefetch (&keys->fronts[ahead]);
    __builtin_prefetch (&keys->backs[ahead]);
    task->head.keys[i] = weir_key_value (&keys->keys[numbers[i]]);
    task->head.values[i] = result (panes, task, numbers[i]);
    task->head.n_elements = i + 1;
  }
  weir_task_flush (task);
  return n > 0;
}

/* Owns how a pane is made of a table and of columns. Must not know what becomes of its values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-pane.h"

#include "engine/table-cursor.h"

#define PREFETCH_SLOTS 16 /* that are asked for before they are needed */
#define DENSE_SHARE    3  /* a pane that fills one in so many of the places is a column */

void
weir_pane_begin (WeirPaneStore *store, WeirTask *task)
{
  const WeirReduceParams *params = task->op->params;

  store->f = params->f;
  store->user_data = params->user_data;
  store->is_sum = params->f == WEIR_SUM;
  store->mark = task->task_run->scratch;
  store->used = &task->task_run->scratch.used;
  store->n_rejects = task->n_rejects_ever;
}

gboolean
weir_pane_take_slowly (WeirPaneStore *store, WeirTask *task, WeirValue *into, WeirValue value)
{
  const gboolean is_rejected = task->n_rejects_ever != store->n_rejects;

  store->n_rejects = task->n_rejects_ever;
  return is_rejected || weir_reduce_take (task, &store->cells, into, value, &store->mark);
}

/* Where the key is in the keys' columns. */
static gsize
place_at (const WeirPaneStore *store, const WeirPane *pane, gsize at)
{
  if (pane->values == NULL)
    return weir_place_of (pane->entries[at].number, store->keys.capacity);
  return at / pane->n_ranks * store->keys.capacity + at % pane->n_ranks;
}

static gsize
place_in (const WeirValue *column, const WeirValue *value)
{
  return (gsize) ((guintptr) value - (guintptr) column) / sizeof *value;
}

static const WeirKey *
key_of (const WeirPaneStore *store, const WeirValue *value)
{
  const WeirWindowKeys *keys = &store->keys;
  const WeirValue *const columns[] = { keys->fronts, keys->backs, keys->scans, keys->nexts };

  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    if (place_in (columns[i], value) < (gsize) keys->capacity * keys->n_shards)
      return &keys->keys[place_in (columns[i], value)];
  return &keys->keys[place_at (store, store->made, place_in (store->made->values, value))];
}

void
weir_pane_fail_sum (const WeirPaneStore *store, WeirTask *task, const WeirValue *into, WeirValue a, WeirValue b)
{
  weir_sum_fail_overflow (task, key_of (store, into), a.integer, b.integer);
}

gboolean
weir_pane_is_dense (const WeirPaneStore *store, gsize n)
{
  return n * DENSE_SHARE > (gsize) store->keys.n_ranks * store->keys.n_shards;
}

static gboolean
list_slot (WeirPaneStore *store, WeirTask *task, WeirPane *list, const WeirKey *slot, WeirValue value)
{
  WeirPaneEntry *entry = &list->entries[list->n];

  entry->value = WEIR_NO_VALUE;
  entry->number = weir_window_keys_add (&store->keys, slot);
  if (entry->number == WEIR_NO_NUMBER) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  list->n++;
  return weir_pane_keep (store, task, &entry->value, value);
}

/* The keys of the table that belong here, as they come, into a list that has room for them. FALSE: the task has failed. */
static gboolean
list_slots (WeirPaneStore *store, WeirTask *task, const WeirPaneSource *source, WeirPane *list)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n;

  weir_table_cursor_init (&cursor, source->table, store->keys.from, store->keys.until);
  while ((n = weir_table_cursor_next (&cursor, slots, WEIR_CHUNK_SIZE)) > 0)
    for (guint i = 0; i < n; i++) {
      __builtin_prefetch (weir_window_keys_home (&store->keys, slots[MIN (i + PREFETCH_SLOTS, n - 1)]->hash));
      if (!list_slot (store, task, list, slots[i], source->fold->result (task, slots[i])))
        return FALSE;
    }
  return TRUE;
}

static gboolean
list_table (WeirPaneStore *store, WeirTask *task, const WeirPaneSource *source, WeirPane *list)
{
  gsize n = source->table != NULL ? weir_table_count (source->table, store->keys.from, store->keys.until) : 0;

  if (n == 0)
    return TRUE;
  list->block = weir_block_new (store->keys.memory, n * sizeof (WeirPaneEntry));
  if (list->block == NULL || !weir_window_keys_reserve (&store->keys, n)) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  list->entries = (WeirPaneEntry *) list->block->data;
  return list_slots (store, task, source, list);
}

/* The column becomes the pane's. FALSE: the task has failed. */
static gboolean
adopt (WeirPaneStore *store, WeirTask *task, WeirPane *pane, const WeirColumn *column, gboolean has_cells)
{
  const gsize n = (gsize) column->n_ranks * store->keys.n_shards;

  pane->block = weir_block_ref (column->block);
  pane->values = column->values;
  pane->n_ranks = column->n_ranks;
  for (gsize i = 0; has_cells && i < n; i++) {
    WeirValue value = pane->values[i];

    if (G_LIKELY (value.kind < WEIR_TEXT))
      continue;
    pane->values[i] = WEIR_NO_VALUE; /* that one is in the cells of a task that is over */
    if (!weir_pane_keep (store, task, &pane->values[i], value))
      return FALSE;
  }
  return TRUE;
}

/* What one task found behind what another did, as tables of theirs are put together: at what cannot be combined the later
 * value is rejected. */
static gboolean
combine (WeirPaneStore *store, WeirTask *task, WeirValue *into, const WeirValue *value)
{
  const gboolean ok = weir_pane_reduce (store, task, into, into, value);

  if (G_LIKELY (task->n_rejects_ever == store->n_rejects && !task->has_failed))
    return ok;
  weir_task_settle (task, WEIR_PAIR_OF (weir_key_value (key_of (store, into)), *value));
  store->n_rejects = task->n_rejects_ever;
  return weir_task_is_going (task);
}

static gboolean
take_value (WeirPaneStore *store, WeirTask *task, WeirValue *into, const WeirValue *value)
{
  if (WEIR_IS_ABSENT (*value))
    return TRUE;
  return WEIR_IS_ABSENT (*into) ? weir_pane_keep (store, task, into, *value) : combine (store, task, into, value);
}

/* Its values come after those that the pane has, which has room for them. FALSE: the task has failed. */
static gboolean
take_column (WeirPaneStore *store, WeirTask *task, WeirPane *pane, const WeirColumn *column)
{
  const guint32 n_ranks = MIN (column->n_ranks, pane->n_ranks);

  for (guint shard = 0; shard < store->keys.n_shards; shard++) {
    const WeirValue *from = column->values + (gsize) shard * column->n_ranks;
    WeirValue *to = pane->values + (gsize) shard * pane->n_ranks;

    for (guint32 rank = 0; rank < n_ranks; rank++)
      if (!take_value (store, task, &to[rank], &from[rank]))
        return FALSE;
  }
  return TRUE;
}

static gboolean
open_column (WeirPaneStore *store, WeirTask *task, WeirPane *pane)
{
  pane->block = weir_columns_block_new (&store->keys, &pane->n_ranks);
  if (pane->block == NULL) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  pane->values = (WeirValue *) pane->block->data;
  return TRUE;
}

/* The columns of all tasks as one. No values: there are none. FALSE: the task has failed. */
static gboolean
take_columns (WeirPaneStore *store, WeirTask *task, const WeirPaneSource *source, WeirPane *pane)
{
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < source->n_written; i++) {
    const WeirColumn *column = weir_columns_of (source->written[i], source->slice);

    if (column == NULL)
      continue;
    if (pane->block == NULL && column->n_ranks >= store->keys.n_ranks)
      ok = adopt (store, task, pane, column, weir_cells_has_any (&source->written[i]->cells));
    else
      ok = (pane->block != NULL || open_column (store, task, pane)) && take_column (store, task, pane, column);
  }
  return ok;
}

static gboolean
make_dense (WeirPaneStore *store, WeirTask *task, WeirPane *pane, const WeirPane *list)
{
  if (pane->block == NULL && !open_column (store, task, pane))
    return FALSE;
  for (gsize i = 0; i < list->n; i++)
    pane->values[weir_place_of (list->entries[i].number, pane->n_ranks)] = list->entries[i].value;
  return TRUE;
}

/* Sorts @list by shard, keys of one shard in the order in which they came. */
static gboolean
make_sparse (WeirPaneStore *store, WeirTask *task, WeirPane *pane, const WeirPane *list)
{
  guint32 starts[WEIR_SHARDS_MOST + 1] = { 0 };

  pane->block = weir_block_new (store->keys.memory, list->n * sizeof (WeirPaneEntry));
  if (pane->block == NULL) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  for (gsize i = 0; i < list->n; i++) {
    list->entries[i].shard = weir_shard_of (list->entries[i].number);
    starts[list->entries[i].shard + 1]++;
  }
  for (guint i = 0; i < store->keys.n_shards; i++)
    starts[i + 1] += starts[i];
  pane->entries = (WeirPaneEntry *) pane->block->data;
  pane->n = list->n;
  for (gsize i = 0; i < list->n; i++)
    pane->entries[starts[list->entries[i].shard]++] = list->entries[i];
  return TRUE;
}

gboolean
weir_pane_make (WeirPaneStore *store, WeirTask *task, WeirPane *pane, const WeirPaneSource *source)
{
  WeirPane list = { 0 };
  gboolean ok;

  store->made = pane;
  ok = list_table (store, task, source, &list) && take_columns (store, task, source, pane);

  if (ok && (pane->values != NULL || weir_pane_is_dense (store, list.n)))
    ok = make_dense (store, task, pane, &list);
  else if (ok && list.n > 0)
    ok = make_sparse (store, task, pane, &list);
  if (list.block != NULL)
    weir_block_unref (list.block);
  return ok;
}

gsize
weir_pane_first (const WeirPaneStore *store, const WeirPane *pane, guint shard)
{
  gsize at = pane->n * shard / store->keys.n_shards; /* about there: shards fill alike */

  while (at > 0 && pane->entries[at - 1].shard >= shard)
    at--;
  while (at < pane->n && pane->entries[at].shard < shard)
    at++;
  return at;
}

static gsize
n_places (const WeirPaneStore *store, const WeirPane *pane)
{
  return pane->values != NULL ? (gsize) pane->n_ranks * store->keys.n_shards : pane->n;
}

gboolean
weir_pane_next (const WeirPaneStore *store, const WeirPane *pane, gsize *at, WeirValue *key, WeirValue *value)
{
  while (pane->values != NULL && *at < n_places (store, pane) && WEIR_IS_ABSENT (pane->values[*at]))
    ++*at;
  if (*at == n_places (store, pane))
    return FALSE;
  *key = weir_key_value (&store->keys.keys[place_at (store, pane, *at)]);
  *value = pane->values != NULL ? pane->values[*at] : pane->entries[*at].value;
  ++*at;
  return TRUE;
}

/* Owns the two sides of combining by key. Must not know how values are folded.
 * Threads: the writing side is a task's own; merged tables belong to the task that reads the slice.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/combine.h"

/* Room for a few keys, too: where two of ten share a home, whether to walk on is what a processor can't guess, record by
 * record. 512 places. */
#define ROOM_LEAST 200

WeirCombined *
weir_combined_new (const WeirOp *op, WeirMemory *memory, gsize value_size, guint64 from, guint64 until)
{
  WeirCombined *combined = g_new0 (WeirCombined, 1);
  gsize hint = __atomic_load_n (&op->size_hint, __ATOMIC_RELAXED);

  weir_table_init (&combined->table, memory, value_size, from, until - from);
  weir_cells_init (&combined->cells, memory);
  /* A hint: it grows just as well. More room than is needed, because keys come in any order, again and again, and are
   * to be found at once. */
  if (hint > 0 && from == 0 && until == (guint64) 1 << 32)
    weir_table_reserve (&combined->table, MAX (hint + hint / 2, ROOM_LEAST));
  return combined;
}

void
weir_combined_free (gpointer data)
{
  WeirCombined *combined = data;

  weir_table_clear (&combined->table);
  weir_cells_clear (&combined->cells);
  g_free (combined);
}

WeirKey *
weir_combined_insert (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirKey *slot)
{
  WeirKey *inserted = weir_table_insert (&combined->table, key, slot);

  if (G_UNLIKELY (inserted == NULL))
    weir_task_fail_memory (task);
  return inserted;
}

void
weir_combine_open (WeirTask *task, const WeirFold *fold)
{
  WeirCombineInstance *instance = task->instance;

  instance->combined =
      weir_combined_new (task->op, task->task_run->run->memory, fold->value_size (task->op), 0, (guint64) 1 << 32);
}

void
weir_combine_hash (const WeirTask *task, const WeirTable *table, const WeirValue *values, guint n, WeirKey *keys,
                   WeirValue *cells)
{
  const WeirSeed seed = task->seed;
  const gsize stride = table->stride;

  for (guint i = 0; i < n; i++) {
    const char *home;

    weir_key_of (values[i], &seed, &keys[i], &cells[i]);
    home = (const char *) weir_table_home (table, keys[i].hash, stride);
    __builtin_prefetch (home, 1);
    if (stride > 32) /* where slots straddle cache lines */
      __builtin_prefetch (home + stride - 1, 1);
  }
}

gpointer
weir_combine_seal (WeirTask *task)
{
  return ((WeirCombineInstance *) task->instance)->combined;
}

/* What fails here is no single record: what was combined later is rejected as a whole. */
static inline void
merge_one (WeirTask *task, const WeirFold *fold, WeirCombined *into, WeirKey *slot, const WeirKey *from,
           gboolean is_new)
{
  const guint64 n_rejects = task->n_rejects_ever;

  fold->merge (task, into, slot, from, is_new);
  if (G_UNLIKELY (task->n_rejects_ever != n_rejects))
    weir_task_settle (task, WEIR_PAIR_OF (weir_key_value (from), fold->result (task, from)));
}

void
weir_combine_merge (WeirTask *task, const WeirFold *fold, WeirCombined *into, const WeirTable *from, guint64 start,
                    guint64 end)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n;

  weir_table_cursor_init (&cursor, from, start, end);
  while ((n = weir_table_cursor_next (&cursor, slots, WEIR_CHUNK_SIZE)) > 0 && weir_task_is_going (task))
    for (guint i = 0; i < n; i++) {
      WeirKey *slot = weir_table_find (&into->table, slots[i], into->table.stride);
      gboolean is_new = slot->meta == 0;

      if (is_new)
        slot = weir_combined_insert (task, into, slots[i], slot);
      if (slot == NULL)
        return;
      merge_one (task, fold, into, slot, slots[i], is_new);
    }
}

gboolean
weir_reduce_take (WeirTask *task, WeirCells *cells, WeirValue *into, WeirValue result, const WeirArena *mark)
{
  WeirArena *scratch = &task->task_run->scratch;
  gboolean ok = weir_cells_replace (cells, into, result);

  if (!ok)
    weir_task_fail_memory (task);
  if (scratch->used != mark->used)
    weir_arena_rewind (scratch, mark);
  return ok;
}

static void
slice_range (const WeirReader *reader, guint64 *start, guint64 *end)
{
  *start = weir_slice_start (reader->partition, reader->op->n_slices);
  *end = weir_slice_start (reader->partition + 1, reader->op->n_slices);
}

/* What each task of the next batch makes room for: the mean, or else all of them would for as much as the largest. */
static void
note_size (const WeirReader *reader)
{
  const WeirExchange *exchange = reader->exchange;
  gsize n = 0;

  for (guint i = 0; i < exchange->n_outputs; i++)
    n += ((const WeirCombined *) exchange->outputs[i])->table.n;
  __atomic_store_n (&((WeirOp *) reader->op)->size_hint, n / MAX (exchange->n_outputs, 1), __ATOMIC_RELAXED);
}

const WeirTable *
weir_combine_slice (WeirTask *task, const WeirFold *fold, WeirReader *reader)
{
  WeirExchange *exchange = reader->exchange;
  WeirCombined *merged;
  guint64 start, end;
  gsize most = 0;

  if (reader->partition == 0)
    note_size (reader);
  if (exchange->n_outputs == 1)
    return &((WeirCombined *) exchange->outputs[0])->table;
  if (exchange->merged[reader->partition] != NULL)
    return &((WeirCombined *) exchange->merged[reader->partition])->table;
  slice_range (reader, &start, &end);
  merged = weir_combined_new (reader->op, task->task_run->run->memory, fold->value_size (reader->op), start, end);
  exchange->merged[reader->partition] = merged;
  for (guint i = 0; i < exchange->n_outputs; i++)
    most = MAX (most, ((WeirCombined *) exchange->outputs[i])->table.n);
  if (most > 0)
    weir_table_reserve (&merged->table, most / exchange->n_slices);
  weir_task_shield (task);
  for (guint i = 0; i < exchange->n_outputs; i++)
    weir_combine_merge (task, fold, merged, &((WeirCombined *) exchange->outputs[i])->table, start, end);
  weir_task_unshield (task);
  return &merged->table;
}

gboolean
weir_combine_read (WeirTask *task, const WeirFold *fold, WeirReader *reader)
{
  WeirCombineReader *state = reader->state;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint64 start, end;
  guint n;

  if (!state->is_open) {
    state->is_open = TRUE;
    slice_range (reader, &start, &end);
    weir_table_cursor_init (&state->cursor, weir_combine_slice (task, fold, reader), start, end);
  }
  n = weir_table_cursor_next (&state->cursor, slots, WEIR_CHUNK_SIZE);
  weir_task_reserve (task, TRUE);
  for (guint i = 0; i < n && weir_task_is_going (task); i++) {
    task->head.keys[i] = weir_key_value (slots[i]);
    task->head.values[i] = fold->result (task, slots[i]);
    task->head.n_elements = i + 1;
  }
  weir_task_flush (task);
  return n > 0;
}

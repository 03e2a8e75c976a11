/* Combining by key: the machinery that reduce_by_key, the counts and aggregate_by_key share.
 *
 * The writing side folds a task's pairs into a table of its own; the reading side merges the tables of all tasks, in
 * order of task, for its slice of the hashes, and emits (key, result) in the order of the hashes. How values are folded
 * is a WeirFold. Reading needs no merge where there was one task only.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/cells.h"
#include "engine/dataset.h"
#include "engine/table-cursor.h"
#include "engine/task.h"

typedef struct _WeirColumns WeirColumns;

/* What a task gives to the exchange, and what a slice is merged into. */
typedef struct {
  WeirTable table;
  WeirCells cells;      /* of accumulators that are not scalars */
  WeirColumns *columns; /* of windows (operators/window-columns.h), else NULL: of keys that are not in the table */
} WeirCombined;

/* How accumulators of one operator work. All on a worker; a failure is reported on the task. */
typedef struct {
  gsize (*value_size) (const WeirOp *op);
  /* Folds @value into the slot's accumulator; a new slot's accumulator is zeroed. */
  void (*add) (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value, gboolean is_new);
  /* Folds what came later, in @from's slot, into @slot. */
  void (*merge) (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new);
  WeirValue (*result) (WeirTask *task, const WeirKey *slot);
  /* Windows: as add, where the accumulator is a value by itself, as result gives it; owned by combined->cells. */
  void (*add_value) (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue *kept, WeirValue value,
                     gboolean is_new);
  /* Optional, for a new key: may @value be its first one, else the record fails; what add gets in @value's place. */
  gboolean (*accepts) (WeirTask *task, const WeirKey *key, WeirValue value);
  WeirValue (*create) (WeirTask *task, WeirValue value);
  /* Windows, optional: makes a new slot's accumulator of what result gave; NULL: add does. */
  void (*restore) (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue result);
} WeirFold;

/* The first member of the instance of every operator's writing side. */
typedef struct {
  WeirCombined *combined;
} WeirCombineInstance;

typedef struct {
  gboolean is_open;
  WeirTableCursor cursor;
} WeirCombineReader;

WeirCombined *weir_combined_new (const WeirOp *op, WeirMemory *memory, gsize value_size, guint64 from, guint64 until);
void weir_combined_free (gpointer combined);
/* Fails the task where the memory limit forbids the key. */
WeirKey *weir_combined_insert (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirKey *slot);

/* The slots of an operator's table, in order, for one chunk of input: hashed, prefetched. */
void weir_combine_hash (const WeirTask *task, const WeirTable *table, const WeirValue *values, guint n, WeirKey *keys,
                        WeirValue *cells);

void weir_combine_open (WeirTask *task, const WeirFold *fold);
gpointer weir_combine_seal (WeirTask *task);
gboolean weir_combine_read (WeirTask *task, const WeirFold *fold, WeirReader *reader);

/* Folds a chunk's pairs. Inline, so that with a constant @fold there is no call per record beside the user's. */
static inline void
weir_combine_process (WeirTask *task, const WeirFold *fold, const WeirChunk *in)
{
  WeirCombined *combined = ((WeirCombineInstance *) task->instance)->combined;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  weir_task_shield (task);
  for (guint from = 0; from < in->n; from += WEIR_CHUNK_SIZE) {
    guint n = MIN (in->n - from, WEIR_CHUNK_SIZE);

    weir_combine_hash (task, &combined->table, in->keys + from, n, keys, cells);
    for (guint i = 0; i < n; i++) {
      WeirKey *slot = weir_table_find (&combined->table, &keys[i], combined->table.stride);
      const guint64 n_rejects = task->n_rejects_ever;
      gboolean is_new = slot->meta == 0, is_made = is_new && fold->create != NULL;
      WeirValue value = is_made ? fold->create (task, in->values[from + i]) : in->values[from + i];

      if (is_new && G_LIKELY (task->n_rejects_ever == n_rejects))
        slot = weir_combined_insert (task, combined, &keys[i], slot);
      if (G_UNLIKELY (slot == NULL || !weir_task_is_going (task)))
        return;
      if (G_LIKELY (task->n_rejects_ever == n_rejects))
        fold->add (task, combined, slot, value, is_new);
      if (G_UNLIKELY (task->n_rejects_ever != n_rejects))
        weir_task_settle (task, WEIR_PAIR_OF (in->keys[from + i], in->values[from + i]));
    }
  }
  weir_task_unshield (task);
}

/* The slice of the exchange as one table: the only one there is (then of all hashes), or the merge of all tasks'. */
const WeirTable *weir_combine_slice (WeirTask *task, const WeirFold *fold, WeirReader *reader);

/* Folding by the job's function; params of the operator begin with it. */
typedef struct {
  WeirReduceFunc f;
  gpointer user_data;
  WeirValue (*finish) (WeirTask *task, WeirValue reduced, gpointer user_data); /* windows, optional: what leaves */
} WeirReduceParams;

extern const WeirFold weir_fold_value; /* and weir_fold_sum, in combine-sum.h */

/* Merges the slots of @from whose hashes are in the range. */
void weir_combine_merge (WeirTask *task, const WeirFold *fold, WeirCombined *into, const WeirTable *from, guint64 start,
                         guint64 end);

/* *into becomes @result, in @cells; what was made since @mark is given back. FALSE: memory limit, the task has failed. */
gboolean weir_reduce_take (WeirTask *task, WeirCells *cells, WeirValue *into, WeirValue result, const WeirArena *mark);

/* *into becomes @a and @b combined, in @cells; what the function made on the way, since @mark of task memory, is given
 * back, so that no reduction grows with the batch. FALSE: memory limit, the task has failed. */
static inline gboolean
weir_reduce_into (WeirTask *task, WeirCells *cells, WeirValue *into, WeirValue a, WeirValue b, const WeirArena *mark)
{
  const WeirReduceParams *params = task->op->params;
  const guint64 n_rejects = task->n_rejects_ever;
  gint64 sum;

  if (params->f == WEIR_SUM && a.kind == WEIR_INT && b.kind == WEIR_INT && into->kind < WEIR_TEXT &&
      G_LIKELY (!__builtin_add_overflow (a.integer, b.integer, &sum))) {
    *into = weir_int (sum);
    return TRUE;
  }
  a = params->f (task, a, b, params->user_data);
  if (G_UNLIKELY (task->n_rejects_ever != n_rejects)) /* it failed, or rejected @b: *into stays */
    return TRUE;
  if (G_UNLIKELY (a.kind >= WEIR_TEXT || into->kind >= WEIR_TEXT || task->task_run->scratch.used != mark->used))
    return weir_reduce_take (task, cells, into, a, mark);
  *into = a;
  return TRUE;
}

/* Of two INTs, whose sum does not fit. */
void weir_sum_fail_overflow (WeirTask *task, const WeirKey *key, gint64 sum, gint64 more);

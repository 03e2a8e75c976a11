/* One pane of a window's slice: what each key came to in one slide, as a column where it has many of the window's keys, else
 * as a list in the order of the shards.
 *
 * One thread at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "operators/combine.h"
#include "operators/returned.h"
#include "operators/window-columns.h"
#include "operators/window-keys.h"

typedef struct {
  WeirValue value;
  guint32 number;
  guint32 shard; /* of the number */
} WeirPaneEntry;

/* Values are raw until the rebuild (operators/window-panes.c), then what remains when the pane has left, if anything. */
typedef struct {
  gint64 number;
  WeirBlock *block;       /* NULL: nothing came */
  WeirValue *values;      /* by number, WEIR_ABSENT of other keys; NULL: the pane is a list */
  guint32 n_ranks;        /* of each shard in the values */
  WeirPaneEntry *entries; /* of the list, by shard */
  gsize n;                /* entries */
} WeirPane;

/* What the panes of a slice share. */
typedef struct {
  WeirWindowKeys keys;
  WeirCells cells; /* of values that are not scalars */
  WeirReduceFunc f;
  gpointer user_data;
  gboolean is_sum; /* the function is WEIR_SUM */
  /* As a step found them: */
  WeirArena mark;    /* task memory */
  const gsize *used; /* of task memory, now */
  guint64 n_rejects; /* of the task */
  const WeirPane *made;
} WeirPaneStore;

/* What a pane is made of: a key is in the table or in columns, of which each task has one. */
typedef struct {
  const WeirTable *table;       /* NULL: none */
  const WeirFold *fold;         /* whose result reads the table's slots; columns have what it gives */
  WeirCombined *const *written; /* by task, in order; their columns of the slice become the pane's */
  guint n_written;
  guint slice;
} WeirPaneSource;

/* Before what follows, once a step. The function is task->op's WeirReduceParams. */
void weir_pane_begin (WeirPaneStore *store, WeirTask *task);
/* *pane has its number, and nothing else yet; its keys get numbers where they have none. FALSE: the task has failed, and the
 * block is the caller's all the same. Under a shield values of two tasks that cannot be combined are rejected. */
gboolean weir_pane_make (WeirPaneStore *store, WeirTask *task, WeirPane *pane, const WeirPaneSource *source);
/* Of a list: where the entries of the shard, or of the next one that has any, begin. */
gsize weir_pane_first (const WeirPaneStore *store, const WeirPane *pane, guint shard);
/* Is a pane of @n keys better kept as a column? */
gboolean weir_pane_is_dense (const WeirPaneStore *store, gsize n);
/* Goes through the keys, while they have not left. *at begins at 0; FALSE at the end. */
gboolean weir_pane_next (const WeirPaneStore *store, const WeirPane *pane, gsize *at, WeirValue *key, WeirValue *value);

/* *kept becomes a copy of @value. FALSE: the task has failed. */
static inline gboolean
weir_pane_keep (WeirPaneStore *store, WeirTask *task, WeirValue *kept, WeirValue value)
{
  if (G_LIKELY (weir_cells_replace (&store->cells, kept, value)))
    return TRUE;
  weir_task_fail_memory (task);
  return FALSE;
}

gboolean weir_pane_take_slowly (WeirPaneStore *store, WeirTask *task, WeirValue *into, WeirValue value);

/* Of two INTs, whose sum does not fit: the task fails, and names the key that *into belongs to. */
void weir_pane_fail_sum (const WeirPaneStore *store, WeirTask *task, const WeirValue *into, WeirValue a, WeirValue b);

/* Of both: is there something to copy? */
static inline gboolean
weir_pane_has_cells (WeirValue a, WeirValue b)
{
  G_STATIC_ASSERT (WEIR_TEXT == 4 && WEIR_LIST == 7);
  return ((a.kind | b.kind) & 4) != 0;
}

/* *into becomes @value, which the function returned, unless that was rejected. FALSE: the task has failed. */
static inline gboolean
weir_pane_take (WeirPaneStore *store, WeirTask *task, WeirValue *into, WeirValue value)
{
  if (G_UNLIKELY (weir_pane_has_cells (value, *into) || task->n_rejects_ever != store->n_rejects ||
                  *store->used != store->mark.used))
    return weir_pane_take_slowly (store, task, into, value);
  *into = value;
  return TRUE;
}

/* *into, which lies in a column of the keys or in the pane that is being made, becomes *a and *b combined, as
 * weir_reduce_into () has it. In memory: what is handed over in registers compilers take apart. FALSE: the task has
 * failed. */
static inline gboolean
weir_pane_reduce (WeirPaneStore *store, WeirTask *task, WeirValue *into, const WeirValue *a, const WeirValue *b)
{
  gint64 sum;

  if (store->is_sum && a->kind == WEIR_INT && b->kind == WEIR_INT) {
    if (G_UNLIKELY (__builtin_add_overflow (a->integer, b->integer, &sum))) {
      weir_pane_fail_sum (store, task, into, *a, *b);
      return FALSE;
    }
    *into = weir_int (sum);
    return TRUE;
  }
  return weir_pane_take (store, task, into, store->f (task, *a, *b, store->user_data));
}

/* *to becomes values of @key combined, @front before @back; the ready-made functions without a call. It may point into task
 * memory. */
static inline void
weir_pane_reduce_two (WeirTask *task, const WeirReduceParams *params, const WeirKey *key, const WeirValue *front,
                      const WeirValue *back, WeirValue *to)
{
  gint64 sum;

  if (params->f == WEIR_SUM && front->kind == WEIR_INT && back->kind == WEIR_INT) {
    if (G_UNLIKELY (__builtin_add_overflow (front->integer, back->integer, &sum)))
      weir_sum_fail_overflow (task, key, front->integer, back->integer);
    *to = weir_int (sum);
    return;
  }
  /* Stored as it came and mended in memory: in registers, compilers take the value apart and put it together again. */
  *to = params->f (task, *front, *back, params->user_data);
  if (G_UNLIKELY ((to->flags & WEIR_VALUE_BORROWED) != 0))
    *to = weir_returned_take (task, *to);
}

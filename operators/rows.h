/* Rows by slice: what a task of a wide operator hands over where elements go to slices as they are.
 *
 * Written by one task, then read by any, until the batch ends. Rows keep the order that they were added in. What values
 * point to must outlive the batch, or be in the scratch that weir_rows_take_scratch () takes over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"

/* Rows of one shape; the columns stand behind each other in memory. */
typedef struct _WeirRowBlock WeirRowBlock;
struct _WeirRowBlock {
  WeirRowBlock *next;
  WeirValue *keys; /* NULL: plain */
  WeirValue *values;
  guint n, capacity;
};

typedef struct {
  WeirRowBlock *first, *last;
  guint64 n_rows;
} WeirRowList;

typedef struct {
  WeirArena arena;
  guint n_slices;
  WeirRowList *slices;
} WeirRows;

/* Walks one slice through the outputs of all tasks, in order. */
typedef struct {
  guint output; /* the next one */
  const WeirRowBlock *block;
} WeirRowCursor;

WeirRows *weir_rows_new (WeirMemory *memory, guint n_slices);
void weir_rows_free (gpointer rows);
/* Starts a block that is larger than the last. FALSE: memory limit. */
gboolean weir_rows_grow (WeirRows *rows, WeirRowList *list, gboolean has_keys);
void weir_rows_take_scratch (WeirRows *rows, WeirArena *scratch);
/* The next block of the slice, NULL at the end; a zeroed cursor begins. */
const WeirRowBlock *weir_row_cursor_next (WeirRowCursor *cursor, const WeirExchange *exchange, guint slice);

static inline gboolean
weir_row_list_has_room (const WeirRowList *list, gboolean has_keys)
{
  const WeirRowBlock *last = list->last;

  return last != NULL && last->n < last->capacity && (last->keys != NULL) == has_keys;
}

/* Row @i of a chunk goes to the slice. FALSE: memory limit. */
static inline gboolean
weir_rows_add (WeirRows *rows, guint slice, const WeirChunk *in, guint i)
{
  WeirRowList *list = &rows->slices[slice];
  WeirRowBlock *last;

  if (G_UNLIKELY (!weir_row_list_has_room (list, in->keys != NULL)) && !weir_rows_grow (rows, list, in->keys != NULL))
    return FALSE;
  last = list->last;
  last->values[last->n] = in->values[i];
  if (in->keys != NULL)
    last->keys[last->n] = in->keys[i];
  last->n++;
  list->n_rows++;
  return TRUE;
}

/* Owns the memory of rows by slice. Must not know why a row goes where it goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/rows.h"

#define FIRST_BLOCK 8 /* rows: a batch may have many slices and few elements */

WeirRows *
weir_rows_new (WeirMemory *memory, guint n_slices)
{
  WeirRows *rows = g_malloc0 (sizeof *rows + n_slices * sizeof (WeirRowList));

  weir_arena_init (&rows->arena, memory);
  rows->n_slices = n_slices;
  rows->slices = (WeirRowList *) (rows + 1);
  return rows;
}

void
weir_rows_free (gpointer data)
{
  WeirRows *rows = data;

  if (rows == NULL)
    return;
  weir_arena_clear (&rows->arena);
  g_free (rows);
}

gboolean
weir_rows_grow (WeirRows *rows, WeirRowList *list, gboolean has_keys)
{
  guint capacity = list->last == NULL ? FIRST_BLOCK : MIN (list->last->capacity * 2, WEIR_CHUNK_SIZE);
  gsize column = capacity * sizeof (WeirValue);
  WeirRowBlock *block = weir_arena_alloc (&rows->arena, sizeof *block + (has_keys ? 2 : 1) * column);

  if (block == NULL)
    return FALSE;
  *block = (WeirRowBlock){ .values = (WeirValue *) (block + 1), .capacity = capacity };
  if (has_keys)
    block->keys = block->values + capacity;
  if (list->last != NULL)
    list->last->next = block;
  else
    list->first = block;
  list->last = block;
  return TRUE;
}

void
weir_rows_take_scratch (WeirRows *rows, WeirArena *scratch)
{
  WeirBlock **end = &rows->arena.blocks;

  while (*end != NULL)
    end = &(*end)->next;
  *end = scratch->blocks;
  weir_arena_init (scratch, scratch->memory);
}

const WeirRowBlock *
weir_row_cursor_next (WeirRowCursor *cursor, const WeirExchange *exchange, guint slice)
{
  if (cursor->block != NULL)
    cursor->block = cursor->block->next;
  while (cursor->block == NULL && cursor->output < exchange->n_outputs)
    cursor->block = ((const WeirRows *) exchange->outputs[cursor->output++])->slices[slice].first;
  return cursor->block;
}

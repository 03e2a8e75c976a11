/* Cells: values that are kept and replaced, such as the accumulator of a reduction. Each value owns one cell of a
 * power-of-two class, so that a table whose values come and go doesn't grow. Belongs to one thread at a time. Must not
 * know what the values stand for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/value.h>

#include "engine/memory.h"

#define WEIR_CELL_CLASSES 9 /* 16 bytes to 4 KiB; larger cells are blocks of their own */

typedef struct {
  WeirArena arena;
  gpointer spare[WEIR_CELL_CLASSES]; /* by class; the first word of a spare cell is the next one */
  gpointer large;                    /* doubly linked */
} WeirCells;

void weir_cells_init (WeirCells *cells, WeirMemory *memory);
void weir_cells_clear (WeirCells *cells);

/* FALSE: none was ever kept. */
static inline gboolean
weir_cells_has_any (const WeirCells *cells)
{
  return cells->arena.blocks != NULL || cells->large != NULL;
}

gboolean weir_cells_replace_deep (WeirCells *cells, WeirValue *kept, WeirValue value);
void weir_cells_drop (WeirCells *cells, WeirValue *kept);

/* Puts a deep copy of @value in the place of @kept, which is NIL or was kept by the same @cells and may be what @value
 * points into. FALSE: memory limit, and *kept is as before. */
static inline gboolean
weir_cells_replace (WeirCells *cells, WeirValue *kept, WeirValue value)
{
  if (G_UNLIKELY (value.kind >= WEIR_TEXT || kept->kind >= WEIR_TEXT))
    return weir_cells_replace_deep (cells, kept, value);
  *kept = value;
  return TRUE;
}

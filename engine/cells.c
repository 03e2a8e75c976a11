/* Owns the memory of kept values: cells of power-of-two classes out of an arena, and blocks for what is larger. A
 * cell's class follows from the value in it, so that cells need no header. Must not know what the values stand for;
 * belongs to one thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/cells.h"

#include <string.h>

#include "engine/value-copy.h"

#define SMALLEST ((gsize) 16)
#define LARGEST  (SMALLEST << (WEIR_CELL_CLASSES - 1))

/* The head of a large cell; its bytes follow. */
typedef struct _Large Large;
struct _Large {
  WeirBlock *block;
  Large *previous, *next;
};

void
weir_cells_init (WeirCells *cells, WeirMemory *memory)
{
  memset (cells, 0, sizeof *cells);
  weir_arena_init (&cells->arena, memory);
}

void
weir_cells_clear (WeirCells *cells)
{
  Large *next;

  for (Large *large = cells->large; large != NULL; large = next) {
    next = large->next;
    weir_block_unref (large->block);
  }
  weir_arena_clear (&cells->arena);
  cells->large = NULL;
  memset (cells->spare, 0, sizeof cells->spare);
}

static guint
class_of (gsize size)
{
  return size <= SMALLEST ? 0 : g_bit_storage ((size - 1) / SMALLEST);
}

static gpointer
large_new (WeirCells *cells, gsize size)
{
  WeirBlock *block =
      size < G_MAXSIZE - sizeof (Large) ? weir_block_new (cells->arena.memory, sizeof (Large) + size) : NULL;
  Large *large;

  if (block == NULL)
    return NULL;
  large = (Large *) block->data;
  *large = (Large){ .block = block, .next = cells->large };
  if (large->next != NULL)
    large->next->previous = large;
  cells->large = large;
  return large + 1;
}

static void
large_free (WeirCells *cells, gpointer cell)
{
  Large *large = (Large *) cell - 1;

  if (large->previous != NULL)
    large->previous->next = large->next;
  else
    cells->large = large->next;
  if (large->next != NULL)
    large->next->previous = large->previous;
  weir_block_unref (large->block);
}

static gpointer
cell_new (WeirCells *cells, gsize size)
{
  gpointer *spare;

  if (size > LARGEST)
    return large_new (cells, size);
  spare = &cells->spare[class_of (size)];
  if (*spare == NULL)
    return weir_arena_alloc (&cells->arena, SMALLEST << class_of (size));

  gpointer cell = *spare;
  *spare = *(gpointer *) cell;
  return cell;
}

/* @size: as cell_new was asked for, or anything else of the same class. */
static void
cell_free (WeirCells *cells, gpointer cell, gsize size)
{
  gpointer *spare;

  if (size > LARGEST) {
    large_free (cells, cell);
    return;
  }
  spare = &cells->spare[class_of (size)];
  *(gpointer *) cell = *spare;
  *spare = cell;
}

/* May a value of @size bytes live in the cell of @kept, which holds @kept_size? A large cell keeps its block until less
 * than a quarter of it would be used, but never holds what fits a small one. */
static gboolean
fits (const WeirValue *kept, gsize kept_size, gsize size)
{
  gsize capacity;

  if (kept_size == 0 || size == 0)
    return FALSE;
  if (kept_size <= LARGEST || size <= LARGEST)
    return kept_size <= LARGEST && size <= LARGEST && class_of (kept_size) == class_of (size);
  capacity = weir_block_capacity (((const Large *) kept->cells - 1)->block) - sizeof (Large);
  return size <= capacity && size >= capacity / 4;
}

static gboolean
is_text (WeirValue v)
{
  return v.kind == WEIR_TEXT || v.kind == WEIR_BYTES;
}

static gboolean
is_same (WeirValue a, WeirValue b)
{
  return a.bits == b.bits && a.size == b.size && a.kind == b.kind;
}

/* The copy comes before the old cell goes: the value may point into it. */
static gboolean
move_to_new_cell (WeirCells *cells, WeirValue *kept, gsize kept_size, WeirValue value, gsize size)
{
  WeirValue old = *kept;
  char *at = size > 0 ? cell_new (cells, size) : NULL;

  if (at == NULL && size > 0)
    return FALSE;
  *kept = weir_value_copy_to (value, &at);
  if (kept_size > 0)
    cell_free (cells, (gpointer) old.cells, kept_size);
  return TRUE;
}

gboolean
weir_cells_replace_deep (WeirCells *cells, WeirValue *kept, WeirValue value)
{
  gsize kept_size = weir_value_memory (*kept);
  gsize size = weir_value_memory (value);

  if (is_same (*kept, value))
    return TRUE;
  if (size == G_MAXSIZE)
    return FALSE;
  if (!is_text (value) || !fits (kept, kept_size, size))
    return move_to_new_cell (cells, kept, kept_size, value, size);

  char *cell = (char *) kept->data;
  memmove (cell, value.data, value.size);
  *kept = WEIR_VALUE_INIT (data, cell, value.size, value.kind, 0);
  return TRUE;
}

/* Forgets *kept, which becomes NIL. */
void
weir_cells_drop (WeirCells *cells, WeirValue *kept)
{
  gsize size = weir_value_memory (*kept);

  if (size > 0)
    cell_free (cells, (gpointer) kept->cells, size);
  *kept = weir_nil ();
}

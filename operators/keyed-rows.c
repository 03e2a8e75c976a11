/* Owns the memory of pairs by key group, and the writing side of operators with keyed state. Must not know states.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/keyed-rows.h"

#include "engine/dataset.h"
#include "operators/pairs.h"

#define FIRST_BLOCK 4
#define MOST_BLOCK  64

void
weir_keyed_open (WeirTask *task)
{
  WeirKeyedRows *rows = g_malloc0 (sizeof *rows + WEIR_N_GROUPS * sizeof (WeirKeyedList));

  weir_arena_init (&rows->arena, task->task_run->run->memory);
  *(WeirKeyedRows **) task->instance = rows;
  task->task_run->keep = TRUE;
}

void
weir_keyed_rows_free (gpointer data)
{
  WeirKeyedRows *rows = data;

  if (rows == NULL)
    return;
  if (rows->results != NULL)
    weir_partition_unref (rows->results);
  weir_arena_clear (&rows->arena);
  g_free (rows);
}

WeirKeyedRows *
weir_keyed_results_new (WeirMemory *memory, WeirPartition *results)
{
  WeirKeyedRows *rows = g_malloc0 (sizeof *rows);

  weir_arena_init (&rows->arena, memory);
  rows->results = results;
  return rows;
}

static G_GNUC_NO_INLINE gboolean
add_block (WeirKeyedRows *rows, WeirKeyedList *list)
{
  guint capacity = list->last == NULL ? FIRST_BLOCK : MIN (list->last->capacity * 2, MOST_BLOCK);
  WeirKeyedBlock *block = weir_arena_alloc (&rows->arena, sizeof *block + capacity * sizeof (WeirKeyedRow));

  if (block == NULL)
    return FALSE;
  *block = (WeirKeyedBlock){ .capacity = capacity };
  if (list->last != NULL)
    list->last->next = block;
  else
    list->first = block;
  list->last = block;
  return TRUE;
}

/* A key that is a container is found through a cell, which has to stay where it is. */
static gboolean
keep_cell (WeirKeyedRows *rows, WeirKey *key)
{
  WeirValue *cell;

  if (G_LIKELY ((key->meta & WEIR_KEY_CELLS) == 0))
    return TRUE;
  cell = weir_arena_alloc (&rows->arena, sizeof *cell);
  if (cell == NULL)
    return FALSE;
  *cell = *(const WeirValue *) (guintptr) key->lo;
  key->lo = (guint64) (guintptr) cell;
  return TRUE;
}

static inline gboolean
add_row (WeirKeyedRows *rows, WeirKey *key, WeirValue value)
{
  WeirKeyedList *list = &rows->groups[key->hash >> 24];

  if (G_UNLIKELY (list->last == NULL || list->last->n == list->last->capacity) && !add_block (rows, list))
    return FALSE;
  if (!keep_cell (rows, key))
    return FALSE;
  list->last->rows[list->last->n++] = (WeirKeyedRow){ *key, value };
  list->n_rows++;
  return TRUE;
}

void
weir_keyed_process (WeirTask *task, const WeirChunk *in)
{
  WeirKeyedRows *rows = *(WeirKeyedRows **) task->instance;
  const WeirSeed seed = task->seed;

  if (!weir_task_require_pairs (task, in))
    return;
  for (guint i = 0; i < in->n; i++) {
    WeirValue cell;
    WeirKey key;

    weir_key_of (in->keys[i], &seed, &key, &cell);
    if (G_UNLIKELY (!add_row (rows, &key, in->values[i]))) {
      weir_task_fail_memory (task);
      return;
    }
  }
}

/* Rows point into the task's scratch, which therefore stays with them. */
gpointer
weir_keyed_seal (WeirTask *task)
{
  WeirKeyedRows *rows = *(WeirKeyedRows **) task->instance;
  WeirArena *scratch = &task->task_run->scratch;
  WeirBlock **end = &rows->arena.blocks;

  while (*end != NULL)
    end = &(*end)->next;
  *end = scratch->blocks;
  weir_arena_init (scratch, scratch->memory);
  return rows;
}

gsize
weir_keyed_count (const WeirExchange *exchange, guint group)
{
  gsize n = 0;

  for (guint i = 0; i < exchange->n_outputs && exchange->n_elements > 0; i++)
    n += ((const WeirKeyedRows *) exchange->outputs[i])->groups[group].n_rows;
  return n;
}

const WeirKeyedBlock *
weir_keyed_cursor_next (WeirKeyedCursor *cursor, const WeirExchange *exchange, guint group)
{
  if (cursor->block != NULL)
    cursor->block = cursor->block->next;
  while (cursor->block == NULL && cursor->output < exchange->n_outputs)
    cursor->block = ((const WeirKeyedRows *) exchange->outputs[cursor->output++])->groups[group].first;
  return cursor->block;
}

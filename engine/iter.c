/* Owns what was pulled and not yet asked for: a queue of chunks, used again and again. One step of the origin may bring
 * many chunks or none. Runs on the worker that has the task. Must not know which operator pulls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/iter.h"

#include <string.h>

struct _WeirIterChunk {
  WeirIterChunk *next;
  guint n;
  WeirValue values[WEIR_CHUNK_SIZE];
};

void
weir_iter_init (WeirIter *iter, WeirTask *task)
{
  *iter = (WeirIter){ .task = task };
  task->task_run->keep = TRUE;
}

static WeirIterChunk *
chunk_new (WeirIter *iter)
{
  WeirIterChunk *chunk = iter->spare;

  if (chunk != NULL)
    iter->spare = chunk->next;
  else
    chunk = weir_arena_alloc (iter->task->task_run->frame, sizeof *chunk);
  if (chunk == NULL)
    weir_task_fail_memory (iter->task);
  return chunk;
}

/* Pairs get cells in task memory, since the columns are gone when the caller returns. */
static gboolean
fill_with_pairs (WeirIter *iter, WeirIterChunk *chunk, const WeirChunk *in)
{
  const WeirValue *keys = in->keys, *values = in->values;
  const WeirValue pair = WEIR_VALUE_INIT (cells, NULL, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  const guint n = in->n;
  WeirValue *cells = weir_alloc (iter->task, 2 * n * sizeof *cells);

  if (cells == NULL)
    return FALSE;
  for (guint i = 0; i < n; i++, cells += 2) {
    cells[0] = keys[i];
    cells[1] = values[i];
    memcpy (&chunk->values[i], &pair, sizeof pair); /* not by its fields, which compilers store one by one */
    chunk->values[i].cells = cells;
  }
  return TRUE;
}

static gboolean
fill (WeirIter *iter, WeirIterChunk *chunk, const WeirChunk *in)
{
  chunk->next = NULL;
  chunk->n = in->n;
  if (in->keys != NULL)
    return fill_with_pairs (iter, chunk, in);
  memcpy (chunk->values, in->values, in->n * sizeof in->values[0]);
  return TRUE;
}

void
weir_iter_queue (WeirIter *iter, const WeirChunk *in)
{
  WeirIterChunk *chunk = chunk_new (iter);

  g_assert (in->n <= WEIR_CHUNK_SIZE);
  if (chunk == NULL || !fill (iter, chunk, in))
    return;
  if (iter->first == NULL)
    iter->first = chunk;
  else
    iter->last->next = chunk;
  iter->last = chunk;
}

static void
drop_first (WeirIter *iter)
{
  WeirIterChunk *chunk = iter->first;

  iter->first = chunk->next;
  iter->at = 0;
  chunk->next = iter->spare;
  iter->spare = chunk;
}

/* The next element where it has to be pulled first. */
static G_GNUC_NO_INLINE gboolean
next_pulled (WeirIter *it, WeirValue *value)
{
  g_return_val_if_fail (it != NULL && value != NULL, FALSE);

  while (it->first == NULL || it->at == it->first->n) {
    if (it->first != NULL)
      drop_first (it);
    else if (!weir_task_pull (it->task))
      return FALSE;
  }
  *value = it->first->values[it->at++];
  return TRUE;
}

/**
 * weir_iter_next:
 * @it: the iterator that a partition function was given
 * @value: (out): the next element; valid until the function returns
 *
 * Takes the next element of the partition, in order. May run what stands above in the chain for one more chunk, hence
 * other functions of the job, on this thread. Once FALSE, always FALSE; @value is then as before.
 *
 * Returns: FALSE at the end of the partition, or when the batch has failed
 */
gboolean
weir_iter_next (WeirIter *it, WeirValue *value)
{
  if (G_UNLIKELY (it == NULL || value == NULL || it->first == NULL || it->at == it->first->n))
    return next_pulled (it, value);
  *value = it->first->values[it->at++];
  return TRUE;
}

/* Owns partitions: chunks that are kept, and the memory that they point into. Immutable once they are shared.
 * Threads: written by the one task that makes it; read by any.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "engine/dataset.h"

WeirPartition *
weir_partition_new (WeirMemory *memory)
{
  WeirPartition *partition = g_new0 (WeirPartition, 1);

  partition->refs = 1;
  partition->chunks = g_array_new (FALSE, FALSE, sizeof (WeirChunk));
  weir_arena_init (&partition->arena, memory);
  return partition;
}

WeirPartition *
weir_partition_ref (WeirPartition *partition)
{
  __atomic_add_fetch (&partition->refs, 1, __ATOMIC_RELAXED);
  return partition;
}

void
weir_partition_unref (WeirPartition *partition)
{
  if (partition == NULL || __atomic_sub_fetch (&partition->refs, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  weir_arena_clear (&partition->arena);
  g_array_unref (partition->chunks);
  g_free (partition);
}

/* A copy of a column; NULL: memory limit. */
static const WeirValue *
copy_column (WeirArena *arena, const WeirValue *values, guint n, gboolean deep)
{
  WeirValue *copy = weir_arena_alloc (arena, n * sizeof *copy);

  if (copy == NULL)
    return NULL;
  memcpy (copy, values, n * sizeof *copy);
  for (guint i = 0; deep && i < n; i++)
    if (copy[i].kind >= WEIR_TEXT && !weir_value_copy_into (arena, &copy[i]))
      return NULL;
  return copy;
}

gboolean
weir_partition_append (WeirPartition *partition, const WeirChunk *chunk, gboolean deep)
{
  WeirChunk copy = { NULL, NULL, chunk->n };

  if (chunk->n == 0)
    return TRUE;
  copy.values = copy_column (&partition->arena, chunk->values, chunk->n, deep);
  if (copy.values == NULL)
    return FALSE;
  if (chunk->keys != NULL) {
    copy.keys = copy_column (&partition->arena, chunk->keys, chunk->n, deep);
    if (copy.keys == NULL)
      return FALSE;
  }
  g_array_append_val (partition->chunks, copy);
  partition->n_elements += chunk->n;
  return TRUE;
}

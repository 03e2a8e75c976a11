/* Chunks: what operators hand to each other. Homogeneous: plain values (no keys column) or pairs in two
 * columns.
 *
 * Whoever receives a chunk may read it until it returns; what the values point to lives at least as long as
 * the task's scratch memory, and as the batch where it comes from a source, a table or a kept partition.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/value.h>

/* The spike in bench/ found no difference between 64 and 1024; this keeps two links of a chain inside a
 * first-level cache. */
#define WEIR_CHUNK_SIZE 256

typedef struct {
  const WeirValue *keys; /* NULL: plain */
  const WeirValue *values;
  guint n;
} WeirChunk;

/* Element @i as one value; @cells is the caller's storage, so a pair is BORROWED. */
static inline WeirValue
weir_chunk_element (const WeirChunk *chunk, guint i, WeirValue cells[2])
{
  if (chunk->keys == NULL)
    return chunk->values[i];
  cells[0] = chunk->keys[i];
  cells[1] = chunk->values[i];
  return weir_pair_at (cells);
}

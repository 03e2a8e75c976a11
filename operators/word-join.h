/* Joins of chunks with a word index. On workers, inside a task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"
#include "operators/word-index.h"

typedef struct {
  const WeirWordIndex *index;
  gboolean table_is_first; /* (key, (value of the table, value of the data)) */
  gboolean keeps_data;     /* (..., NIL) for keys that the table does not have */
} WeirWordJoin;

/* Emits what becomes of a chunk of pairs, at most WEIR_CHUNK_SIZE of them, in order. */
void weir_word_join (WeirTask *task, const WeirWordJoin *join, const WeirChunk *in);

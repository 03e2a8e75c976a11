/* The writing side of a window's combining by key: a record whose key the window holds already is folded into a column of
 * values by the key's number, which is a fraction of the memory that a table takes, and becomes the pane as it is. Keys
 * that are new go into the table as they do elsewhere.
 *
 * A slice's keys do not change between the writing of a batch and its advance, so all tasks of a batch agree on which keys
 * have numbers. A column belongs to its task until it is sealed, then to the task that advances the slice.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "operators/combine.h"
#include "operators/window-keys.h"

typedef struct {
  const WeirWindowKeys *keys; /* of the slice; without any where it takes no column */
  WeirBlock *block;           /* NULL: nothing has come */
  WeirValue *values;          /* by number: accumulators, in the cells of the task's WeirCombined, or WEIR_ABSENT */
  guint32 n_ranks;            /* of each shard */
} WeirColumn;

struct _WeirColumns {
  guint n_slices;
  WeirColumn *of_group[WEIR_N_GROUPS]; /* by key group: its slice's */
  WeirColumn slices[];
};

/* For open, process and output_free of a class. @keys: by slice, NULL where there is to be no column; without any, the
 * writing side is that of other operators. */
void weir_columns_open (WeirTask *task, const WeirFold *fold, const WeirWindowKeys *const *keys);
void weir_columns_process (WeirTask *task, const WeirFold *fold, const WeirChunk *in);
void weir_columns_output_free (gpointer combined);

/* What the task wrote of a slice; NULL: nothing. */
static inline WeirColumn *
weir_columns_of (const WeirCombined *combined, guint slice)
{
  WeirColumns *columns = combined->columns;

  return columns != NULL && columns->slices[slice].block != NULL ? &columns->slices[slice] : NULL;
}

/* A column of WEIR_ABSENT with room for as many ranks of each shard as the keys' columns have: a key's value is where the
 * key is, until these grow. *n_ranks becomes the number. NULL: memory limit. */
WeirBlock *weir_columns_block_new (const WeirWindowKeys *keys, guint32 *n_ranks);

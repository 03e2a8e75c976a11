/* Pairs by key group: what a task of an operator with keyed state hands over. A row's key is hashed and, where it is
 * short, whole, so that the reading side touches nothing else.
 *
 * Written by one task, then read by any, until the batch ends. Rows of a group keep the order that they came in.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/table.h"
#include "engine/task.h"

typedef struct {
  WeirKey key;
  WeirValue value;
} WeirKeyedRow;

typedef struct _WeirKeyedBlock WeirKeyedBlock;
struct _WeirKeyedBlock {
  WeirKeyedBlock *next;
  guint n, capacity;
  WeirKeyedRow rows[];
};

typedef struct {
  WeirKeyedBlock *first, *last;
  guint64 n_rows;
} WeirKeyedList;

typedef struct {
  WeirArena arena;
  WeirPartition *results; /* of a slice, where the operator has some: not of a task */
  WeirKeyedList groups[]; /* WEIR_N_GROUPS; none with results */
} WeirKeyedRows;

/* Walks one group through the outputs of all tasks, in order; zeroed to begin. */
typedef struct {
  guint output; /* the next one */
  const WeirKeyedBlock *block;
} WeirKeyedCursor;

/* For the slots of a class; the instance is a WeirKeyedRows *. */
void weir_keyed_open (WeirTask *task);
void weir_keyed_process (WeirTask *task, const WeirChunk *in);
gpointer weir_keyed_seal (WeirTask *task);
void weir_keyed_rows_free (gpointer rows);

/* What a slice gives out, to be left in exchange->merged; takes the partition. */
WeirKeyedRows *weir_keyed_results_new (WeirMemory *memory, WeirPartition *results);

gsize weir_keyed_count (const WeirExchange *exchange, guint group);
/* The next block of the group, NULL at the end. */
const WeirKeyedBlock *weir_keyed_cursor_next (WeirKeyedCursor *cursor, const WeirExchange *exchange, guint group);

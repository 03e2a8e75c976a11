/* Groups: the pairs of a slice by key, each key's values one behind the other. What group_by_key, cogroup and the joins
 * are made of.
 *
 * Tasks write rows by slice (weir_groups_open, _process, _seal); reading a slice groups its rows in two passes, once a
 * batch, and keeps the groups in the exchange. Groups come in the order in which their keys came first, values in order
 * of arrival: those of the first input before those of the second. Worker threads; a slice belongs to one task at a
 * time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "operators/rows.h"

typedef struct {
  WeirValue key;
  WeirValue *items;
  guint32 n;
  guint32 n_first; /* of them, from the first input */
} WeirGroup;

/* What a slice is merged into; no rows of its own, but freed like those that the tasks wrote. */
typedef struct {
  WeirRows owner;
  WeirGroup *groups;
  gsize n_groups;
  guint64 *marks; /* what operators/table-join.c has found, in owner's memory */
} WeirGroups;

#define WEIR_GROUPS_INSTANCE_SIZE (sizeof (WeirRows *))

/* The writing side of a class with WEIR_OP_PAIRS, WEIR_GROUPS_INSTANCE_SIZE and output_free = weir_rows_free. */
void weir_groups_open (WeirTask *task);
void weir_groups_process (WeirTask *task, const WeirChunk *in);
gpointer weir_groups_seal (WeirTask *task);

/* Never NULL; where memory does not suffice, the task has failed. */
const WeirGroups *weir_groups_of_slice (WeirTask *task, const WeirReader *reader);

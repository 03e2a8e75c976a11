/* Iterators of partition functions: elements that are pulled, one source chunk at a time.
 *
 * For operators of WEIR_OP_PULLS, which hold one in their instance: open calls init, process only queues, end calls the
 * job's function, which pulls. Belongs to one task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/task.h"

typedef struct _WeirIterChunk WeirIterChunk;

struct _WeirIter {
  WeirTask *task; /* the link that pulls */
  WeirIterChunk *first, *last;
  WeirIterChunk *spare;
  guint at; /* in first */
};

/* Task memory is kept until the task ends: values that were handed out stay valid until the function returns. */
void weir_iter_init (WeirIter *iter, WeirTask *task);
void weir_iter_queue (WeirIter *iter, const WeirChunk *in);

/* The task: a partition's way through a chain of links.
 *
 * What user functions know as WeirTask is one link: an operator's place in the chain with its open output
 * chunk. Links of a task share a WeirTaskRun. A task lives on one worker; only WeirRun is shared between
 * threads. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/task.h>

#include "engine/chunk.h"
#include "engine/memory.h"
#include "engine/op.h"
#include "engine/run.h"

struct _WeirTaskRun {
  WeirRun *run;
  WeirArena scratch; /* task memory: recycled between source chunks unless `keep` */
  gboolean keep;     /* what was emitted stays: the scratch goes to whoever keeps the chunks */
  guint partition;
  guint input;                              /* which parent of a wide operator this task feeds */
  guint index;                              /* of the task in its stage */
  WeirTask *first;                          /* the origin's link */
  gboolean (*pull) (WeirTaskRun *task_run); /* one more step of the origin; FALSE at the end */
  gpointer pull_data;
};

struct _WeirTask {
  WeirTaskHead head; /* public: the open chunk */
  const WeirOp *op;  /* the operator, source or output that this link runs */
  gpointer instance; /* klass->instance_size zeroed bytes */
  WeirTask *next;    /* NULL at the end of the chain */
  WeirTaskRun *task_run;
  WeirDataset *dataset; /* whose elements this link makes; NULL for a terminal */
  guint64 n_emitted;    /* of full chunks handed on */
};

/* TRUE while the batch goes on: long loops ask once per chunk. */
static inline gboolean
weir_task_is_going (const WeirTask *task)
{
  return !weir_run_has_failed (task->task_run->run);
}

WeirTask *
weir_task_link_new (WeirTaskRun *task_run, const WeirOp *op, const WeirOpClass *klass, WeirTask *next);
void
weir_task_forward (
    WeirTask *task,
    const WeirChunk *chunk); /* hands a chunk that is already there to the next link, in order */
void
weir_task_set_shape (WeirTask *task, gboolean has_keys); /* flushes where the shape changes */
WeirTask *
weir_task_reserve (WeirTask *task,
                   gboolean has_keys); /* an empty open chunk of that shape: operators fill it themselves */
void
weir_task_emit_returned (WeirTask *task,
                         WeirValue value); /* what a user function returned: not copied, pairs are split */
WeirValue
weir_task_keep (WeirArena *arena, WeirValue value,
                gboolean all); /* deep copy of what is borrowed, or of all; NIL and *error via run on limit */
void
weir_task_fail (WeirTask *task, gint code, const char *format, ...) G_GNUC_PRINTF (3, 4);
void
weir_task_fail_memory (WeirTask *task);

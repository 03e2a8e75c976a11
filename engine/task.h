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

typedef struct _WeirPartition WeirPartition;
typedef struct _WeirHeldChunk WeirHeldChunk;

struct _WeirTaskRun {
  WeirRun *run;
  WeirArena *frame;  /* links, instances, readers: until the task ends */
  WeirArena scratch; /* task memory: recycled between steps of the origin unless `keep`; hold nothing there */
  gboolean keep;     /* what was emitted stays: the scratch goes to whoever keeps the chunks, or with the task */
  guint partition;
  guint input;         /* which parent of a wide operator this task feeds */
  guint index;         /* of the task in its stage */
  WeirTask *first;     /* the origin's link */
  WeirTask *ending;    /* the next link to be ended: all above have been */
  WeirReader reader;   /* of the origin */
  WeirPartition *kept; /* the origin's partition, where it is kept */
  gboolean origin_is_done;
};

struct _WeirTask {
  WeirTaskHead head; /* public: the open chunk */
  const WeirOp *op;  /* the operator, source or output that this link runs */
  const WeirOpClass *klass;
  WeirDataset *const *absorbed; /* what a fused class does beside its own */
  gboolean is_again;            /* the dataset has run before: what it counts has been counted */
  gpointer instance;            /* klass->instance_size zeroed bytes */
  WeirSeed seed;                /* what a wide operator hashes its keys with, when it writes and when it reads */
  WeirTask *next;               /* NULL at the end of the chain */
  WeirTaskRun *task_run;
  guint64 n_emitted;   /* of chunks handed on */
  char *reject_reason; /* of the last rejects, counted in n_rejects until the reason changes or the task ends */
  guint64 n_rejects;
  guint64 n_rejects_ever; /* what a function rejected has no result, whatever the function returns */
  WeirPartition *rejects; /* (reason, value), where op->keep_rejects */
  gboolean is_shielded;   /* a function works on one record, and on.error=reject: its failure is the record's */
  gboolean has_failed;    /* it has, and the record has not been rejected yet */
  gboolean is_in_record; /* between weir_task_begin_record () and _end_record () under a shield: full chunks are held */
  char *failure;         /* why; the first time allocated */
  WeirHeldChunk *held, *last_held;
};

/* TRUE while the batch goes on: long loops ask once per chunk. */
static inline gboolean
weir_task_is_going (const WeirTask *task)
{
  return !weir_run_has_failed (task->task_run->run);
}

/* @next: where chunks go; NULL at the end. NULL: memory limit, the run has failed. */
WeirTask *weir_task_link_new (WeirTaskRun *task_run, const WeirOp *op, const WeirOpClass *klass, WeirTask *next);
void weir_task_end_rejects (WeirTask *task); /* reports what was counted */

/* One more step of what stands above @upto in the chain: TRUE if something may have reached it, FALSE at the end. For
 * operators that pull (WEIR_OP_PULLS): their process () only queues what comes, their end () does the work. */
gboolean weir_task_pull (WeirTask *upto);

void weir_task_forward (WeirTask *task, const WeirChunk *chunk); /* hands on a chunk that is already there, in order */
/* An empty open chunk of that shape (flushes what is pending): operators fill head.keys/values, set head.n_elements. */
void weir_task_reserve (WeirTask *task, gboolean has_keys);
/* What a user function returned: not copied, pairs are split. */
void weir_task_emit_returned (WeirTask *task, WeirValue value);

/* A deep copy of all of @value in @arena. FALSE: memory limit. */
gboolean weir_value_copy_into (WeirArena *arena, WeirValue *value);

/* Between the two, whoever calls functions on one record after the other asks, wherever n_rejects_ever has moved, for
 * weir_task_settle () with the record: where on.error=reject, one at which its function failed is rejected. */
static inline void
weir_task_shield (WeirTask *task)
{
  task->is_shielded = task->task_run->run->rejects_errors;
}

void weir_task_unshield (WeirTask *task);
void weir_task_settle (WeirTask *task, WeirValue record);
/* The same for several records: why they are to be rejected, in @reason, or FALSE. */
gboolean weir_task_take_failure (WeirTask *task, const char **reason);
/* For sources, whose function emits into the task itself: around a call for one record; at the end what a function that
 * has failed emitted is taken back, and the record rejected. */
typedef struct {
  guint32 n_open;
} WeirTaskMark;
WeirTaskMark weir_task_begin_record (WeirTask *task);
void weir_task_end_record (WeirTask *task, WeirTaskMark mark, WeirValue record);
/* What is wrong with the one record: fails the batch where no shield is up. */
void weir_task_fail_record (WeirTask *task, gint code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Fails the batch; the message is prefixed with the operator's name. */
void weir_task_fail (WeirTask *task, gint code, const char *format, ...) G_GNUC_PRINTF (3, 4);
void weir_task_fail_memory (WeirTask *task);

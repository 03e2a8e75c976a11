/* Datasets: what one stream holds in one batch, and how to run it. Lazily: nothing is computed before
 * somebody asks.
 *
 * Belongs to the batch (WeirRun); built and asked on the runner; partitions are immutable and read by
 * workers. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/op.h"
#include "engine/run.h"
#include "engine/task.h"

/* An immutable sequence of chunks with the memory that they point into. */
struct _WeirPartition {
  gint refs;      /* atomic */
  GArray *chunks; /* of WeirChunk, in `arena` */
  guint64 n_elements;
  WeirArena arena;
};

WeirPartition *weir_partition_new (WeirMemory *memory);
WeirPartition *weir_partition_ref (WeirPartition *partition);
void weir_partition_unref (WeirPartition *partition);
/* Copies the chunk's columns; with @deep also all that the values point to. FALSE: memory limit. */
gboolean weir_partition_append (WeirPartition *partition, const WeirChunk *chunk, gboolean deep);

struct _WeirDataset {
  WeirRun *run;     /* NULL: it outlives batches, where ctx is set; else its batch is over */
  WeirContext *ctx; /* of weir_context_dataset () */
  const WeirOp *op;
  WeirDataset **parents;
  guint n_parents;
  guint n_uses;               /* more than one: kept when first computed */
  gpointer plan;              /* SOURCE */
  WeirExchange *exchange;     /* WIDE, once written */
  WeirPartition **partitions; /* once kept or computed */
  guint n_partitions;
  gboolean is_kept;
  gboolean is_advanced;
  gboolean is_settled; /* DEFERRED: parents[0] is what it stands for */
  gboolean owns_op;    /* it was made by a verb on datasets */
  gboolean has_run;    /* not kept, in a stage that is done: once more must not count once more */
  guint n_handed;      /* functions that hold it right now and may ask again: kept when asked */
  gpointer index;      /* of the context's: what operators made of it, to be freed with index_free, words_free */
  gpointer words;
  GDestroyNotify index_free, words_free;
  GPtrArray *rejects; /* of WeirPartition, in order of task, where op->keep_rejects; else NULL */
};

WeirDataset *weir_dataset_new_node (WeirRun *run, const WeirOp *op, WeirDataset *const *parents, guint n_parents);
void weir_dataset_clear (WeirDataset *dataset); /* its batch is over, nothing but the struct is left */
void weir_dataset_free (WeirDataset *dataset);

/* Hands over one chunk after the other of what is held, until @f says FALSE, which is handed on. */
typedef gboolean (*WeirChunkFunc) (const WeirChunk *chunk, gpointer data);
gboolean weir_dataset_each_chunk (const WeirDataset *dataset, WeirChunkFunc f, gpointer data);

/* The batch in which it may be asked now; NULL: none, weir_dataset_is_valid () says why. Runner. */
WeirRun *weir_dataset_run_of (const WeirDataset *dataset);
gboolean weir_dataset_is_valid (const WeirDataset *dataset, GError **error);

/* All run stages on the runner and block; FALSE: error is set and the batch has failed. */
gboolean weir_dataset_keep (WeirDataset *dataset, GError **error);    /* compute and hold all partitions */
gboolean weir_dataset_advance (WeirDataset *dataset, GError **error); /* EVERY_BATCH: take in this batch, once */
gboolean weir_dataset_count_partitions (WeirDataset *dataset, guint *n,
                                        GError **error); /* may run the stages that the number depends on */

/* Runs @dataset into a terminal: one task a partition. outputs[i] is what klass->seal gave for task i (NULL
 * without seal); transfer container to the caller, who frees with g_free. */
gboolean
weir_dataset_run (WeirDataset *dataset, const WeirOp *terminal, gpointer **outputs, guint *n_outputs, GError **error);
/* The same, into a fresh partition a task, deep copies if @deep: windows hold these. */
gboolean weir_dataset_hold (WeirDataset *dataset, gboolean deep, WeirPartition ***partitions, guint *n_partitions,
                            GError **error);

/* Operators: the vtable that every verb implements, and an operator's place in a graph.
 *
 * An operator is data (WeirOp) with a class. Narrow operators turn chunks into chunks inside a task. Wide
 * operators write chunks into an exchange (one output a task) and read slices of it. Both sides run on
 * workers, concurrently for different partitions; a WeirOp is read-only while a batch runs, except for its
 * slices' state, of which each is touched by one task at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

#include "engine/chunk.h"

typedef struct _WeirOp WeirOp;
typedef struct _WeirOpClass WeirOpClass;
typedef struct _WeirReader WeirReader;
typedef struct _WeirExchange WeirExchange;
typedef struct _WeirSaver WeirSaver;
typedef struct _WeirSection WeirSection;

typedef enum {
  WEIR_OP_SOURCE,   /* reads what a plan names */
  WEIR_OP_NARROW,   /* chunk in, chunk out */
  WEIR_OP_UNION,    /* the parents' partitions, one parent after the other */
  WEIR_OP_WIDE,     /* exchange between two stages */
  WEIR_OP_COMPUTED, /* makes its own partitions on the runner (compute) */
  WEIR_OP_DEFERRED, /* finds out on the runner which dataset it stands for (compute), then is a union of that one */
  WEIR_OP_TERMINAL, /* the end of a chain: sinks, buffers */
} WeirOpKind;

typedef enum {
  WEIR_OP_PAIRS = 1,       /* takes pairs only; a plain value fails the batch with KIND */
  WEIR_OP_ONE_SLICE = 2,   /* one global answer: exchange of one slice */
  WEIR_OP_EVERY_BATCH = 4, /* must see each batch of its parent, wanted or not (windows, state) */
  WEIR_OP_PULLS = 8,       /* process () queues, end () pulls by weir_task_pull () */
  WEIR_OP_REJECTS = 16,    /* reads what its parent's functions rejected */
  WEIR_OP_SIEVES = 32,     /* only says which elements stay, by the filter of a WeirFunction in params */
} WeirOpFlags;

struct _WeirOpClass {
  const char *verb; /* required: what users call it */
  WeirOpKind kind;
  guint flags;
  gsize instance_size; /* of task->instance: zeroed before open */

  /* Loop of the graph's start, optional: params against each other and the parents; sets one clear error. */
  gboolean (*validate) (const WeirOp *op, GError **error);

  /* NARROW, TERMINAL, and the writing side of WIDE; worker thread. open and end are optional. */
  void (*open) (WeirTask *task);
  void (*process) (WeirTask *task, const WeirChunk *in);
  void (*end) (WeirTask *task); /* end of the partition: emit what is held back */

  /* WIDE. seal (required): after end, what this task gives to the exchange, freed by output_free after the
   * batch. */
  gpointer (*seal) (WeirTask *task);
  /* WIDE, optional: a class that also does the work of the last operators before it, *n_absorbed of the @n in @chain;
   * its tasks find them in task->absorbed. NULL: nothing to gain. */
  const WeirOpClass *(*fuse) (const WeirOp *op, WeirDataset *const *chain, guint n, guint *n_absorbed);
  void (*output_free) (gpointer output);
  /* WIDE, SOURCE: one step of reading a slice or partition: emit about a chunk into @task, TRUE if there may
   * be more. reader->state is reader_size zeroed bytes; read_end (optional) runs on the worker when the
   * reading is over. */
  gsize reader_size;
  gboolean (*read) (WeirTask *task, WeirReader *reader);
  void (*read_end) (WeirTask *task, WeirReader *reader);

  /* WIDE with EVERY_BATCH: state per slice, in memory as long as the context. advance: one task a slice, once
   * per batch of the parent, before anything reads the slice. */
  gpointer (*slice_open) (const WeirOp *op, guint slice);
  void (*slice_close) (gpointer state);
  void (*advance) (WeirTask *task, WeirReader *reader);

  /* With EVERY_BATCH, optional, both or none: the state as a checkpoint keeps it (engine/saver.h). save: worker thread,
   * one task a slice, while no batch runs: writes what has changed since it was last called. load: worker thread, one
   * task a slice (made by slice_open), before the first batch: takes from the section what belongs to the slice; it is
   * called for all sections, in the order in which they were written, whatever the number of slices was then. A slice
   * whose load or save fails calls weir_task_fail (). COMPUTED operators with a slice_open have one slice, op->slices[0],
   * touched by the runner alone between saves. */
  void (*save) (WeirTask *task, gpointer slice, guint index, WeirSaver *saver);
  void (*load) (WeirTask *task, gpointer slice, guint index, const WeirSection *section);

  /* COMPUTED, on the runner: set dataset's partitions (see dataset.h). DEFERRED, on the runner, once: make the dataset
   * that it stands for its only parent. */
  gboolean (*compute) (WeirDataset *dataset, GError **error);

  void (*params_clear) (gpointer params); /* optional */
};

struct _WeirOp {
  const WeirOpClass *klass;
  const char *name;             /* for errors: the stream's name, or "reduce_by_key-3" */
  gpointer params;              /* the class's own struct; owned */
  guint n_slices;               /* of a wide operator; resolved at start */
  guint64 salt;                 /* of the job's seed: keys that come from another operator's slice must not all
                                   fall into one place of this one's tables */
  WeirTime length, slide, pane; /* windows; resolved at start; slide is every stream's */
  gsize size_hint;              /* entries of a table last time: racy reads and writes are fine, it is a hint (relaxed
                                   atomics) */
  gpointer *slices;             /* state, n_slices of them */
  gpointer computed_state;      /* of COMPUTED operators, runner only */
  guint state_version;          /* of the job's own, and how older states become it; both from the stream */
  WeirUpgradeFunc upgrade;
  gpointer upgrade_data;
  guint saved_version;     /* that the state being loaded was written with */
  gboolean keep_rejects;   /* somebody reads weir_rejected () of it; resolved at start */
  WeirDataset *rejects_to; /* of datasets' verbs: whose rejects these are; NULL: their own */
};

/* What a wide operator's tasks handed over, in order of task. */
struct _WeirExchange {
  guint n_outputs;
  guint64 n_elements; /* that were written: tells whether reading is worth waking workers for */
  gpointer *outputs;  /* by task */
  guint *inputs;      /* by task: which parent it read */
  guint n_slices;
  gpointer *merged; /* by slice: for read to keep what it merged until the batch ends; freed by output_free */
};

/* Where a step of reading stands. */
struct _WeirReader {
  WeirDataset *dataset;
  const WeirOp *op;
  guint partition;        /* or slice */
  WeirExchange *exchange; /* WIDE */
  gpointer slice;         /* state of the slice, EVERY_BATCH */
  gpointer plan;          /* SOURCE: the WeirPlan of this batch */
  gpointer state;         /* reader_size bytes */
};

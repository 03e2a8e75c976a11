/* One batch while it runs: time, seed, memory, and the first failure. Written by the runner before the tasks start; the
 * failure may be set by any worker (atomic flag, lock for the text).
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/error.h>
#include <weir/macros.h>

#include <pthread.h>

#include "engine/hash.h"
#include "engine/memory.h"

typedef struct _WeirRun WeirRun;
typedef struct _WeirTaskRun WeirTaskRun;
typedef struct _WeirWorkers WeirWorkers;

struct _WeirRun {
  WeirTime time; /* of the batch */
  WeirTime interval;
  WeirTime zero; /* one interval before the first batch: slides are counted from here */
  WeirSeed seed;
  WeirMemory *memory;
  WeirMemory *state_memory; /* of what lives on from batch to batch: state.limit */
  WeirWorkers *workers;
  gboolean has_checkpoint; /* what operators keep will be saved */
  gboolean rejects_errors; /* on.error=reject */
  guint n_partitions;      /* the option: slices of a keyed operator that sets none */
  gint64 *counters;        /* what the batch adds to the job's counters; atomic */
  guint n_counters;
  guint64 n_records;      /* read from sources so far; atomic */
  guint64 n_invalid_utf8; /* atomic */
  gint failed;            /* atomic */
  pthread_mutex_t lock;   /* guards error and rejects */
  GError *error;
  GHashTable *rejects; /* "operator: reason" -> count (guint64 *) */
  WeirArena results;   /* of collect: runner only */
  GPtrArray *held;     /* partitions that live as long as the batch: runner only */
  GPtrArray *datasets; /* of this batch; freed with it */
  GPtrArray **graves;  /* nullable: takes the structs of datasets until the next batch is over, so that a job which
                          held on to one is told */
  struct _WeirDataset *rejects_for; /* what takes the rejects of datasets that a function builds now; NULL: nobody does.
                                       Runner only */
  const char *asker; /* whose function builds datasets now, to name operators by; NULL: nobody's. Runner only */
};

void weir_run_init (WeirRun *run, WeirMemory *memory, WeirWorkers *workers);
void weir_run_clear (WeirRun *run);
void weir_run_take_error (WeirRun *run, GError *error); /* keeps the first; transfer full */
/* FALSE, with a copy of the error that the run has failed with: the run keeps it for whoever asks later. */
gboolean weir_run_report (WeirRun *run, GError **error);
void weir_run_count_reject (WeirRun *run, const char *operator_name, const char *reason, guint64 n);

/* Counts of rejected records, "where: why" -> guint64 *; NULL: none. The table is made with the first. */
void weir_rejects_add (GHashTable **rejects, const char *where_and_why, guint64 n);
guint64 weir_rejects_sum (GHashTable *rejects);

static inline gboolean
weir_run_has_failed (const WeirRun *run)
{
  return __atomic_load_n (&run->failed, __ATOMIC_RELAXED) != 0;
}

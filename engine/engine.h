/* What runs once a context has started: the loop with its driver, the runner, workers, memory.
 *
 * Fields are grouped by who touches them. The loop thread plans batches and hears of their end; the runner runs them in
 * order. A batch belongs to one of the two at a time and is handed over through the runner's queue and the loop's
 * mailbox. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include "engine/context.h"
#include "engine/listener.h"
#include "engine/loop.h"
#include "engine/report.h"
#include "engine/run.h"
#include "engine/source.h"
#include "engine/workers.h"

typedef struct _WeirBatch WeirBatch;

/* A planned batch. Written by the loop until it is queued, by the runner until it is complete, then by the loop. */
struct _WeirBatch {
  WeirEngine *engine;
  WeirTime time;
  gint64 due;           /* monotonic: when it should have been planned */
  WeirPlan *plans;      /* by source */
  GBytes **positions;   /* by source: where it stands after its plan; nullable, its elements, too: not read again */
  gboolean is_replay;   /* was planned and logged before a restart */
  gboolean is_followed; /* by others that were: no epoch ends here, which would forget their plans */
  gboolean is_last;     /* no batch: seal what there is, the context stops */
  GHashTable *lost;     /* rejected before they were records: text -> count */
  WeirBatchInfo *info;
  gboolean is_cut; /* the context was stopped while it ran */
};

typedef struct {
  WeirSource *source;
  void (*again) (WeirSource *source);
} WeirRoomWaiter;

struct _WeirEngine {
  /* Constant while it runs. */
  WeirContext *ctx;
  const WeirLog *log;
  const WeirClock *clock;
  WeirLoop *loop;
  WeirMemory *memory;
  WeirWorkers *workers;
  GPtrArray *sources;                 /* of WeirSource, none owned */
  WeirMemory *state_memory;           /* what lives on from batch to batch */
  struct _WeirCheckpoint *checkpoint; /* NULL: there is none */
  struct _WeirDecider *decider;       /* NULL: there is none */
  WeirSeed seed;
  guint64 seed_drawn; /* what it was made of */
  WeirTime interval, zero;
  guint n_partitions, catchup;
  WeirTime stop_timeout;
  gsize room; /* sources hold back when more is used */
  guint n_counters;
  pthread_t loop_thread, runner_thread; /* 0: not started */

  /* Loop thread: the driver. */
  WeirTimer *tick, *deadline;
  WeirSignal *signals[2];
  guint n_signals;     /* that came */
  gint64 armed_for;    /* the due time that the tick waits for; 0: it does not */
  WeirTime last;       /* the newest planned batch */
  gint64 due;          /* monotonic: when the next batch is due */
  guint n_outstanding; /* planned, not complete */
  guint n_manual;      /* ticks asked for by weir_context_advance () */
  guint n_missed;  /* batches that come before the first that a test asks for; set by start, taken under ctx->lock */
  WeirTime newest; /* the newest batch that was complete */
  gboolean is_stopping, is_cut;
  gboolean is_finished;  /* the last epoch is sealed, or there is none to seal */
  GPtrArray *replays;    /* of WeirReplay: to be planned first; NULL: none */
  guint n_replayed;      /* of them */
  WeirBatch *replaying;  /* whose sources do not all have their data yet; NULL: none */
  guint n_planned;       /* of its sources */
  GArray *failures;      /* of gint64: monotonic, of the last minute */
  WeirTime failed_time;  /* the batch that failed last */
  guint n_failed;        /* how often in a row */
  gboolean is_reopening; /* when nothing runs any more */
  guint n_opened;        /* atomic, the loop writes; failures of what was open before come too late */
  gint64 busy_since;     /* monotonic; 0: idle */
  GHashTable *lost;      /* rejected before they were records, for the next batch; nullable */
  GArray *waiters;       /* of WeirRoomWaiter */
  WeirReport report;

  /* Under lock: the runner's queue. */
  pthread_mutex_t lock;
  GQueue queue, done; /* of WeirBatch; done: run, and not yet taken back by the loop */
  gboolean runner_waits, loop_waits, quit;
  gboolean is_halted; /* a batch failed or was cut: no other begins */
  WeirRun *running;   /* for stop to cut */

  /* Wakes the runner. No condition: whoever is woken would have to take the lock, a system call more a batch. */
  sem_t wake;

  GPtrArray *graves;                /* of WeirDataset: the last batch's; runner only */
  const WeirOutput *running_output; /* atomic, the runner writes: which one it is in; NULL: none */
};

/* engine/engine.c: opens sources, starts the threads. */
WeirEngine *weir_engine_start (WeirContext *ctx, gboolean with_signals, GError **error);
void weir_engine_free (WeirEngine *engine);                     /* stops at once if it runs, joins; not the memory */
gboolean weir_engine_is_mine (const WeirEngine *engine);        /* is this the loop's thread, or the runner? */
void weir_engine_stop (WeirEngine *engine, gboolean graceful);  /* any thread; returns at once */
void weir_engine_advance (WeirEngine *engine, guint n_batches); /* any thread; returns at once */
guint weir_engine_take_missed (WeirEngine *engine);             /* engine->n_missed, once */
/* Sources, outputs and state, as the checkpoint has them. Nothing runs; FALSE: they have to be closed. */
gboolean weir_engine_open_parts (WeirEngine *engine, GError **error);
void weir_engine_close_parts (WeirEngine *engine); /* the checkpoint's thread included */

/* engine/driver.c; loop thread. */
void weir_driver_init (WeirEngine *engine); /* before the loop runs */
void weir_driver_start (WeirEngine *engine);
void weir_driver_stop (WeirEngine *engine, gboolean graceful);
void weir_driver_advance (WeirEngine *engine, guint n_batches);
void weir_driver_done (gpointer engine);     /* batches have been run */
void weir_driver_wake (gpointer engine);     /* a source may be able to plan now */
void weir_driver_begin (WeirEngine *engine); /* sources start, batches are planned */
WeirBatch *weir_batch_new (WeirEngine *engine, WeirTime time, gint64 due);
/* @target NULL: what there is; else exactly up to there, FALSE: not yet. */
gboolean weir_batch_plan (WeirBatch *batch, guint source, GBytes *target);
void weir_batch_queue (WeirBatch *batch); /* all sources are planned */
void weir_batch_free (WeirBatch *batch);  /* releases its plans */
void weir_driver_fail (WeirEngine *engine, GError *error);
void weir_driver_end (WeirEngine *engine); /* the last words */

/* engine/driver-sources.c; loop thread. */
gboolean weir_sources_have_staged (WeirEngine *engine); /* anything that a graceful stop has to see through? */
gboolean weir_sources_are_ending (WeirEngine *engine);  /* is about to be staged then? */
void weir_sources_stop (WeirEngine *engine);
void weir_sources_report_left (WeirEngine *engine);      /* the last words: what was in no batch */
guint64 weir_sources_sum_uncut (const WeirBatch *batch); /* bytes whose records nobody has counted */

/* engine/runner.c */
gpointer weir_runner_main (gpointer engine);
void weir_runner_queue (WeirEngine *engine, WeirBatch *batch);
/* A batch that has been run; NULL: none. @waits: the loop wants to be told of the next one at once, else empty ones may
 * wait for the next tick. */
WeirBatch *weir_runner_take_done (WeirEngine *engine, gboolean waits);
WeirBatch *weir_runner_steal (WeirEngine *engine);  /* a batch that has not begun; NULL: none */
void weir_runner_cut (WeirEngine *engine);          /* fails the running batch with CLOSED */
void weir_runner_resume (WeirEngine *engine);       /* batches are run again after a cut */
const char *weir_runner_where (WeirEngine *engine); /* the output that runs; any thread */
void weir_runner_quit (WeirEngine *engine);
WeirRun *weir_runner_run (WeirEngine *engine); /* the batch that the calling thread, the runner, runs; else NULL */

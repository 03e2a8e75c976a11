/* Sources: where batches come from. The engine owns threads and retries; a source stages what arrives, says
 * at the tick what belongs to the batch (plan), and reads it on workers (the class's operator, kind SOURCE,
 * verb `read`). SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/log.h"
#include "engine/memory.h"
#include "engine/op.h"
#include "engine/rate.h"

typedef struct _WeirSource WeirSource;
typedef struct _WeirSourceKlass WeirSourceKlass;
typedef struct _WeirPlan WeirPlan;
typedef struct _WeirLoop WeirLoop;
typedef struct _WeirEngine WeirEngine;

/* What one source gives to one batch: after plan, the batch is a pure function of it. */
struct _WeirPlan {
  WeirSource *source;
  WeirTime time;
  guint n_partitions; /* set by plan; may be 0 */
  gint64 n_records;   /* set by plan where known, else -1: counted while reading */
  gsize n_bytes;      /* pinned until release */
  guint n_hanging;    /* partitions that stand behind a transaction that does not end */
  gboolean is_done;   /* for release: the batch is complete, it has not failed */
  gpointer data;      /* the source's own */
};

struct _WeirSourceKlass {
  WeirOpClass op;      /* kind SOURCE; read gets reader->plan */
  gsize instance_size; /* of the source's own struct, which begins with WeirSource; zeroed */
  gboolean (*open) (
      WeirSource *source,
      GError **error); /* optional; start, before the loop runs: options are final, source->engine is there */
  void (*start) (WeirSource *source); /* optional; loop thread: begin to receive */
  void (*plan) (WeirSource *source,
                WeirPlan *plan); /* required; loop thread at the tick: take what is staged; must not block */
  void (*release) (WeirSource *source, WeirPlan *plan); /* optional; loop thread, after the batch: unpin */
  void (*stop) (WeirSource *source);           /* optional; loop thread, idempotent: receive no more; what is staged
                                                  stays for plan */
  gboolean (*has_staged) (WeirSource *source); /* optional; loop thread: graceful stop plans until FALSE */
  gboolean (*is_ending) (
      WeirSource *source); /* optional; loop thread, after stop: more is about to be staged, a graceful
                                                  stop waits; weir_engine_wake () when that is over */

  /* Sources that can read again what they have read; all of these or none. A position is data: where the source stands
   * after a plan, all that resume needs. Loop thread, but for resume. */
  void (*save) (WeirSource *source, const WeirPlan *plan,
                GByteArray *position); /* plan NULL: where it stands before the first one, asked after open */
  gboolean (*resume) (WeirSource *source, gconstpointer position, gsize size,
                      GError **error); /* after open, before start: what was planned up to there is done */
  gboolean (*replan) (WeirSource *source, WeirPlan *plan, gconstpointer position,
                      gsize size); /* plans from where the source stands exactly up to @position, as the batch was
                                      planned before the restart. FALSE: not there yet, weir_engine_wake () will tell */
  void (*sealed) (WeirSource *source, gconstpointer position,
                  gsize size); /* optional: all up to there is in a sealed checkpoint: acknowledge, forget */

  void (*close) (WeirSource *source); /* optional; after the last batch, loop not running: free what the
                                                  instance holds */
};

struct _WeirSource {
  const WeirSourceKlass *klass;
  WeirOp *op;         /* op->params is the source itself */
  WeirEngine *engine; /* set before open */
  char *uid;          /* set before open: by what a checkpoint knows it; the engine's */
  guint id;
  gdouble rate;        /* records a second that it should not exceed, by back-pressure; 0: no estimate. Loop thread */
  WeirRate *estimator; /* NULL: back-pressure is off; the engine's */
};

/* What a source may ask of the engine (engine/engine.c). Loop thread unless said. */
WeirLoop *weir_engine_loop (WeirEngine *engine);
WeirMemory *weir_engine_memory (WeirEngine *engine);
struct _WeirOptions *weir_engine_options (WeirEngine *engine);
const WeirLog *weir_engine_log (WeirEngine *engine); /* any thread */
gboolean weir_engine_has_room (WeirEngine *engine);  /* FALSE: hold back, do not read; any thread */
void weir_engine_on_room (WeirEngine *engine, WeirSource *source,
                          void (*again) (WeirSource *source)); /* once, when there is room again */
void weir_engine_wake (WeirEngine *engine); /* a source that could not replan may be asked again; any thread */
gboolean weir_engine_is_durable (WeirEngine *engine);            /* is there a checkpoint: sealed () will be called */
const struct _WeirClock *weir_engine_clock (WeirEngine *engine); /* any thread */
gboolean weir_engine_is_manual (WeirEngine *engine); /* the clock stands still between batches; any thread */
void weir_engine_count_reject (WeirEngine *engine, const WeirOp *op, const char *reason,
                               guint64 n);                 /* a record lost before it was one */
void weir_engine_fail (WeirEngine *engine, GError *error); /* the context fails; transfer full; any thread */

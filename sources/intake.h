/* What receivers and logged sockets have in common: bytes of complete records come in, become blocks, are written to the
 * log where there is one, and go to batches.
 *
 * A block is open while it is filled, then pending until it is durable (without a log: until the next batch), then
 * staged, then part of a plan. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>

#include <weir/value.h>

#include "engine/block-log.h"
#include "engine/source.h"
#include "sources/backlog.h"
#include "sources/framing.h"
#include "sources/throttle.h"

typedef struct {
  WeirBlock *block; /* NULL: it is in the log alone, until the worker that has its partition reads it */
  const char *from, *to;
  gsize size;
  gint64 n_records;       /* -1: they have not been counted */
  WeirLoggedBlock logged; /* once it is durable; number 0: there is no log */
} WeirReceived;

typedef struct {
  WeirSource *source;
  const char *form;                   /* of the blocks; see engine/block-log.h */
  gsize bytes_of_a_partition;         /* at least, so that a task is worth it */
  void (*again) (WeirSource *source); /* calls weir_intake_wake (); NULL where none of these wait: */
} WeirIntakeSpec;

typedef struct {
  /* Constant while it is open. */
  WeirSource *source;
  WeirEngine *engine;
  WeirMemory *memory;
  void (*again) (WeirSource *source);
  WeirTime interval; /* of blocks */
  gsize bytes_of_a_partition, most_bytes;
  guint n_partitions; /* at most */
  gdouble most_rate;  /* records a second; 0: any number */
  gboolean is_throttled;
  WeirBlockLog *log; /* NULL: there is none. The writer's, but for reading */
  gboolean is_open;

  pthread_mutex_t lock;
  pthread_cond_t changed; /* with the monotonic clock */

  /* Under lock: whoever stores writes, the writer and the loop take. */
  WeirReceived open; /* block NULL: none */
  gint64 open_since; /* by the engine's clock */
  GArray *pending;   /* of WeirReceived, as staged */
  GArray *staged;
  gsize n_waiting;      /* bytes that are open, pending or staged, and in memory */
  gint64 pending_since; /* monotonic: when the first of what is not durable came; 0: nothing */
  gsize n_pending;      /* bytes that are not durable */
  guint64 n_added;      /* blocks that have ever been pending */
  guint64 n_durable;    /* of them; those that are given up too */
  guint64 next;         /* the number of the first block that no plan has */
  guint64 logged_until; /* the number of the next block of the log */
  guint64 logged_from;  /* the first that it had when it was opened */
  guint64 n_too_large, n_too_deep;
  WeirBacklog backlog;
  WeirThrottle throttle;
  GByteArray *scratch;
  gboolean asks_room;   /* the loop has been asked, and will answer */
  gboolean is_fed;      /* a thread may store more */
  gboolean is_stopping; /* what comes is the last */
  gboolean is_closing;  /* nothing more is taken, nobody waits for room */
  gboolean is_urgent;   /* somebody waits until it is durable */
  gboolean has_failed;  /* the log cannot be written */

  /* Under lock: the writer's. */
  gboolean quits;
  guint64 forget;     /* blocks before this number are needed no more; 0: nothing new */
  pthread_t writer;   /* 0: there is none */
  guint64 was_sealed; /* the position of the newest sealed epoch */
  gboolean has_resumed;
} WeirIntake;

/* What one batch has of it; constant but for what is read from the log. */
typedef struct {
  GArray *blocks; /* of WeirReceived */
  guint *starts;  /* by partition, its first block; one more at the end */
} WeirIntakePlan;

gboolean weir_intake_wants_log (WeirEngine *engine);
/* Options are final. FALSE: nothing has to be closed. */
gboolean weir_intake_open (WeirIntake *intake, const WeirIntakeSpec *spec, GError **error);
/* Whoever stores has ended, or returns soon: see weir_intake_cut (). */
void weir_intake_close (WeirIntake *intake);

/* Any thread but the loop's: these wait while there is no room. FALSE: the context stops, it was not taken. */
gboolean weir_intake_put (WeirIntake *intake, WeirValue value);
/* As one block, and until it is durable where there is a log. */
gboolean weir_intake_put_block (WeirIntake *intake, const WeirValue *values, gsize n, GError **error);
/* Waits until @n more records may come. */
void weir_intake_throttle (WeirIntake *intake, guint64 n);
/* Waits until the engine's clock has got there; FALSE: it stops. */
gboolean weir_intake_pause (WeirIntake *intake, gint64 until);
/* Any thread: there is, or is no more, one who stores. */
void weir_intake_set_fed (WeirIntake *intake, gboolean is_fed);

/* Loop thread. */
void weir_intake_wake (WeirIntake *intake);                        /* there is room again */
gboolean weir_intake_is_full (WeirIntake *intake);                 /* hold back */
void weir_intake_add (WeirIntake *intake, const WeirRange *range); /* never waits; takes a reference */
void weir_intake_stop (WeirIntake *intake); /* what is stored from now on is the last; nobody is held back by a rate */
void weir_intake_cut (WeirIntake *intake);  /* nobody who stores waits any more */
gboolean weir_intake_has_staged (WeirIntake *intake);
gboolean weir_intake_is_ending (WeirIntake *intake);
void weir_intake_plan (WeirIntake *intake, WeirPlan *plan);
void weir_intake_release (WeirIntake *intake, WeirPlan *plan);

/* Before anything is received. DATA_LOSS: the log is older than the checkpoint, which knows nothing of it. */
gboolean weir_intake_check_begin (WeirIntake *intake, GError **error);

/* With a log: the slots of a source that can be read again. */
void weir_intake_save (WeirIntake *intake, GByteArray *position);
gboolean weir_intake_resume (WeirIntake *intake, gconstpointer position, gsize size, GError **error);
gboolean weir_intake_replan (WeirIntake *intake, WeirPlan *plan, gconstpointer position, gsize size);
void weir_intake_sealed (WeirIntake *intake, gconstpointer position, gsize size);

/* Where the reading of a partition stands. Begins zeroed. */
typedef struct {
  gboolean is_begun;
  guint block, end;
  const char *at, *to; /* in the block; at NULL: before it */
} WeirIntakeCursor;

/* Workers: `at` and `to` are what is left of a block. FALSE: the partition is at its end, or @error is set: a block could
 * not be read back from the log. */
gboolean weir_intake_cursor_open (WeirIntakeCursor *cursor, WeirIntake *intake, const WeirPlan *plan, guint partition,
                                  GError **error);
/* Something was read up to `at`. TRUE: there is more. */
gboolean weir_intake_cursor_close (WeirIntakeCursor *cursor);

/* sources/intake-writer.c. */
gboolean weir_intake_writer_start (WeirIntake *intake, GError **error);
void weir_intake_writer_stop (WeirIntake *intake); /* writes what is there, once */

/* Under lock. */
void weir_intake_close_block (WeirIntake *intake); /* the open one becomes pending */
gint64 weir_intake_now (const WeirIntake *intake); /* by the engine's clock */
gboolean weir_intake_looks_full (const WeirIntake *intake);
void weir_intake_wait_for_room (WeirIntake *intake); /* or for a change: look again */

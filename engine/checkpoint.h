/* The checkpoint of a context: what lets a killed job go on. Epochs are cut on the runner between two batches, and
 * written, decided and sealed on a thread of their own while batches go on; docs/explanation/checkpoints.md shows the
 * steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/decider.h"
#include "engine/engine.h"
#include "engine/manifest.h"

typedef struct _WeirCheckpoint WeirCheckpoint;
typedef struct _WeirSealing WeirSealing;

/* A batch that was logged before it could be seen, and has to run again as it was. */
typedef struct {
  WeirTime time;
  GPtrArray *positions; /* of WeirSavedBytes, by the sources' uids */
} WeirReplay;

/* Where a source stands at the end of an epoch. */
typedef struct {
  WeirSource *source;
  GBytes *position;
} WeirSourcePosition;

/* The sealing of one epoch. Written by the runner until it is handed over, then by the checkpoint thread. */
struct _WeirSealing {
  guint64 epoch;
  WeirManifest *manifest; /* all but blobs and notes; NULL: it is sealed */
  GPtrArray *frames;      /* by state of the manifest: GPtrArray of GByteArray */
  GArray *oldest_needed;  /* by state of the manifest: guint64 */
  gpointer *gathered;     /* by output; NULL: nothing, or prepared already */
  GArray *positions;      /* of WeirSourcePosition */
  gboolean is_decided;    /* the decider takes part */
};

struct _WeirCheckpoint {
  /* Constant once recovered. */
  WeirEngine *engine;
  WeirStore *store;
  WeirTime interval, lease;
  char *uuid, *marker_topic; /* the topic: NULL: no decider */
  gboolean is_new;           /* its store has never sealed anything; also while it recovers */
  gboolean is_replayed;      /* every source can be read again */
  gboolean has_sealed;       /* there is a sealed output */
  gboolean logs_plans;       /* something can be seen before its epoch is sealed, and can be read again */

  /* Runner, and the thread that starts or reopens: */
  guint64 open_epoch; /* that the next batch belongs to */
  GBytes **positions; /* by source: after the newest completed batch; NULL: none */
  WeirTime last_cut;  /* the newest batch of the newest epoch that was cut */
  WeirTime last_look; /* the batch after which one would have been cut, at the latest */
  gboolean has_news;  /* something was read since then */
  WeirTime last_time; /* of the newest completed batch */

  /* Checkpoint thread; while it does not run, whoever starts or reopens. */
  WeirManifest *sealed; /* the newest; NULL: none */
  WeirManifest *before; /* the one before, kept as well; NULL: none */

  /* Under lock: what is handed over. */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  WeirSealing *sealing; /* from cut to sealed */
  gboolean quit;
  gboolean has_failed; /* what was to be sealed is not */
  pthread_t thread;    /* 0: not started */
};

/* NULL without an error: the option is not set. Takes the store's token. Job's thread; may block. */
gboolean weir_checkpoint_open (WeirEngine *engine, WeirCheckpoint **checkpoint, GError **error);
/* Settles what was in doubt, and brings state, positions, counters and times back; @replays: of WeirReplay, to be run
 * first. Sources, outputs and slices are open, nothing runs. engine/recovery.c; may block. */
gboolean weir_checkpoint_recover (WeirCheckpoint *checkpoint, GPtrArray **replays, GError **error);
void weir_replay_free (WeirReplay *replay);
gboolean weir_checkpoint_run (WeirCheckpoint *checkpoint, GError **error); /* starts the thread */
void weir_checkpoint_quit (WeirCheckpoint *checkpoint);                    /* waits for nothing any more; any thread */
void weir_checkpoint_stop (WeirCheckpoint *checkpoint);                    /* quits and joins */
void weir_checkpoint_forget_sources (WeirCheckpoint *checkpoint);          /* they are about to be closed */
void weir_checkpoint_free (WeirCheckpoint *checkpoint);

/* Runner. */
gboolean weir_checkpoint_log_plan (WeirCheckpoint *checkpoint, const WeirBatch *batch, GError **error);
/* The batch is complete: cuts an epoch if one is due. */
gboolean weir_checkpoint_batch_done (WeirCheckpoint *checkpoint, WeirBatch *batch, GError **error);
/* Cuts and seals what is there, and waits for it: the end of a graceful stop. */
gboolean weir_checkpoint_finish (WeirCheckpoint *checkpoint, GError **error);
/* Waits until no epoch is being sealed. FALSE: the context stops or fails meanwhile. */
gboolean weir_checkpoint_has_failed (WeirCheckpoint *checkpoint); /* any thread; the context hears why */
gboolean weir_checkpoint_await (WeirCheckpoint *checkpoint);

/* engine/seal.c: the steps of one epoch. FALSE: the context is to be opened again from the store, or FENCED. */
gboolean weir_seal (WeirCheckpoint *checkpoint, WeirSealing *sealing, GError **error);
WeirSealing *weir_sealing_new (WeirCheckpoint *checkpoint); /* all but state, positions and what outputs gathered */
void weir_sealing_free (WeirSealing *sealing);
/* The notes of the newest sealed epoch, once more. */
gboolean weir_seal_commit (WeirCheckpoint *checkpoint, const WeirManifest *manifest, GError **error);
/* Puts the store in order after the newest sealed epoch: keeps it, the one before and all that they refer to. */
gboolean weir_seal_forget (WeirCheckpoint *checkpoint, GError **error);
void weir_checkpoint_init_run (WeirCheckpoint *checkpoint, WeirRun *run); /* to work on state between batches */
/* Waits a while before something is tried again; FALSE: there is no time left, the context stops. */
gboolean weir_checkpoint_pause (WeirCheckpoint *checkpoint, guint attempt);

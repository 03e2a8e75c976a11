/* A job with a checkpoint, for tests of restarts: pushes of (key, 1) into running totals, with outputs of every kind
 * whose outside world is a table in the test; and snapshots of store and world at every step of a seal, from each of
 * which the job must be able to go on. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>
#include <weir/weir.h>

#include "engine/checkpoint.h"

/* What outputs have made visible. */
typedef struct {
  GHashTable *committed; /* "output time" -> text */
  guint64 marker;        /* of the decider; 0: none */
  guint n_doubled;       /* a batch was made visible twice, or with another content */
} World;

typedef enum { SHOWN_AT_ONCE = 1, SEALED = 2, DECIDED = 4 } Outputs;

typedef struct {
  char *folder; /* of the store */
  World world;
  char *step;
} Snapshot;

typedef struct {
  Outputs outputs;
  char *folder; /* of the store, to be removed */
  World world;
  GPtrArray *snapshots; /* of Snapshot; NULL: none are taken */
  guint n_keys, n_pushes;
  WeirTime interval; /* of the checkpoint */
  guint fail_at;     /* the batch, counted from 1, in which an output fails; 0: none */
  guint n_fails;     /* how often it will */
  const char *uid;   /* of the totals */
  guint version;
  WeirUpgradeFunc upgrade;
  gboolean more; /* the graph has one more stream before the totals */
  guint partitions, workers;
} Job;

void job_init (Job *job, Outputs outputs);
void job_take_snapshots (Job *job); /* from now on */
void job_clear (Job *job);

WeirQueue *job_queue (const Job *job); /* with all pushes, from the first */
/* As job_queue() and the graph says; the clock stands at @at. */
WeirContext *job_context (Job *job, WeirQueue *queue, WeirTime at);
/* Runs @n batches in a context of its own, and lets it fall. */
void job_run (Job *job, WeirTime at, guint n);
gboolean job_try (Job *job, WeirTime at, guint n, GError **error);

/* The text that batch @number, counted from 1, must have. */
char *job_expected (const Job *job, guint number);
/* Every batch up to @n is visible, once and as it should be, in each output. */
void job_assert_world (const Job *job, guint n);

void world_copy (World *to, const World *from);
void world_clear (World *world);

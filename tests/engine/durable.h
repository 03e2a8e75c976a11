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
  guint n_told_late; /* failures that somebody tells of while outputs close, each time */
  const char *uid;   /* of the totals */
  guint version;
  WeirUpgradeFunc upgrade;
  gboolean more; /* the graph has one more stream before the totals */
  guint partitions, workers;
} Durable;

void durable_init (Durable *job, Outputs outputs);
void durable_take_snapshots (Durable *job); /* from now on */
void durable_clear (Durable *job);

WeirQueue *durable_queue (const Durable *job); /* with all pushes, from the first */
/* As durable_queue() and the graph says; the clock stands at @at. */
WeirContext *durable_context (Durable *job, WeirQueue *queue, WeirTime at);
/* Runs @n batches in a context of its own, and lets it fall. */
void durable_run (Durable *job, WeirTime at, guint n);
gboolean durable_try (Durable *job, WeirTime at, guint n, GError **error);

/* The text that batch @number, counted from 1, must have. */
char *durable_expected (const Durable *job, guint number);
/* Every batch up to @n is visible, once and as it should be, in each output. */
void durable_assert_world (const Durable *job, guint n);

void durable_world_copy (World *to, const World *from);
void durable_world_clear (World *world);

/* Manifests: what an epoch holds, as data: which state lies where, where the sources stand, what sealed outputs need to
 * commit, the shape of the graph. No code and no addresses, so that a changed job can read it.
 *
 * Immutable once it is encoded. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

#include "engine/store.h"

/* The state of one stream. */
typedef struct {
  char *uid;
  char *verb;
  guint32 version; /* of the job's own */
  GArray *blobs;   /* of WeirBlob, oldest first */
} WeirSavedState;

/* A source's position, or an output's note. */
typedef struct {
  char *uid;
  GBytes *bytes;
} WeirSavedBytes;

typedef struct {
  char *name;
  gint64 value;
} WeirSavedCounter;

typedef struct {
  char *uid;
  char *verb;
  gboolean is_named; /* the uid is the job's, not "<verb>-<n>" */
} WeirShape;

typedef struct {
  guint64 epoch;
  char *job;
  char *uuid;    /* of the checkpoint */
  guint64 seed;  /* of hashes */
  WeirTime time; /* of the newest batch in it */
  WeirTime zero; /* slides are counted from here */
  WeirTime interval;
  guint64 decided;      /* the last epoch up to this one that the decider took part in; 0: none */
  char *marker_topic;   /* "": there is no decider */
  gboolean is_replayed; /* every source that was read can be read again */
  gboolean has_sealed;  /* a sealed output took part */
  GPtrArray *shape;     /* of WeirShape */
  GPtrArray *states;    /* of WeirSavedState */
  GPtrArray *positions; /* of WeirSavedBytes */
  GPtrArray *notes;     /* of WeirSavedBytes */
  GPtrArray *counters;  /* of WeirSavedCounter */
} WeirManifest;

WeirManifest *weir_manifest_new (void);
void weir_manifest_free (WeirManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirManifest, weir_manifest_free)

GPtrArray *weir_saved_bytes_array_new (void); /* of WeirSavedBytes */
WeirSavedState *weir_manifest_add_state (WeirManifest *manifest, const char *uid, const char *verb, guint32 version);
void weir_manifest_add_bytes (GPtrArray *all, const char *uid, GBytes *bytes); /* takes a reference */
void weir_manifest_add_counter (WeirManifest *manifest, const char *name, gint64 value);
void weir_manifest_add_shape (WeirManifest *manifest, const char *uid, const char *verb, gboolean is_named);

WeirSavedState *weir_manifest_find_state (const WeirManifest *manifest, const char *uid);
GBytes *weir_manifest_find_bytes (const GPtrArray *all, const char *uid); /* NULL: there is none */

void weir_manifest_encode (const WeirManifest *manifest, GByteArray *out); /* as a frame */
/* CHECKPOINT_CORRUPT: what is wrong with it, for the caller to say of what. */
WeirManifest *weir_manifest_decode (gconstpointer data, gsize size, GError **error);

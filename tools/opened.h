/* A checkpoint that a command looks at or changes: the store, and what is sealed there. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/manifest.h"

/* As a restart has it: an epoch that was being sealed, and the one that was open then, may have plans beyond the newest. */
#define WEIR_OPEN_EPOCHS 2

typedef struct {
  const char *place;         /* a URI, or the path of a directory */
  const char *password_file; /* of Redis; nullable */
} WeirPlace;

typedef struct {
  WeirStore *store;
  guint64 sealed, prepared; /* 0: none */
} WeirOpened;

/* @read_only: for looking, also while a job runs. Else the token is taken: CHECKPOINT_LOCKED where somebody has it. May
 * block; Redis: up to the end of a dead owner's lease. */
gboolean weir_opened_init (WeirOpened *opened, const WeirPlace *place, gboolean read_only, GError **error);
void weir_opened_clear (WeirOpened *opened);

/* @error names the place. */
WeirManifest *weir_opened_read_manifest (WeirOpened *opened, guint64 epoch, GError **error);
/* The payload of a piece of state, in @bytes, which it replaces. */
gboolean weir_opened_read_state (WeirOpened *opened, const WeirBlob *blob, GByteArray *bytes, const guint8 **payload,
                                 gsize *size, GError **error);
guint64 weir_state_size (const WeirSavedState *state); /* bytes of its pieces */
/* What follows @epoch: plans of batches that are run again; replaces nothing. @plans: GBytes. */
gboolean weir_opened_read_plans (WeirOpened *opened, guint64 epoch, GPtrArray *plans, GError **error);

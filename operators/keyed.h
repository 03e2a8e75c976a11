/* What operators with keyed state share: their slices, the initial state, saving and loading, and a view of all that a
 * slice holds. Threads: a slice belongs to one task at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/keyed-state-save.h"
#include "engine/stream.h"

/* The params of such an operator begin with these. */
typedef struct {
  WeirValue *initial; /* key, value, key, value, ...; owned, with what they point to */
  gsize n_initial;    /* pairs */
  gboolean is_dated;
  gboolean has_timeout;
} WeirKeyedParams;

typedef struct {
  WeirKeyedState *state; /* NULL until something is to be done */
  gboolean has_begun;    /* the initial state, if it was to be used, is in */
  gboolean is_loading;   /* what a checkpoint gave has not been gone through as a whole */
} WeirKeyedSlice;

/* Where a reading of a slice stands; zeroed to begin. */
typedef struct {
  guint group;
  guint32 entry;
} WeirKeyedView;

gpointer weir_keyed_slice_open (const WeirOp *op, guint slice);
void weir_keyed_slice_close (gpointer slice);
void weir_keyed_save (WeirTask *task, gpointer slice, guint index, WeirSaver *saver);
void weir_keyed_load (WeirTask *task, gpointer slice, guint index, const WeirSection *section);
/* Makes the slice ready for the task's batch. FALSE: the task has failed. */
gboolean weir_keyed_begin (WeirTask *task, WeirKeyedSlice *slice, guint index);
/* Copies pairs; others are a mistake. */
void weir_keyed_set_initial (WeirStream *stream, const WeirValue *pairs, gsize n);
void weir_keyed_params_clear (gpointer params);
/* Emits about a chunk of (key, state), by group and number; FALSE at the end. */
gboolean weir_keyed_view_read (WeirTask *task, const WeirKeyedState *state, WeirKeyedView *view);

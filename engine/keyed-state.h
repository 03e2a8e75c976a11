/* Keyed state: what an operator remembers of each key from batch to batch; one slice of it, made of key groups.
 *
 * A group keeps its entries by number. A freed number is given out again before a higher one, the lowest
 * first, so that what number a key has follows from the history of the keys alone: checkpoints name entries by it
 * (engine/keyed-state-save.h), and walking by number gives the same order after a restart. Long keys and values that are
 * no scalars lie in cells of the slice, replaced in place. One thread at a time; must not know operators.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

#include "engine/keyed-group.h"
#include "engine/table.h"

#define WEIR_STATE_PAGE 4096 /* entries that a checkpoint rewrites together */

/* The age of an entry that was saved without one. */
#define WEIR_STATE_UNDATED G_MININT64

typedef struct {
  WeirMemory *memory;
  WeirCells cells;
  guint first, n_groups; /* of the key groups */
  gboolean is_dated;     /* keeps ages */
  gboolean has_timeout;  /* keeps them in order */
  gboolean is_undated;   /* some entries came without a time and wait for the next batch's */
  gboolean is_saved;     /* a checkpoint has it: changes are noted */
  gboolean must_rewrite; /* the next checkpoint has to hold all of it */
  gboolean is_unsettled; /* was loaded: has no index yet */
  WeirTime now;          /* of the batch; ages are never beyond */
  gsize n_used;
  guint64 last_epoch;    /* that something was loaded of */
  guint64 nothing_epoch; /* that says that there is no key, and may still say so; 0: none */
  gint64 credit;         /* bytes that may be spent on pages */
  guint next_group;      /* whose page comes next */
  guint32 next_page;
  WeirStateGroup groups[];
} WeirKeyedState;

/* A slice of @n_slices. */
WeirKeyedState *
weir_keyed_state_new (WeirMemory *memory, guint slice, guint n_slices, gboolean is_dated, gboolean has_timeout);
void weir_keyed_state_free (WeirKeyedState *state);

/* A key that is not there, with NIL for a value. WEIR_NO_ENTRY: memory limit. */
guint32 weir_entry_insert (WeirKeyedState *state, WeirStateGroup *group, const WeirKey *key);
void weir_entry_remove (WeirKeyedState *state, WeirStateGroup *group, guint32 entry);
/* Deep copy; @value may point into what it replaces. FALSE: memory limit, the entry is as it was. */
gboolean weir_entry_set (WeirKeyedState *state, WeirStateGroup *group, guint32 entry, WeirValue value);
/* The entry was touched now. */
void weir_entry_touch (WeirKeyedState *state, WeirStateGroup *group, guint32 entry);
/* Equal to the last bit: what is stored would be the same. */
gboolean weir_state_is_same_slow (WeirValue a, WeirValue b);

/* For loading: an entry by its number, used or not. FALSE: memory limit. */
gboolean
weir_entry_put (WeirKeyedState *state, WeirStateGroup *group, guint32 entry, const WeirKey *key, WeirValue value);
void weir_entry_drop (WeirKeyedState *state, WeirStateGroup *group, guint32 entry);
/* Makes the index, and the order of ages, of what was put. FALSE: memory limit. */
gboolean weir_keyed_state_settle (WeirKeyedState *state);
/* The next batch begins. FALSE: memory limit. */
gboolean weir_keyed_state_begin (WeirKeyedState *state, WeirTime now);

static inline WeirStateGroup *
weir_keyed_state_group (WeirKeyedState *state, guint32 hash)
{
  return &state->groups[(hash >> 24) - state->first];
}

static inline void
weir_entry_mark (const WeirKeyedState *state, WeirStateGroup *group, guint32 entry)
{
  guint64 bit = (guint64) 1 << entry % 64, *word = &group->changed[entry / 64];

  if (!state->is_saved)
    return;
  group->n_changed += (*word & bit) == 0;
  *word |= bit;
}

static inline gboolean
weir_state_is_same (WeirValue a, WeirValue b)
{
  if (G_LIKELY (a.bits == b.bits && a.size == b.size && a.kind == b.kind))
    return TRUE;
  return G_UNLIKELY (a.kind >= WEIR_TEXT && a.kind == b.kind && a.size == b.size) && weir_state_is_same_slow (a, b);
}

/* The rows of a slice, group after group, with the entries of their keys: memory is asked for well before it is needed, a
 * few rows at each of three steps (the index, the entry that it names, that entry's neighbours in age), also across groups,
 * since a batch may have only few rows of each.
 *
 * Belongs to one task. Must not know what is done with a row. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/keyed-state.h"
#include "operators/keyed-rows.h"

/* Rows between a step and the row that is handed out. */
#define WEIR_STATE_ROWS_INDEX 28
#define WEIR_STATE_ROWS_ENTRY 14
#define WEIR_STATE_ROWS_AGE   6
#define WEIR_STATE_ROWS_RING  32 /* a power of two, beyond all of them */

typedef struct {
  const WeirKeyedRow *row;
  guint32 guess; /* its entry when it was looked for; meanwhile others may have come or gone */
} WeirStateRow;

typedef struct {
  WeirKeyedState *state;
  const WeirExchange *exchange;
  WeirKeyedCursor cursor;
  const WeirKeyedBlock *block; /* NULL: the next group's come next */
  guint at;                    /* in the block */
  guint group;                 /* of the slice, that the cursor is in */
  guint64 n_listed, n_guessed, n_aged, n_taken;
  WeirStateRow ring[WEIR_STATE_ROWS_RING];
} WeirStateRows;

void weir_state_rows_init (WeirStateRows *rows, WeirKeyedState *state, const WeirExchange *exchange);
/* The next block that has rows; FALSE: there is none. */
gboolean weir_state_rows_next_block (WeirStateRows *rows);

static inline WeirStateRow *
weir_state_rows_at (WeirStateRows *rows, guint64 number)
{
  return &rows->ring[number % WEIR_STATE_ROWS_RING];
}

static inline gboolean
weir_state_rows_list (WeirStateRows *rows)
{
  const WeirKeyedRow *row;

  if (G_UNLIKELY (rows->block == NULL || rows->at == rows->block->n) && !weir_state_rows_next_block (rows))
    return FALSE;
  row = &rows->block->rows[rows->at++];
  weir_state_rows_at (rows, rows->n_listed++)->row = row;
  __builtin_prefetch (weir_entry_home (weir_keyed_state_group (rows->state, row->key.hash), row->key.hash));
  return TRUE;
}

static inline void
weir_state_rows_guess (WeirStateRows *rows, WeirStateRow *row)
{
  const WeirStateGroup *group = weir_keyed_state_group (rows->state, row->row->key.hash);
  guint32 entry = row->guess = weir_entry_guess (group, row->row->key.hash);

  if (G_LIKELY (entry != WEIR_NO_ENTRY))
    weir_entry_prefetch (group, entry);
}

/* An entry that is touched leaves its neighbours in the order of ages. */
static inline void
weir_state_rows_ask_neighbours (WeirStateRows *rows, const WeirStateRow *row)
{
  const WeirStateGroup *group = weir_keyed_state_group (rows->state, row->row->key.hash);
  const WeirStateAge *age;

  if (G_UNLIKELY (row->guess == WEIR_NO_ENTRY))
    return;
  age = &weir_entry_at (group, row->guess)->age;
  if (age->older != WEIR_NO_ENTRY)
    __builtin_prefetch (&weir_entry_at (group, age->older)->age, 1);
  if (age->newer != WEIR_NO_ENTRY)
    __builtin_prefetch (&weir_entry_at (group, age->newer)->age, 1);
}

/* NULL at the end. Valid for the next few calls. */
static inline const WeirStateRow *
weir_state_rows_next (WeirStateRows *rows)
{
  guint64 taken = rows->n_taken;

  while (rows->n_listed < taken + WEIR_STATE_ROWS_INDEX && weir_state_rows_list (rows))
    ;
  for (; rows->n_guessed < MIN (taken + WEIR_STATE_ROWS_ENTRY, rows->n_listed); rows->n_guessed++)
    weir_state_rows_guess (rows, weir_state_rows_at (rows, rows->n_guessed));
  for (; rows->state->has_timeout && rows->n_aged < MIN (taken + WEIR_STATE_ROWS_AGE, rows->n_listed); rows->n_aged++)
    weir_state_rows_ask_neighbours (rows, weir_state_rows_at (rows, rows->n_aged));
  if (taken == rows->n_listed)
    return NULL;
  rows->n_taken++;
  return weir_state_rows_at (rows, taken);
}

/* The row's entry as things stand now. */
static inline guint32
weir_state_row_entry (const WeirStateRow *row, const WeirStateGroup *group)
{
  const WeirKey *key = &row->row->key;

  if (G_LIKELY (row->guess < group->n)) {
    const WeirKey *guess = &weir_entry_at (group, row->guess)->key;

    if (G_LIKELY (guess->meta != 0 && weir_key_equal (guess, key)))
      return row->guess;
  }
  return weir_entry_find (group, key);
}

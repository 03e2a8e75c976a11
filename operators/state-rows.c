/* Owns the way through the rows of a slice: blocks of all tasks' outputs, group after group. Threads: see state-rows.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/state-rows.h"

void
weir_state_rows_init (WeirStateRows *rows, WeirKeyedState *state, const WeirExchange *exchange)
{
  rows->state = state;
  rows->exchange = exchange;
  rows->cursor = (WeirKeyedCursor){ 0 };
  rows->block = NULL;
  rows->at = rows->group = 0;
  rows->n_listed = rows->n_guessed = rows->n_aged = rows->n_taken = 0;
}

gboolean
weir_state_rows_next_block (WeirStateRows *rows)
{
  rows->at = 0;
  if (rows->exchange->n_elements == 0)
    return FALSE;
  for (; rows->group < rows->state->n_groups; rows->group++) {
    rows->block = weir_keyed_cursor_next (&rows->cursor, rows->exchange, rows->state->first + rows->group);
    if (rows->block != NULL)
      return TRUE;
    rows->cursor = (WeirKeyedCursor){ 0 };
  }
  return FALSE;
}

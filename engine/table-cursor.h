/* Cursors: a table's slots in the order of their hashes and keys, whatever the order they came in. Needs no memory, and
 * nothing is written to the table.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/table.h"

typedef struct {
  guint64 until;
  gsize stride;
  char *at;
  char *stop; /* the first place that is not the range's alone */
  char *end;  /* of the table */
} WeirTableCursor;

/* The slots whose hashes lie from @from to before @until. The table must not change meanwhile. */
void weir_table_cursor_init (WeirTableCursor *cursor, const WeirTable *table, guint64 from, guint64 until);
/* Up to @most slots, at least 1; 0 at the end. */
guint weir_table_cursor_next (WeirTableCursor *cursor, WeirKey **slots, guint most);

/* How many slots a cursor over the range will give. */
gsize weir_table_count (const WeirTable *table, guint64 from, guint64 until);

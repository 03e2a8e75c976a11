/* Owns the walk through a table's slots. Slots lie near the order of their hashes, in runs without a free slot in
 * between: within a run they are sorted when they are given. Threads: many may walk through a table that nobody
 * changes. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/table-cursor.h"

void
weir_table_cursor_init (WeirTableCursor *cursor, const WeirTable *table, guint64 from, guint64 until)
{
  *cursor = (WeirTableCursor){ .table = table, .from = from, .until = until };
  if (table->block == NULL)
    cursor->at = table->capacity;
  else if (from > table->base)
    cursor->at = (gsize) (from - table->base) >> table->shift;
}

static WeirKey *
slot_at (const WeirTable *table, gsize i)
{
  return (WeirKey *) (table->slots + i * table->stride);
}

static gint
compare_slots (const WeirKey *a, const WeirKey *b)
{
  if (a->hash != b->hash)
    return a->hash < b->hash ? -1 : 1;
  return weir_compare (weir_key_value (a), weir_key_value (b));
}

/* A run of used slots is almost sorted already. */
static void
sort_run (WeirKey **slots, guint n)
{
  for (guint i = 1; i < n; i++) {
    WeirKey *slot = slots[i];
    guint k = i;

    for (; k > 0 && slots[k - 1]->hash >= slot->hash && compare_slots (slots[k - 1], slot) > 0; k--)
      slots[k] = slots[k - 1];
    slots[k] = slot;
  }
}

static gboolean
is_in_range (const WeirTableCursor *cursor, const WeirKey *slot)
{
  return slot->hash >= cursor->from && slot->hash < cursor->until;
}

/* Gives the slots of the run that begins at the cursor, as far as they are in the range and fit; *end: where it
 * stopped. */
static guint
take_run (const WeirTableCursor *cursor, WeirKey **slots, guint most, gsize *end)
{
  guint n = 0;
  gsize i = cursor->at;

  for (; slot_at (cursor->table, i)->meta != 0; i++) {
    WeirKey *slot = slot_at (cursor->table, i);

    if (!is_in_range (cursor, slot))
      continue;
    if (n == most)
      break;
    slots[n++] = slot;
  }
  sort_run (slots, n);
  *end = i;
  return n;
}

/* Into the sorted slots, of which there may be @most, the last giving way. */
static guint
insert_sorted (WeirKey **slots, guint n, guint most, WeirKey *slot)
{
  guint k = n < most ? n++ : most - 1;

  for (; k > 0 && compare_slots (slots[k - 1], slot) > 0; k--)
    slots[k] = slots[k - 1];
  slots[k] = slot;
  return n;
}

/* The next part of a run that is longer than a call: the least slots after the last that was given. */
static guint
take_part (WeirTableCursor *cursor, WeirKey **slots, guint most)
{
  guint n = 0;
  gsize i = cursor->at;
  gboolean is_all = TRUE;

  for (; slot_at (cursor->table, i)->meta != 0; i++) {
    WeirKey *slot = slot_at (cursor->table, i);

    if (!is_in_range (cursor, slot) || (cursor->last != NULL && compare_slots (cursor->last, slot) >= 0))
      continue;
    is_all = is_all && n < most;
    if (n < most || compare_slots (slots[most - 1], slot) > 0)
      n = insert_sorted (slots, n, most, slot);
  }
  cursor->last = is_all ? NULL : slots[n - 1];
  if (is_all)
    cursor->at = i;
  return n;
}

static void
skip_free (WeirTableCursor *cursor)
{
  const WeirTable *table = cursor->table;

  while (cursor->at < table->capacity && slot_at (table, cursor->at)->meta == 0) {
    if (table->base + ((guint64) cursor->at << table->shift) >= cursor->until)
      cursor->at = table->capacity;
    else
      cursor->at++;
  }
}

guint
weir_table_cursor_next (WeirTableCursor *cursor, WeirKey **slots, guint most)
{
  const WeirTable *table = cursor->table;
  guint n = 0;

  if (G_UNLIKELY (cursor->last != NULL))
    return take_part (cursor, slots, most);
  for (skip_free (cursor); n < most && cursor->at < table->capacity; skip_free (cursor)) {
    gsize end;
    guint taken = take_run (cursor, slots + n, most - n, &end);

    if (G_UNLIKELY (slot_at (table, end)->meta != 0))
      return n > 0 ? n : take_part (cursor, slots, most); /* what does not fit waits for the next call */
    cursor->at = end;
    n += taken;
  }
  return n;
}

gsize
weir_table_count (const WeirTable *table, guint64 from, guint64 until)
{
  WeirTableCursor cursor;
  gsize n = 0;

  if (from <= table->base && until >= table->base + table->range)
    return table->n;
  weir_table_cursor_init (&cursor, table, from, until);
  for (skip_free (&cursor); cursor.at < table->capacity; skip_free (&cursor))
    for (; slot_at (table, cursor.at)->meta != 0; cursor.at++)
      n += is_in_range (&cursor, slot_at (table, cursor.at));
  return n;
}

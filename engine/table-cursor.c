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

/* Slots of a later run have greater hashes, so no more than a run is ever moved; most are in place already. */
static void
sort_slots (WeirKey **slots, guint n)
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

/* The first place whose own hashes all lie behind the range. */
static gsize
stop_of (const WeirTableCursor *cursor)
{
  const WeirTable *table = cursor->table;
  guint64 end = cursor->until - table->base;

  if (cursor->until >= table->base + table->range)
    return table->capacity;
  return MIN ((gsize) ((end + ((guint64) 1 << table->shift) - 1) >> table->shift), table->capacity);
}

/* Lists used slots up to place @stop. Which slots are used is as good as random, hence no branch on it. */
static guint
list_slots (WeirTableCursor *cursor, WeirKey **slots, guint n, guint most, gsize stop)
{
  const gsize stride = cursor->table->stride;
  const guint64 from = cursor->from, span = cursor->until - cursor->from;
  char *p = cursor->table->slots + cursor->at * stride;
  gsize i = cursor->at;

  for (; i < stop && n < most; i++, p += stride) {
    WeirKey *slot = (WeirKey *) p;

    slots[n] = slot;
    n += (slot->meta != 0) & ((guint64) slot->hash - from < span);
  }
  cursor->at = i;
  return n;
}

/* Leaves a run that was not listed whole to the next call; FALSE if it began where this one did. */
static gboolean
leave_run (WeirTableCursor *cursor, gsize begin, guint *n)
{
  while (cursor->at > begin && slot_at (cursor->table, cursor->at - 1)->meta != 0) {
    cursor->at--;
    *n -= is_in_range (cursor, slot_at (cursor->table, cursor->at));
  }
  return cursor->at > begin;
}

/* Does the cursor stand inside a run? */
static gboolean
is_in_run (const WeirTableCursor *cursor)
{
  const WeirTable *table = cursor->table;

  return cursor->at < table->capacity && slot_at (table, cursor->at)->meta != 0 &&
         slot_at (table, cursor->at - 1)->meta != 0;
}

guint
weir_table_cursor_next (WeirTableCursor *cursor, WeirKey **slots, guint most)
{
  const gsize stop = stop_of (cursor);
  guint n = 0;

  if (G_UNLIKELY (cursor->last != NULL))
    return take_part (cursor, slots, most);
  while (n == 0 && cursor->at < stop) {
    gsize begin = cursor->at;

    n = list_slots (cursor, slots, 0, most, stop);
    /* Slots of the range may have been pushed behind its end, by those before them. */
    while (cursor->at >= stop && n < most && is_in_run (cursor))
      n = list_slots (cursor, slots, n, most, cursor->at + 1);
    if (is_in_run (cursor) && !leave_run (cursor, begin, &n))
      return take_part (cursor, slots, most);
  }
  sort_slots (slots, n);
  return n;
}

gsize
weir_table_count (const WeirTable *table, guint64 from, guint64 until)
{
  WeirTableCursor cursor;
  WeirKey *slots[256];
  gsize n = 0;
  guint some;

  if (from <= table->base && until >= table->base + table->range)
    return table->n;
  weir_table_cursor_init (&cursor, table, from, until);
  while ((some = weir_table_cursor_next (&cursor, slots, G_N_ELEMENTS (slots))) > 0)
    n += some;
  return n;
}

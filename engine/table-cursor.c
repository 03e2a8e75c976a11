/* Owns the walk through a table's slots, which lie in the order of their hashes. Threads: many may walk through a table
 * that nobody changes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/table-cursor.h"

/* The first place whose own hashes all lie behind the range. */
static gsize
stop_of (const WeirTable *table, guint64 until)
{
  guint64 end = until - table->base;

  if (until >= table->base + table->range)
    return table->capacity;
  return MIN ((gsize) ((end + ((guint64) 1 << table->shift) - 1) >> table->shift), table->capacity);
}

void
weir_table_cursor_init (WeirTableCursor *cursor, const WeirTable *table, guint64 from, guint64 until)
{
  *cursor = (WeirTableCursor){ .table = table, .from = from, .until = until, .at = table->capacity };
  if (table->block == NULL || until <= table->base)
    return;
  cursor->at = from > table->base ? MIN ((gsize) (from - table->base) >> table->shift, table->capacity) : 0;
  cursor->stop = stop_of (table, until);
}

static WeirKey *
slot_at (const WeirTable *table, gsize i)
{
  return (WeirKey *) (table->slots + i * table->stride);
}

/* Lists used slots up to the stop. Which slots are used is as good as random, hence no branch on it. */
static guint
list_slots (WeirTableCursor *cursor, WeirKey **slots, guint most)
{
  const gsize stride = cursor->table->stride, stop = cursor->stop;
  const guint64 from = cursor->from, span = cursor->until - cursor->from;
  char *p = cursor->table->slots + cursor->at * stride;
  gsize i = cursor->at;
  guint n = 0;

  for (; i < stop && n < most; i++, p += stride) {
    WeirKey *slot = (WeirKey *) p;

    slots[n] = slot;
    n += (slot->meta != 0) & ((guint64) slot->hash - from < span);
  }
  cursor->at = i;
  return n;
}

/* Slots of the range may have been pushed behind its end, by those before them. */
static guint
list_pushed (WeirTableCursor *cursor, WeirKey **slots, guint n, guint most)
{
  const WeirTable *table = cursor->table;

  while (n < most && cursor->at < table->capacity) {
    WeirKey *slot = slot_at (table, cursor->at);

    if (slot->meta == 0 || slot->hash >= cursor->until) {
      cursor->at = table->capacity;
      break;
    }
    slots[n] = slot;
    n += slot->hash >= cursor->from;
    cursor->at++;
  }
  return n;
}

guint
weir_table_cursor_next (WeirTableCursor *cursor, WeirKey **slots, guint most)
{
  guint n = 0;

  if (cursor->at < cursor->stop)
    n = list_slots (cursor, slots, most);
  if (cursor->at >= cursor->stop)
    n = list_pushed (cursor, slots, n, most);
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

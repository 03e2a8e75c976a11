/* Owns the walk through a table's slots, which lie in the order of their hashes. Threads: many may walk through a table
 * that nobody changes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/table-cursor.h"

/* The place of a hash that may lie outside of the table. */
static char *
place_of (const WeirTable *table, guint64 hash)
{
  gsize place = table->capacity;

  if (hash <= table->base)
    place = 0;
  else if (hash - table->base < table->range)
    place = (gsize) ((hash - table->base) >> table->shift);
  return table->slots + place * table->stride;
}

static gboolean
is_used_before (const WeirTableCursor *cursor, guint64 hash)
{
  const WeirKey *slot = (const WeirKey *) cursor->at;

  return cursor->at < cursor->end && slot->meta != 0 && slot->hash < hash;
}

void
weir_table_cursor_init (WeirTableCursor *cursor, const WeirTable *table, guint64 from, guint64 until)
{
  *cursor = (WeirTableCursor){ .until = until, .stride = table->stride };
  if (table->block == NULL || until <= table->base)
    return;
  cursor->at = place_of (table, from);
  cursor->stop = place_of (table, until);
  cursor->end = table->slots + table->capacity * table->stride;
  /* Slots from before the range may have been pushed into it. */
  while (is_used_before (cursor, from))
    cursor->at += cursor->stride;
}

/* Lists used slots up to the stop, all of which are in the range. Which slots are used is as good as random, hence no
 * branch on it. */
static guint
list_slots (WeirTableCursor *cursor, WeirKey **slots, guint most)
{
  const gsize stride = cursor->stride;
  const char *stop = cursor->stop;
  char *at = cursor->at;
  guint n = 0;

  for (; at < stop && n < most; at += stride) {
    slots[n] = (WeirKey *) at;
    n += (((const WeirKey *) at)->meta & WEIR_KEY_USED) != 0;
  }
  cursor->at = at;
  return n;
}

guint
weir_table_cursor_next (WeirTableCursor *cursor, WeirKey **slots, guint most)
{
  guint n = list_slots (cursor, slots, most);

  if (cursor->at < cursor->stop)
    return n;
  /* Slots of the range may share the stop's place with others, or have been pushed behind it. */
  for (; n < most && is_used_before (cursor, cursor->until); cursor->at += cursor->stride)
    slots[n++] = (WeirKey *) cursor->at;
  if (n < most)
    cursor->at = cursor->end;
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

/* Owns the growth of hash tables and their long keys.
 * Threads: one at a time; a table that nobody writes any more may be read by many.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/table.h"

#include <string.h>

#include "engine/value-copy.h"

#define FIRST_CAPACITY 64
#define TAIL           64
/* Keys that arrive in the order of their hashes fill the table from the front, densely, before the load as a whole is
 * high: keys that land this far from home say so. The table grows when walking there has cost as much as growing will,
 * so that neither time nor memory runs away, whatever the hashes are. */
#define FAR        48
#define FAST_UNTIL ((gsize) 32 * 1024)

void
weir_key_of_slow (WeirValue value, const WeirSeed *seed, WeirKey *key, WeirValue *cell)
{
  key->hash = (guint32) (weir_hash_value (value, seed) >> 32);
  key->meta = WEIR_KEY_USED | (guint32) value.kind << WEIR_KEY_KIND_SHIFT;
  key->hi = 0;
  if (value.kind >= WEIR_PAIR) {
    *cell = value;
    key->lo = (guint64) (guintptr) cell;
    key->meta |= WEIR_KEY_CELLS;
  } else {
    key->lo = value.kind == WEIR_FLOAT ? weir_float_key (value.number) : value.bits;
  }
}

WeirValue
weir_key_value_slow (const WeirKey *key)
{
  guint kind = key->meta >> WEIR_KEY_KIND_SHIFT & 15;

  if (key->meta & WEIR_KEY_CELLS)
    return *(const WeirValue *) (guintptr) key->lo;
  if (key->meta & WEIR_KEY_LONG)
    return WEIR_VALUE_INIT (data, (const char *) (guintptr) key->lo, (guint32) key->hi, (guint8) kind, 0);
  if (kind == WEIR_TEXT || kind == WEIR_BYTES)
    return WEIR_VALUE_INIT (data, (const char *) &key->lo, key->meta & WEIR_KEY_SIZE, (guint8) kind, 0);
  return WEIR_VALUE_INIT (bits, key->lo, 0, (guint8) kind, 0);
}

gboolean
weir_key_equal_slow (const WeirKey *slot, const WeirKey *key)
{
  if (slot->hash != key->hash || slot->hi != key->hi || ((slot->meta ^ key->meta) & WEIR_KEY_BITS) != 0)
    return FALSE;
  if (key->meta & WEIR_KEY_CELLS)
    return weir_equal (weir_key_value_slow (slot), weir_key_value_slow (key));
  return memcmp ((const char *) (guintptr) slot->lo, (const char *) (guintptr) key->lo, key->hi) == 0;
}

void
weir_table_init (WeirTable *table, WeirMemory *memory, gsize value_size, guint64 base, guint64 range)
{
  static const WeirKey none;

  *table = (WeirTable){ .memory = memory, .stride = sizeof (WeirKey) + ((value_size + 7) & ~(gsize) 7) };
  table->base = (guint32) base;
  table->range = range;
  /* Until something comes, all hashes find the one free slot that nobody writes to. */
  table->slots = (char *) &none;
  table->shift = 32;
  table->capacity = 1;
  weir_cells_init (&table->keys, memory);
}

void
weir_table_clear (WeirTable *table)
{
  if (table->block != NULL)
    weir_block_unref (table->block);
  weir_cells_clear (&table->keys);
  table->block = NULL;
  table->slots = NULL;
}

/* The shift that gives at least @capacity places. */
static guint
shift_for (const WeirTable *table, gsize capacity)
{
  guint shift = 32;

  while (shift > 0 && table->range >> shift < capacity)
    shift--;
  return shift;
}

static gboolean
set_slots (WeirTable *table, guint shift, gsize tail)
{
  gsize places = (gsize) (table->range >> shift) + 1, size;
  gsize capacity = places + tail + 1;
  WeirBlock *block;

  if (__builtin_mul_overflow (capacity, table->stride, &size) || size > G_MAXSIZE / 8)
    return FALSE;
  block = weir_block_new (table->memory, size + 64);
  if (block == NULL)
    return FALSE;
  table->block = block;
  table->slots = (char *) (((guintptr) block->data + 63) & ~(guintptr) 63);
  memset (table->slots, 0, size);
  table->shift = shift;
  table->capacity = capacity;
  table->tail = tail;
  table->limit = places * 5 / 8;
  table->strain = 0;
  return TRUE;
}

static gboolean
is_last (const WeirTable *table, const WeirKey *slot)
{
  return (const char *) slot >= table->slots + (table->capacity - 1) * table->stride;
}

/* Moves all slots over; FALSE if the tail is too short for what is displaced at the end. */
static gboolean
move_slots (WeirTable *table, const WeirTable *old)
{
  for (gsize i = 0; i < old->capacity; i++) {
    const WeirKey *slot = (const WeirKey *) (old->slots + i * old->stride);
    WeirKey *to;

    if (slot->meta == 0)
      continue;
    to = weir_table_home (table, slot->hash, table->stride);
    while (to->meta != 0)
      to = (WeirKey *) ((char *) to + table->stride);
    if (is_last (table, to))
      return FALSE;
    memcpy (to, slot, table->stride);
  }
  return TRUE;
}

static gboolean
resize (WeirTable *table, guint shift, gsize tail)
{
  const WeirTable old = *table;

  for (;; tail *= 2) {
    if (!set_slots (table, shift, tail)) {
      *table = old;
      return FALSE;
    }
    if (move_slots (table, &old))
      break;
    weir_block_unref (table->block);
  }
  if (old.block != NULL)
    weir_block_unref (old.block);
  return TRUE;
}

gboolean
weir_table_reserve (WeirTable *table, gsize n)
{
  guint shift;

  if (n < table->limit)
    return TRUE;
  shift = shift_for (table, n + n / 8 * 5 + FIRST_CAPACITY);
  return shift >= table->shift || resize (table, shift, MAX (table->tail, TAIL));
}

/* More places for the keys; none are left to be had when each hash has its own. */
static gboolean
grow (WeirTable *table)
{
  guint shift = shift_for (table, FIRST_CAPACITY);

  if (table->block != NULL)
    shift = table->n < FAST_UNTIL && table->shift > 1 ? table->shift - 2 : table->shift - MIN (table->shift, 1);
  return resize (table, shift, MAX (table->tail, TAIL));
}

/* Does walking to where the key would go say that there should be more places? Not where they would not help. */
static gboolean
is_strained (WeirTable *table, const WeirKey *key, const WeirKey *slot)
{
  const WeirKey *home = weir_table_home (table, key->hash, table->stride);
  gsize bytes = (gsize) ((const char *) slot - (const char *) home);

  if (G_LIKELY (bytes <= FAR * table->stride) || home->hash == key->hash || table->shift == 0)
    return FALSE;
  table->strain += bytes / table->stride;
  if (table->strain < table->capacity)
    return FALSE;
  table->strain = 0; /* if there is no memory to grow now, there is no hurry to ask again */
  return TRUE;
}

/* The free slot for a key, whose present one is @slot. NULL: memory limit. */
static G_GNUC_NO_INLINE WeirKey *
make_room (WeirTable *table, const WeirKey *key, WeirKey *slot)
{
  const char *slots = table->slots;

  if (table->n >= table->limit && table->shift > 0) {
    if (!grow (table))
      return NULL;
  } else if (is_strained (table, key, slot)) {
    grow (table);
  }
  if (table->slots != slots)
    slot = weir_table_find (table, key, table->stride);
  while (G_UNLIKELY (is_last (table, slot))) {
    if (!resize (table, table->shift, table->tail * 2))
      return NULL;
    slot = weir_table_find (table, key, table->stride);
  }
  return slot;
}

static inline gboolean
has_room (const WeirTable *table, const WeirKey *key, const WeirKey *slot)
{
  const char *home = (const char *) weir_table_home (table, key->hash, table->stride);

  return table->n < table->limit && (gsize) ((const char *) slot - home) <= FAR * table->stride &&
         !is_last (table, slot);
}

/* A container's cell holds a list of one: itself. */
gboolean
weir_key_own_slow (WeirCells *cells, WeirKey *key)
{
  WeirValue value, kept = weir_nil ();

  value = weir_key_value_slow (key);
  if (key->meta & WEIR_KEY_CELLS)
    value = weir_list_at ((const WeirValue *) (guintptr) key->lo, 1);
  if (!weir_cells_replace (cells, &kept, value))
    return FALSE;
  key->lo = (guint64) (guintptr) kept.data;
  return TRUE;
}

void
weir_key_drop_slow (WeirCells *cells, const WeirKey *key)
{
  WeirValue kept = weir_key_value_slow (key);

  if (key->meta & WEIR_KEY_CELLS)
    kept = WEIR_VALUE_INIT (cells, (const WeirValue *) (guintptr) key->lo, 1, WEIR_LIST, 0);
  weir_cells_drop (cells, &kept);
}

void
weir_table_remove (WeirTable *table, WeirKey *slot)
{
  const gsize stride = table->stride;
  WeirKey *hole = slot;

  weir_key_drop (&table->keys, slot);
  for (WeirKey *next = (WeirKey *) ((char *) slot + stride); next->meta != 0;
       next = (WeirKey *) ((char *) next + stride))
    if (weir_table_home (table, next->hash, stride) <= hole) {
      memcpy (hole, next, stride);
      hole = next;
    }
  memset (hole, 0, stride);
  table->n--;
}

static gboolean
is_before (const WeirKey *a, const WeirKey *b)
{
  if (G_LIKELY (a->hash != b->hash))
    return a->hash < b->hash;
  return weir_compare (weir_key_value (a), weir_key_value (b)) < 0;
}

/* The key's place in its run, at whose end @slot is free: what belongs behind it moves up. Walkers then find all slots
 * in order, and there are more walks than keys that are new. */
static inline WeirKey *
open_place (WeirTable *table, const WeirKey *key, WeirKey *slot)
{
  const gsize stride = table->stride;
  char *place = (char *) slot;

  while (place > table->slots && ((WeirKey *) (place - stride))->meta != 0 &&
         is_before (key, (WeirKey *) (place - stride)))
    place -= stride;
  if (place == (char *) slot)
    return slot;
  memmove (place + stride, place, (gsize) ((char *) slot - place));
  memset (place, 0, stride);
  return (WeirKey *) place;
}

WeirKey *
weir_table_insert (WeirTable *table, const WeirKey *key, WeirKey *slot)
{
  WeirKey own = *key;

  if (G_UNLIKELY (!has_room (table, key, slot)))
    slot = make_room (table, key, slot);
  own.meta &= WEIR_KEY_BITS;
  if (G_UNLIKELY (slot == NULL))
    return NULL;
  if (!weir_key_own (&table->keys, &own))
    return NULL;
  slot = open_place (table, key, slot);
  *slot = own;
  table->n++;
  return slot;
}

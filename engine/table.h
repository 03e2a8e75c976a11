/* Hash tables over keys of any kind, for one task at a time: what combining, grouping and windows are made of.
 *
 * Open addressing in the order of the hash: a slot's place is given by the top bits of the hash, so that the slots of a
 * key group lie together, a slice of a table is a range of slots, and a merge of two tables walks through both from
 * front to back. A run of used slots is in the order of (hash, key). A slot is a WeirKey followed by `value_size` bytes that belong to the owner of the table (zeroed when
 * new). Keys of up to 16 bytes live in the slot; longer ones and containers are copied once into cells of the table's.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/cells.h"
#include "engine/hash.h"
#include "engine/memory.h"

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "short keys are kept as little-endian words and read back as bytes"
#endif

/* meta: size of a short text, flags, kind, eight bits for the owner of the slot; 0: the slot is free. */
#define WEIR_KEY_SIZE       0x0000001fu
#define WEIR_KEY_LONG       0x00000020u /* lo is a pointer to hi bytes */
#define WEIR_KEY_CELLS      0x00000040u /* lo is a pointer to a WeirValue */
#define WEIR_KEY_KIND_SHIFT 8
#define WEIR_KEY_NOTE_SHIFT 16
#define WEIR_KEY_NOTE       0x00ff0000u
#define WEIR_KEY_USED       0x80000000u
#define WEIR_KEY_BITS       (~WEIR_KEY_NOTE)

typedef struct {
  guint64 lo, hi;
  guint32 hash; /* the top half: place, key group, and a tag for long keys */
  guint32 meta;
} WeirKey;

typedef struct {
  char *slots;
  gsize stride;
  guint32 base; /* the first hash that belongs here */
  guint shift;
  guint64 range;  /* how many hashes belong here: 2^32 for all */
  gsize capacity; /* slots, the tail included; the last one is always free */
  gsize tail;     /* slots beyond the places, for what is displaced */
  gsize n;
  gsize limit;
  gsize strain; /* steps from home that crowded keys have cost since the table grew */
  WeirMemory *memory;
  WeirBlock *block;
  WeirCells keys; /* long ones */
} WeirTable;

#define WEIR_N_GROUPS 256 /* key groups; one is the top eight bits of a hash */

/* The slices of an exchange are runs of whole key groups. */
static inline guint
weir_slice_of (guint32 hash, guint n_slices)
{
  return ((hash >> 24) * n_slices + n_slices - 1) / WEIR_N_GROUPS;
}

static inline guint64
weir_slice_start (guint slice, guint n_slices)
{
  return (guint64) (slice * WEIR_N_GROUPS / n_slices) << 24;
}

void weir_key_of_slow (WeirValue value, const WeirSeed *seed, WeirKey *key, WeirValue *cell);
WeirValue weir_key_value_slow (const WeirKey *key);
gboolean weir_key_equal_slow (const WeirKey *slot, const WeirKey *key);

static inline guint32
weir_key_meta_of_short (guint kind, gsize size)
{
  return WEIR_KEY_USED | kind << WEIR_KEY_KIND_SHIFT | (guint32) size;
}

static inline void
weir_key_of_text (const char *data, gsize size, guint kind, const WeirSeed *seed, WeirKey *key)
{
  if (G_LIKELY (size <= WEIR_HASH_SHORT)) {
    weir_key_words (data, size, &key->lo, &key->hi);
    key->hash = (guint32) (weir_hash_words (key->lo, key->hi, size, seed) >> 32);
    key->meta = weir_key_meta_of_short (kind, size);
    return;
  }
  key->lo = (guint64) (guintptr) data;
  key->hi = size;
  key->hash = (guint32) (weir_hash_long (data, size, seed) >> 32);
  key->meta = WEIR_KEY_USED | WEIR_KEY_LONG | kind << WEIR_KEY_KIND_SHIFT;
}

/* @cell holds a container while the key is in use. */
static inline void
weir_key_of (WeirValue value, const WeirSeed *seed, WeirKey *key, WeirValue *cell)
{
  if (G_LIKELY (value.kind == WEIR_TEXT || value.kind == WEIR_BYTES))
    weir_key_of_text (value.data, value.size, value.kind, seed, key);
  else
    weir_key_of_slow (value, seed, key, cell);
}

/* The value that a slot's key stands for; it points into the slot or the table's cells. */
static inline WeirValue
weir_key_value (const WeirKey *key)
{
  guint kind = key->meta >> WEIR_KEY_KIND_SHIFT & 15;

  if (G_LIKELY (kind == WEIR_TEXT && (key->meta & WEIR_KEY_LONG) == 0))
    return WEIR_VALUE_INIT (data, (const char *) &key->lo, key->meta & WEIR_KEY_SIZE, WEIR_TEXT, 0);
  return weir_key_value_slow (key);
}

gboolean weir_key_own_slow (WeirCells *cells, WeirKey *key);
void weir_key_drop_slow (WeirCells *cells, const WeirKey *key);

/* Makes a copy of a key stand on its own: what does not fit into it is copied into @cells. FALSE: memory limit. */
static inline gboolean
weir_key_own (WeirCells *cells, WeirKey *key)
{
  return G_LIKELY ((key->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) == 0) || weir_key_own_slow (cells, key);
}

static inline void
weir_key_drop (WeirCells *cells, const WeirKey *key)
{
  if (G_UNLIKELY ((key->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) != 0))
    weir_key_drop_slow (cells, key);
}

static inline gboolean
weir_key_equal (const WeirKey *a, const WeirKey *b)
{
  if (a->lo == b->lo && a->hi == b->hi && ((a->meta ^ b->meta) & WEIR_KEY_BITS) == 0)
    return TRUE;
  return G_UNLIKELY ((b->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) != 0) && weir_key_equal_slow (a, b);
}

void weir_table_init (WeirTable *table, WeirMemory *memory, gsize value_size, guint64 base, guint64 range);
void weir_table_clear (WeirTable *table);
/* Room for @n keys before it grows. FALSE: memory limit, the table is as it was. */
gboolean weir_table_reserve (WeirTable *table, gsize n);
/* Puts in a key that weir_table_find () did not find; @slot: what it gave. Others may move. NULL: memory limit. */
WeirKey *weir_table_insert (WeirTable *table, const WeirKey *key, WeirKey *slot);

/* Takes a slot out; others may move up to close the gap. */
void weir_table_remove (WeirTable *table, WeirKey *slot);

#define weir_slot_value(slot) ((gpointer) ((WeirKey *) (slot) + 1))

static inline WeirKey *
weir_table_home (const WeirTable *table, guint32 hash, gsize stride)
{
  return (WeirKey *) (table->slots + ((gsize) (hash - table->base) >> table->shift) * stride);
}

/* The key's slot, or the free slot where it would go (meta 0). @stride is the table's: a constant lets loops be tight.
 */
static inline WeirKey *
weir_table_find (const WeirTable *table, const WeirKey *key, gsize stride)
{
  WeirKey *slot = weir_table_home (table, key->hash, stride);

  for (;; slot = (WeirKey *) ((char *) slot + stride)) {
    if (slot->lo == key->lo && slot->hi == key->hi && ((slot->meta ^ key->meta) & WEIR_KEY_BITS) == 0)
      return slot;
    if (slot->meta == 0)
      return slot;
    if (G_UNLIKELY ((key->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) != 0) && weir_key_equal_slow (slot, key))
      return slot;
  }
}

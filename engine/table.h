/* Hash tables over keys of any kind, for one task at a time: what combining, grouping and windows are made of.
 *
 * Open addressing in the order of the hash: a slot's place is given by the top bits of the hash, so that the slots of a
 * key group lie together, a slice of a table is a range of slots, and a merge of two tables walks through both from
 * front to back. A run of used slots is in the order of (hash, key). A slot is a WeirKey followed by `value_size` bytes that belong to the owner of the table (zeroed when
 * new). Keys of up to 16 bytes live in the slot; longer ones and containers are copied once into cells of the table's.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/key.h"
#include "engine/memory.h"

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

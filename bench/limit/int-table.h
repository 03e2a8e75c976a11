/* An open-addressing table of int64 keys, linear probing, at most half full: what the references for joins and groups
 * look keys up in. Knows nothing of weir or GLib. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>

typedef struct {
  int64_t key;
  uint32_t used, number; /* of the key, or its value */
} IntSlot;

typedef struct {
  IntSlot *slots;
  unsigned shift;
  uint64_t mask;
} IntTable;

static inline void
int_table_init (IntTable *table, uint64_t n_keys)
{
  unsigned bits = 4;

  while ((uint64_t) 1 << bits < 2 * n_keys)
    bits++;
  table->shift = 64 - bits;
  table->mask = ((uint64_t) 1 << bits) - 1;
  table->slots = calloc (table->mask + 1, sizeof *table->slots);
  if (table->slots == NULL)
    abort ();
}

static inline IntSlot *
int_table_home (const IntTable *table, int64_t key)
{
  return &table->slots[(uint64_t) key * 0x9e3779b97f4a7c15u >> table->shift];
}

/* The key's slot, or the free one where it belongs. */
static inline IntSlot *
int_table_find (const IntTable *table, int64_t key)
{
  IntSlot *slot = int_table_home (table, key);

  while (slot->used && slot->key != key)
    slot = slot == table->slots + table->mask ? table->slots : slot + 1;
  return slot;
}

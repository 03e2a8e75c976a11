/* The cold half of the SIMD reference's table: growth, long keys, merge. Owns the slots and the copies of long keys;
 * must not know where keys come from. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/simd-table.h"

#include <stdlib.h>

enum { MERGE_STEP = 512 }; /* slots; every table has a multiple of it */

void
simd_table_init (SimdTable *table, uint64_t n_slots, int copies_long_keys)
{
  /* whole cache lines: no slot straddles two */
  table->slots = aligned_alloc (64, n_slots * sizeof *table->slots);
  if (table->slots == NULL)
    abort ();
  memset (table->slots, 0, n_slots * sizeof *table->slots);
  table->mask = n_slots - 1;
  table->n_used = 0;
  table->copies_long_keys = copies_long_keys;
}

static char *
slot_text (const SimdSlot *slot)
{
  return (char *) (uintptr_t) slot->low;
}

void
simd_table_clear (SimdTable *table)
{
  for (uint64_t i = 0; table->copies_long_keys && i <= table->mask; i++)
    if (table->slots[i].size > SIMD_SHORT_KEY)
      free (slot_text (&table->slots[i]));
  free (table->slots);
}

static uint64_t
slot_hash (const SimdSlot *slot)
{
  return slot->size <= SIMD_SHORT_KEY ? simd_hash_short (slot->low, slot->high) : slot->high;
}

static void
grow (SimdTable *table)
{
  SimdSlot *old = table->slots;
  uint64_t n_old = table->mask + 1, n_used = table->n_used;

  simd_table_init (table, 2 * n_old, table->copies_long_keys);
  table->n_used = n_used;
  for (uint64_t i = 0; i < n_old; i++) {
    uint64_t at = slot_hash (&old[i]) & table->mask;

    if (old[i].size == 0)
      continue;
    while (table->slots[at].size != 0)
      at = (at + 1) & table->mask;
    table->slots[at] = old[i];
  }
  free (old);
}

void
simd_table_insert (SimdTable *table, uint64_t at, SimdSlot slot)
{
  table->slots[at] = slot;
  if (2 * ++table->n_used > table->mask)
    grow (table);
}

static uint64_t
load8 (const char *p)
{
  uint64_t v;

  memcpy (&v, p, sizeof v);
  return v;
}

static uint64_t
hash_long (const char *p, uint32_t size)
{
  uint64_t state = size;

  for (; size > 16; size -= 16, p += 16)
    state = simd_fold (load8 (p) ^ 0xa0761d6478bd642fu, load8 (p + 8) ^ state);
  return simd_fold (load8 (p + size - 16) ^ 0xe7037ed1a0b428dbu, load8 (p + size - 8) ^ state);
}

static const char *
keep_text (const SimdTable *table, const char *key, uint32_t size)
{
  char *copy;

  if (!table->copies_long_keys)
    return key;
  copy = malloc (size);
  if (copy == NULL)
    abort ();
  return memcpy (copy, key, size);
}

void
simd_table_add_long (SimdTable *table, const char *key, uint32_t size, int64_t value)
{
  uint64_t hash = hash_long (key, size), at = hash & table->mask;

  for (; table->slots[at].size != 0; at = (at + 1) & table->mask) {
    SimdSlot *slot = &table->slots[at];

    if (slot->size == size && slot->high == hash && memcmp (slot_text (slot), key, size) == 0) {
      slot->sum += value;
      return;
    }
  }
  key = keep_text (table, key, size);
  simd_table_insert (table, at, (SimdSlot){ (uintptr_t) key, hash, value, size, 0 });
}

static void
merge_slot (SimdTable *into, const SimdSlot *slot)
{
  if (__builtin_expect (slot->size > SIMD_SHORT_KEY, 0))
    simd_table_add_long (into, slot_text (slot), slot->size, slot->sum);
  else
    simd_table_add_short (into, simd_hash_short (slot->low, slot->high), slot->low, slot->high, slot->size, slot->sum);
}

/* The used slots are listed first, without a branch: which slots are used is what no branch predictor can know. */
void
simd_table_merge (SimdTable *into, const SimdTable *from)
{
  uint32_t used[MERGE_STEP];

  for (uint64_t base = 0; base <= from->mask; base += MERGE_STEP) {
    const SimdSlot *slots = from->slots + base;
    uint32_t n = 0;

    for (uint32_t i = 0; i < MERGE_STEP; i++) {
      used[n] = i;
      n += slots[i].size != 0;
    }
    for (uint32_t i = 0; i < n; i++)
      merge_slot (into, &slots[used[i]]);
  }
}

int64_t
simd_table_total (const SimdTable *table)
{
  int64_t total = 0;

  for (uint64_t i = 0; i <= table->mask; i++)
    total += table->slots[i].sum;
  return total;
}

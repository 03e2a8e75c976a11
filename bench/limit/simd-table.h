/* The table of the SIMD reference: slots of 32 bytes with the key inside when it has 16 bytes or fewer, else with a
 * pointer to it; at most half full; lookups of short keys are inline because every word does one. Knows nothing of
 * weir or GLib. One thread.
 *
 * Short keys are zero-padded, hashed by one 128-bit product and compared whole, size included, so that a NUL byte in
 * a word is a byte like others. Long keys are copied when the table is told so (their text may go away).
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SIMD_SHORT_KEY = 16 };

typedef struct {
  uint64_t low;  /* the key's first half, or the address of a long key */
  uint64_t high; /* the key's second half, or the hash of a long key */
  int64_t sum;
  uint32_t size; /* 0 = empty */
  uint32_t unused;
} SimdSlot;

typedef struct {
  SimdSlot *slots;
  uint64_t mask;
  uint64_t n_used;
  int copies_long_keys;
} SimdTable;

void simd_table_init (SimdTable *table, uint64_t n_slots, int copies_long_keys);
void simd_table_clear (SimdTable *table);
void simd_table_insert (SimdTable *table, uint64_t at, SimdSlot slot);
void simd_table_add_long (SimdTable *table, const char *key, uint32_t size, int64_t value);
void simd_table_merge (SimdTable *into, const SimdTable *from);
int64_t simd_table_total (const SimdTable *table);

static inline uint64_t
simd_fold (uint64_t a, uint64_t b)
{
  __uint128_t product = (__uint128_t) a * b;

  return (uint64_t) product ^ (uint64_t) (product >> 64);
}

/* After wyhash (Wang Yi, public domain) */
static inline uint64_t
simd_hash_short (uint64_t low, uint64_t high)
{
  return simd_fold (low ^ 0xe7037ed1a0b428dbu, high ^ 0xa0761d6478bd642fu);
}

static inline void
simd_table_add_short (SimdTable *table, uint64_t hash, uint64_t low, uint64_t high, uint32_t size, int64_t value)
{
  for (uint64_t at = hash & table->mask;; at = (at + 1) & table->mask) {
    SimdSlot *slot = &table->slots[at];

    if (((slot->low ^ low) | (slot->high ^ high) | (slot->size ^ size)) == 0) {
      slot->sum += value;
      return;
    }
    if (slot->size == 0) {
      simd_table_insert (table, at, (SimdSlot){ low, high, value, size, 0 });
      return;
    }
  }
}

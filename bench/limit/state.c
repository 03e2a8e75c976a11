/* The references for keyed state: a hand-written table of short TEXT keys and int64 states. --by touched: as many records
 * as a batch touches, each looked up and handed to a function through a pointer. --by all: that function for each entry
 * of the table, walked in its order. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/passes.h"
#include "bench/limit/simd-table.h"
#include "bench/pairs.h"

#include <stdlib.h>

typedef int64_t (*UpdateFunc) (const char *key, uint32_t size, int64_t value, int64_t state);

typedef struct {
  SimdTable table;
  const BenchCell *keys;
  uint64_t n_keys, n_touched;
  uint64_t next;
  UpdateFunc update;
} State;

static int64_t
add_up (const char *key, uint32_t size, int64_t value, int64_t state)
{
  return state + value;
}

/* Which function it is, is not known where it is called. */
static UpdateFunc volatile the_update = add_up;

static inline SimdSlot *
find (const SimdTable *table, const BenchCell *key)
{
  uint64_t low, high;

  memcpy (&low, key->text, sizeof low);
  memcpy (&high, key->text + sizeof low, sizeof high);
  for (uint64_t at = simd_hash_short (low, high) & table->mask;; at = (at + 1) & table->mask) {
    SimdSlot *slot = &table->slots[at];

    if (((slot->low ^ low) | (slot->high ^ high) | (slot->size ^ key->size)) == 0)
      return slot;
  }
}

static uint64_t
touch (void *data)
{
  State *self = data;
  uint64_t sum = 0;

  for (uint64_t i = 0; i < self->n_touched; i++) {
    const BenchCell *key = &self->keys[self->next + i];
    SimdSlot *slot = find (&self->table, key);

    slot->sum = self->update (key->text, key->size, 0, slot->sum);
    sum += (uint64_t) slot->sum;
  }
  self->next = self->next + 2 * self->n_touched <= self->n_keys ? self->next + self->n_touched : 0;
  return sum;
}

static uint64_t
walk (void *data)
{
  State *self = data;
  uint64_t sum = 0;

  for (uint64_t at = 0; at <= self->table.mask; at++) {
    SimdSlot *slot = &self->table.slots[at];

    if (slot->size == 0)
      continue;
    slot->sum = self->update ((const char *) slot, slot->size, 0, slot->sum);
    sum += (uint64_t) slot->sum;
  }
  return sum;
}

static void
fill (State *self)
{
  simd_table_init (&self->table, 4096, 0);
  for (uint64_t i = 0; i < self->n_keys; i++) {
    uint64_t low, high;

    memcpy (&low, self->keys[i].text, sizeof low);
    memcpy (&high, self->keys[i].text + sizeof low, sizeof high);
    simd_table_add_short (&self->table, simd_hash_short (low, high), low, high, self->keys[i].size, 1);
  }
}

int
main (int argc, char **argv)
{
  Passes passes = { .program = "state" };
  State self = { .update = the_update };
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  self.n_keys = args.keys;
  self.n_touched = args.touched;
  self.keys = bench_keys_new (args.keys, BENCH_KEY_STEP);
  fill (&self);
  passes.pass = strcmp (args.by, "all") == 0 ? walk : touch;
  passes.data = &self;
  passes_run (&passes, &args);
  simd_table_clear (&self.table);
  return 0;
}

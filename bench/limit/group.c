/* The reference for group_by_key: one pass finds each pair's group and counts, one places the values; then each group
 * goes to a function through a pointer. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/int-table.h"
#include "bench/limit/passes.h"
#include "bench/pairs.h"

typedef struct {
  const BenchPair *pairs;
  uint64_t n, n_keys;
  void (*take) (int64_t key, const int64_t *values, uint32_t n, uint64_t *sum);
} Grouping;

typedef struct {
  int64_t key;
  uint32_t n;
  int64_t *end; /* where the next value goes */
} Group;

static void
add_group (int64_t key, const int64_t *values, uint32_t n, uint64_t *sum)
{
  *sum += n + (uint64_t) values[n - 1];
}

static uint32_t
count_values (const Grouping *self, IntTable *table, Group *groups, uint32_t *group_of)
{
  uint32_t n_groups = 0;

  for (uint64_t i = 0; i < self->n; i++) {
    int64_t key = self->pairs[i].key.integer;
    IntSlot *slot = int_table_find (table, key);

    if (!slot->used) {
      *slot = (IntSlot){ key, 1, n_groups };
      groups[n_groups++].key = key;
    }
    group_of[i] = slot->number;
    groups[slot->number].n++;
  }
  return n_groups;
}

static uint64_t
group (void *data)
{
  const Grouping *self = data;
  Group *groups = calloc (self->n_keys, sizeof *groups);
  uint32_t *group_of = malloc (self->n * sizeof *group_of), n_groups;
  int64_t *values = malloc (self->n * sizeof *values), *at = values;
  IntTable table;
  uint64_t sum = 0;

  int_table_init (&table, self->n_keys);
  n_groups = count_values (self, &table, groups, group_of);
  for (uint32_t i = 0; i < n_groups; i++) {
    groups[i].end = at;
    at += groups[i].n;
  }
  for (uint64_t i = 0; i < self->n; i++)
    *groups[group_of[i]].end++ = self->pairs[i].value.integer;
  for (uint32_t i = 0; i < n_groups; i++)
    self->take (groups[i].key, groups[i].end - groups[i].n, groups[i].n, &sum);
  free (table.slots);
  free (values);
  free (group_of);
  free (groups);
  return sum;
}

int
main (int argc, char **argv)
{
  Passes passes = { .program = "group", .pass = group };
  Grouping grouping = { .take = add_group };
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  grouping.n = passes.items = args.items;
  grouping.n_keys = args.keys;
  grouping.pairs = bench_pairs_new (args.items, args.keys, 1);
  passes.data = &grouping;
  passes_run (&passes, &args);
  return 0;
}

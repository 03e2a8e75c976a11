/* The references for joins. --by join: a hash join of two arrays of pairs, the second one laid out by key in two passes,
 * the first one probing. --by table: pairs looked up in a table that is there, with prefetch. What is joined goes on in
 * chunks through a pointer to a function, as it would to whatever comes next. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/int-table.h"
#include "bench/limit/passes.h"
#include "bench/pairs.h"

#include <string.h>

enum { CHUNK = 512, AHEAD = 16, BLOCK = 512 };

typedef struct {
  int64_t key, first, second;
} Joined;

typedef struct {
  Joined rows[CHUNK];
  unsigned n;
  uint64_t sum;
  void (*take) (const Joined *rows, unsigned n, uint64_t *sum);
} Out;

typedef struct {
  const BenchPair *first, *second;
  uint64_t n, n_keys;
  IntTable table; /* --by table: key -> value */
} Join;

static void
add_rows (const Joined *rows, unsigned n, uint64_t *sum)
{
  for (unsigned i = 0; i < n; i++)
    *sum += (uint64_t) (rows[i].first + rows[i].second);
}

static inline void
put (Out *out, int64_t key, int64_t first, int64_t second)
{
  out->rows[out->n] = (Joined){ key, first, second };
  if (++out->n < CHUNK)
    return;
  out->take (out->rows, out->n, &out->sum);
  out->n = 0;
}

static uint64_t
finish (Out *out)
{
  out->take (out->rows, out->n, &out->sum);
  return out->sum;
}

typedef struct {
  uint32_t *number_of, *starts;
  int64_t *values;
  uint32_t n_groups;
} Layout;

/* The second array's values, those of a key side by side. */
static Layout
lay_out (const Join *join, IntTable *table)
{
  Layout l = { malloc (join->n * sizeof *l.number_of), calloc (join->n_keys + 2, sizeof *l.starts),
               malloc (join->n * sizeof *l.values), 0 };

  for (uint64_t i = 0; i < join->n; i++) {
    IntSlot *slot = int_table_find (table, join->second[i].key.integer);

    if (!slot->used)
      *slot = (IntSlot){ join->second[i].key.integer, 1, l.n_groups++ };
    l.number_of[i] = slot->number;
    l.starts[slot->number + 2]++;
  }
  for (uint32_t i = 2; i < l.n_groups + 2; i++)
    l.starts[i] += l.starts[i - 1];
  for (uint64_t i = 0; i < join->n; i++)
    l.values[l.starts[l.number_of[i] + 1]++] = join->second[i].value.integer;
  return l;
}

static uint64_t
hash_join (void *data)
{
  const Join *join = data;
  Out out = { .take = add_rows };
  IntTable table;
  Layout l;

  int_table_init (&table, join->n_keys);
  l = lay_out (join, &table);
  for (uint64_t i = 0; i < join->n; i++) {
    const BenchPair *pair = &join->first[i];
    const IntSlot *slot = int_table_find (&table, pair->key.integer);

    for (uint32_t k = slot->used ? l.starts[slot->number] : 0, end = slot->used ? l.starts[slot->number + 1] : 0;
         k < end; k++)
      put (&out, pair->key.integer, pair->value.integer, l.values[k]);
  }
  free (l.number_of);
  free (l.starts);
  free (l.values);
  free (table.slots);
  return finish (&out);
}

static uint64_t
probe (void *data)
{
  const Join *join = data;
  Out out = { .take = add_rows };

  for (uint64_t i = 0; i < join->n; i++) {
    const BenchPair *pair = &join->first[i];
    const IntSlot *slot;

    if (i + AHEAD < join->n)
      __builtin_prefetch (int_table_home (&join->table, join->first[i + AHEAD].key.integer));
    slot = int_table_find (&join->table, pair->key.integer);
    if (slot->used)
      put (&out, pair->key.integer, pair->value.integer, slot->number);
  }
  return finish (&out);
}

int
main (int argc, char **argv)
{
  Passes passes = { .program = "join" };
  Join join = { 0 };
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  join.n = args.items;
  join.n_keys = args.keys;
  join.first = bench_pairs_new (join.n, join.n_keys, 1);
  passes.data = &join;
  passes.items = join.n;
  if (strcmp (args.by, "table") == 0) {
    join.second = bench_table_new (join.n_keys);
    int_table_init (&join.table, join.n_keys);
    for (uint64_t i = 0; i < join.n_keys; i++)
      *int_table_find (&join.table, join.second[i].key.integer) =
          (IntSlot){ join.second[i].key.integer, 1, (uint32_t) join.second[i].value.integer };
    passes.pass = probe;
  } else {
    join.second = bench_pairs_new (join.n, join.n_keys, join.n);
    passes.pass = hash_join;
  }
  passes_run (&passes, &args);
  return 0;
}

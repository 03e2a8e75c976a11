/* Joins, groups and orders of one in-memory batch a pass. --by join|table|outer|group|sort|sort-order|top.
 *
 * What comes out is all looked at, as in the references: joined values are added, lists counted, the numbers of
 * a sorted dataset and of top added up.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/pairs.h"
#include "bench/weir-pass.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  WeirPass pass;
  WeirQueue *second; /* --by join */
  const BenchArgs *args;
  WeirValue *values, *second_values;
} Job;

/* What is joined goes on to the next operator. */
static WeirValue
add_both (WeirTask *task, WeirValue joined, gpointer user_data)
{
  WeirValue both = weir_val (joined);

  return weir_int (weir_as_int (weir_key (both)) + weir_as_int (weir_val (both)));
}

static void
add_joined (Job *job, WeirStream *joined)
{
  weir_pass_sum (&job->pass, weir_reduce (weir_map (joined, add_both, NULL), WEIR_SUM, NULL));
}

static void
add_groups (WeirTask *task, WeirIter *rows, gpointer user_data)
{
  WeirPass *pass = user_data;
  WeirValue row;
  guint64 sum = 0;

  while (weir_iter_next (rows, &row)) {
    WeirValue list = weir_val (row);

    sum += weir_size (list) + (guint64) weir_as_int (weir_item (list, weir_size (list) - 1));
  }
  __atomic_add_fetch (&pass->total, (gint64) sum, __ATOMIC_RELAXED);
}

static WeirDataset *
join_table (WeirDataset *data, WeirTime time, gpointer table, GError **error)
{
  return weir_dataset_join (data, table);
}

static WeirDataset *
join_outer (WeirDataset *data, WeirTime time, gpointer table, GError **error)
{
  return weir_dataset_full_outer_join (data, table);
}

static gint
compare (WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_as_int (a) < weir_as_int (b) ? -1 : weir_as_int (a) > weir_as_int (b);
}

static WeirDataset *
sort (WeirDataset *data, WeirTime time, gpointer compare_or_null, GError **error)
{
  return weir_dataset_sort_by (data, compare_or_null != NULL ? compare : NULL, NULL);
}

static WeirValue *
pair_values (const BenchPair *pairs, gsize n)
{
  WeirValue *values = g_new (WeirValue, n), *cells = g_new (WeirValue, 2 * n);

  for (gsize i = 0; i < n; i++) {
    cells[2 * i] = weir_int (pairs[i].key.integer);
    cells[2 * i + 1] = weir_int (pairs[i].value.integer);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  return values;
}

static WeirValue *
int_values (const BenchCell *ints, gsize n)
{
  WeirValue *values = g_new (WeirValue, n);

  for (gsize i = 0; i < n; i++)
    values[i] = weir_int (ints[i].integer);
  return values;
}

static void
build_join (Job *job)
{
  const BenchArgs *args = job->args;
  WeirStream *second;

  job->second = weir_queue_new ();
  weir_queue_set_partitions (job->second, (guint) MAX (args->workers, 1));
  second = weir_queue_stream (job->pass.ctx, job->second, TRUE);
  job->second_values = pair_values (bench_pairs_new (args->items, args->keys, args->items), args->items);
  add_joined (job, weir_join (job->pass.lines, second));
}

static void
build_table (Job *job, WeirTransformFunc f)
{
  const BenchArgs *args = job->args;
  WeirValue *pairs = pair_values (bench_table_new (args->keys), args->keys);
  WeirDataset *table = weir_context_dataset (job->pass.ctx, pairs, args->keys, 1);

  add_joined (job, weir_transform (job->pass.lines, f, table));
}

static void
build (Job *job)
{
  const char *by = job->args->by;
  WeirStream *in = job->pass.lines;

  if (strcmp (by, "join") == 0)
    build_join (job);
  else if (strcmp (by, "table") == 0)
    build_table (job, join_table);
  else if (strcmp (by, "outer") == 0)
    build_table (job, join_outer);
  else if (strcmp (by, "group") == 0)
    weir_foreach_partition (weir_group_by_key (in), add_groups, &job->pass);
  else if (strcmp (by, "sort") == 0)
    weir_pass_sum (&job->pass, weir_transform (in, sort, &job->pass));
  else if (strcmp (by, "sort-order") == 0)
    weir_pass_sum (&job->pass, weir_transform (in, sort, NULL));
  else if (strcmp (by, "top") == 0)
    weir_pass_sum (&job->pass, weir_top (in, 10, NULL, NULL));
  else
    weir_pass_die ("--by is none of join, table, outer, group, sort, sort-order, top", NULL);
}

static void
make_values (Job *job)
{
  const BenchArgs *args = job->args;

  if (strncmp (args->by, "sort", 4) == 0 || strcmp (args->by, "top") == 0)
    job->values = int_values (bench_ints_new (args->items, 1), args->items);
  else
    job->values = pair_values (bench_pairs_new (args->items, args->keys, 1), args->items);
}

static void
run_once (Job *job)
{
  if (job->second != NULL)
    weir_queue_push (job->second, job->second_values, job->args->items);
  weir_pass_run (&job->pass, job->values, job->args->items);
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  Job job = { .args = &args };
  double seconds = 0, best = G_MAXDOUBLE;
  gint64 first;
  guint passes = 0;

  bench_args_parse (&args, argc, argv);
  weir_pass_init (&job.pass, &args);
  make_values (&job);
  build (&job);
  run_once (&job);
  first = job.pass.total;
  for (; seconds < args.seconds; passes++) {
    run_once (&job);
    if (job.pass.total != first)
      weir_pass_die ("a pass gave something else than the first", NULL);
    seconds += job.pass.processing;
    best = MIN (best, job.pass.processing);
  }
  printf (
      "{\"program\": \"weir-pairs\", \"rate\": %.1f, \"unit\": \"items/s\", \"best\": %.1f, \"seconds\": %.3f, \"passes\": %u, "
      "\"result\": %llu}\n",
      (double) args.items * passes / seconds, (double) args.items / best, seconds, passes, (unsigned long long) first);
  weir_pass_clear (&job.pass);
  if (job.second != NULL)
    weir_queue_free (job.second);
  return 0;
}
